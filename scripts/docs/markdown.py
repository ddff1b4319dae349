"""Small pieces of Markdown that the references share."""

import re

_SECTION = re.compile(r"^(Args|Attributes|Returns|Raises|Yields):$", re.MULTILINE)
_ENTRY = re.compile(r"^    (\w+): ", re.MULTILINE)


def cell(text: str) -> str:
    """A text as one cell of a table: on one line, and no bar in it taken for a border."""
    return " ".join(text.split()).replace("|", "\\|")


def sections(docstring: str) -> dict[str, str]:
    """A docstring's parts by their headings; what comes before the first has none."""
    parts = _SECTION.split(docstring.strip())
    return {"": parts[0].strip(), **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section: str) -> dict[str, str]:
    """The entries of a section such as Args, by name."""
    parts = _ENTRY.split("\n" + section)
    return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}
