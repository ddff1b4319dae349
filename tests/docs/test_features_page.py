"""docs/features.md: every row says what is there, and names a test or a command that exists, unless nothing is there."""

import re
from pathlib import Path

import pytest

from scripts.docs import cli_page
from tests.docs.blocks import ROOT
from tests.docs.named_tests import exists, named

PAGE = (ROOT / "docs" / "features.md").read_text()
ROWS = [row.split(" | ") for row in re.findall(r"^\| (.*?) ?\|$", PAGE, re.MULTILINE)]
FEATURES = [row for row in ROWS if row[0] not in ("feature", "wish", "---")]


def test_every_feature_is_shown_or_said_to_be_missing() -> None:
    assert len(FEATURES) > 100
    for row in FEATURES:
        _, state, *shown = row
        assert state in ("yes", "not yet |") or state.startswith("otherwise: "), row
        if state.startswith("not yet"):
            assert not shown, row
        else:
            assert named(shown[0]) or commands_in(shown[0]), row


def commands_in(cell: str) -> list[str]:
    return [text for text in re.findall(r"`([^`]+)`", cell) if "::" not in text]


@pytest.mark.parametrize("test", named(PAGE))
def test_every_test_of_the_page_exists(test: str) -> None:
    assert exists(test)


@pytest.mark.parametrize(
    "command", sorted({text for row in FEATURES if len(row) > 2 for text in commands_in(row[2])})
)
def test_every_command_of_the_page_exists(command: str) -> None:
    match command.split():
        case ["make", target]:
            assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
        case ["python", "-m", module]:
            path = ROOT / module.replace(".", "/")
            assert path.with_suffix(".py").is_file() or Path(path, "__main__.py").is_file()
        case _:
            assert command in {path for path, _ in cli_page.commands()}
