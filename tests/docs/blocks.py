"""The commands of the documentation's pages, read out of their fenced blocks."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^( *)```(?:sh|bash|shell|console)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)

_COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """One command of a page: what a reader types before the next prompt, here-documents included."""

    page: str
    text: str


def pages() -> list[Path]:
    """Every page in which a reader may find commands."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("dbc/*.md")])


def commands_of(page: Path) -> list[Command]:
    """The commands of a page in their order, without comments that stand alone."""
    name = page.relative_to(ROOT).as_posix()
    found = []
    for indent, block in _BLOCK.findall(page.read_text()):
        lines = [line.removeprefix(indent).removeprefix("$ ") for line in block.splitlines()]
        found += [Command(name, text) for text in _commands(lines)]
    return found


def _commands(lines: list[str]) -> list[str]:
    found: list[str] = []
    rest = iter(lines)
    for line in rest:
        text = line
        while text.endswith("\\") or _COMMENT.sub("", text).count("'") % 2:
            text += "\n" + next(rest)
        if here := re.search(r"<<-?\s*['\"]?(\w+)", text):
            for more in rest:
                text += "\n" + more
                if more.strip() == here[1]:
                    break
        if text.strip() and not text.lstrip().startswith("#"):
            found.append(text)
    return found
