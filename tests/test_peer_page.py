"""docs/peer.md leaves no row out, and every test that it names exists."""

import re

import pytest

from tests.docs.blocks import ROOT
from tests.docs.named_tests import exists, named

PAGE = (ROOT / "docs" / "peer.md").read_text()
BUILT, OPEN = PAGE.split("## Not built yet")

ROWS = {
    "E": 31,
    "S": 11,
    "V": 7,
    "D": 17,
    "L": 14,
    "A": 15,
    "W": 23,
    "I": 11,
    "M": 6,
    "X": 9,
    "T": 10,
    "B": 46,
}
"""How many findings there are of each kind; they are numbered from 1."""


def rows_of(text: str) -> list[list[str]]:
    lines = re.findall(r"^\| ([A-Z]\d.*) \|$", text, re.MULTILINE)
    return [line.split(" | ") for line in lines]


def test_every_finding_is_answered_or_said_to_be_open() -> None:
    wanted = {f"{kind}{number}" for kind, count in ROWS.items() for number in range(1, count + 1)}
    answered = [name for cells in rows_of(BUILT) for name in cells[0].split(", ")]
    still_open = [name for cells in rows_of(OPEN) for name in cells[0].split(", ")]
    assert {*answered, *still_open} == wanted
    assert len(answered) == len(set(answered))


def test_every_row_has_a_test() -> None:
    for cells in rows_of(BUILT):
        assert len(cells) == 4, cells
        assert "::" in cells[3], cells


@pytest.mark.parametrize("test", named(BUILT))
def test_every_test_of_the_page_exists(test: str) -> None:
    assert exists(test)


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert len(named(BUILT)) > 100
    assert not exists("tests/test_docs.py::test_nothing")
    assert not exists("dashboard/src/charts/csv.test.ts::nothing")
