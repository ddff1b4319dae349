"""The documentation site: it is built without a warning, and a browser that reads it asks nobody else."""

import functools
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from scripts.docs.hook import GENERATED, MIRRORED, relinked

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_is_built_and_no_link_is_broken(site: Path) -> None:
    # --strict has refused broken links and anchors, and pages outside the nav
    for path in [*(ROOT / "docs").rglob("*.md"), *GENERATED, *MIRRORED.values()]:
        uri = path.relative_to(ROOT / "docs").as_posix() if isinstance(path, Path) else path
        name = re.sub(r"(^|/)(README|index)$", r"\1.", uri.removesuffix(".md")).rstrip(".")
        assert (site / name / "index.html").is_file(), uri


def test_the_built_pages_name_nothing_of_elsewhere_to_load(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        html = page.read_text()
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\ssrc=\"([^\"]+)\"", html)
        loaded += re.findall(
            r"<link[^>]*rel=\"(?:stylesheet|preconnect|preload|icon)\"[^>]*href=\"([^\"]+)\"", html
        )
        loaded += re.findall(
            r"<link[^>]*href=\"([^\"]+)\"[^>]*rel=\"(?:stylesheet|preconnect|preload|icon)\"", html
        )
        assert loaded
        assert [address for address in loaded if re.match(r"(https?:)?//", address)] == [], page
        assert "Content-Security-Policy" in html.split("<title>", maxsplit=1)[0], page
    for style in site.rglob("*.css"):
        assert not re.search(r"(@import|url\()\s*[\"']?(https?:)?//", style.read_text()), style


@pytest.fixture
def address(site: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Nobody reads it."""


@pytest.mark.slow
def test_a_browser_finds_and_asks_nobody_else(address: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    if not (chromium := shutil.which("chromium")):
        pytest.skip("no chromium on this machine (scripts/need-chromium)")
    asked: set[str] = set()
    said: list[str] = []
    flags = ["--no-sandbox", "--disable-gpu", "--no-proxy-server", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        page = browser.new_page()
        page.on("request", lambda request: asked.add(request.url))
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.goto(address)
        page.locator("[data-md-component=search-query]").fill("TELEMETRY_LAKE")
        page.locator(".md-search-result__link").first.wait_for(timeout=60_000)
        page.goto(f"{address}reference/settings/")
        page.get_by_text("TELEMETRY_ATHENA_TIMEOUT").first.wait_for(timeout=60_000)
        page.goto(f"{address}first-hour/")
        page.locator("pre").first.wait_for(timeout=60_000)
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert any("search" in url for url in asked)


def test_links_lead_to_where_their_targets_are_on_the_site() -> None:
    assert relinked("[a](data-contract.md#x)", "edge.md") == "[a](data-contract.md#x)"
    assert relinked("[a](../docs/rules.md)", "databases.md") == "[a](rules.md)"
    assert relinked("[a](docs/adr)", "changelog.md") == "[a](adr/README.md)"
    assert relinked("[a](../../CHANGELOG.md)", "adr/README.md") == "[a](../changelog.md)"
    assert (
        relinked("[a](../Makefile) [b](https://example.org/x.md)", "edge.md")
        == "a [b](https://example.org/x.md)"
    )
    assert relinked("![a](docs/images/x.png)", "changelog.md") == "![a](images/x.png)"
