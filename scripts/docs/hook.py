"""What MkDocs calls while it builds the site: pages made from code, pages from outside docs/, globs in the nav.

How a page is written does not belong here; `mkdocs.yml` says what is on the site.
"""

import posixpath
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.docs import cli_page, http_page, python_page, settings_page

ROOT: Final = Path(__file__).parents[2]

GENERATED: Final = {
    "reference/cli.md": cli_page.page,
    "reference/http.md": http_page.page,
    "reference/python.md": python_page.page,
    "reference/settings.md": settings_page.page,
}
MIRRORED: Final = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "reporting.md",
    "dbc/README.md": "databases.md",
}
"""Files that lie where GitHub and readers of the tree look for them, by their page on the site."""

POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'"
)
"""The browser itself loads nothing from elsewhere, whatever the theme's scripts would like to."""

_LABELLED_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:)([^)#\s]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that do not lie in docs/, and write out the globs of the nav."""
    for uri, make in GENERATED.items():
        files.append(File.generated(config, uri, content=make()))
    for path, uri in MIRRORED.items():
        files.append(File.generated(config, uri, content=(ROOT / path).read_text(encoding="utf-8")))
    known = sorted(file.src_uri for file in files.documentation_pages())
    config.nav = _expanded(config.nav, known)
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:  # noqa: ANN401  MkDocs passes more
    """Lead links to where their targets are on the site; a link to a file that is not on it stays as its words."""
    return relinked(markdown, page.file.src_uri)


def on_post_page(output: str, **_: Any) -> str:  # noqa: ANN401
    """Tell the browser to load nothing from elsewhere."""
    return _guarded(output)


def on_post_template(output_content: str, template_name: str, **_: Any) -> str:  # noqa: ANN401
    """The same for the page about what is not found."""
    return _guarded(output_content) if template_name.endswith(".html") else output_content


def relinked(markdown: str, uri: str) -> str:
    """The page of the site `uri`, with its links as they are there."""
    origin = next((path for path, mirrored in MIRRORED.items() if mirrored == uri), f"docs/{uri}")

    def lead(match: re.Match[str]) -> str:
        bang, words, link, anchor = match.groups()
        target = posixpath.normpath(posixpath.join(posixpath.dirname(origin), link))
        if (ROOT / target / "README.md").is_file():
            target += "/README.md"
        place = MIRRORED.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else None)
        if place is None:
            return str(words)
        return f"{bang}[{words}]({posixpath.relpath(place, posixpath.dirname(uri) or '.')}{anchor or ''})"

    return _LABELLED_LINK.sub(lead, markdown)


def _expanded(nav: Any, known: list[str]) -> Any:  # noqa: ANN401  lists, mappings and texts, as YAML has them
    if isinstance(nav, dict):
        return {title: _expanded(below, known) for title, below in nav.items()}
    if not isinstance(nav, list):
        return nav
    found: list[Any] = []
    for item in nav:
        if isinstance(item, str) and "*" in item:
            found += [uri for uri in known if fnmatch(uri, item) and uri not in found]
        else:
            found.append(_expanded(item, known))
    return found


def _guarded(html: str) -> str:
    return html.replace("<head>", f'<head><meta http-equiv="Content-Security-Policy" content="{POLICY}">', 1)
