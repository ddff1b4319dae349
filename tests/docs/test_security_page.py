"""docs/security.md: every threat has a test that exists, or stands under what is not stopped."""

import re

import pytest

from tests.docs.blocks import ROOT
from tests.docs.named_tests import exists, named
from tests.fuzz.campaign import NAMES

PAGE = (ROOT / "docs" / "security.md").read_text()
STOPPED, NOT_STOPPED = PAGE.split("## Not stopped")
STOPPED, DAMAGED = STOPPED.split("## Damaged input")


def test_every_threat_has_a_test() -> None:
    rows = re.findall(r"^\| (.*) \|$", STOPPED, re.MULTILINE)
    threats = [row.split(" | ") for row in rows if not row.startswith(("threat |", "--- |"))]
    assert len(threats) > 30
    for cells in threats:
        assert len(cells) == 3, cells
        assert named(cells[2]), cells[0]


@pytest.mark.parametrize("test", named(STOPPED))
def test_every_test_of_the_page_exists(test: str) -> None:
    assert exists(test)


def test_a_test_that_does_not_exist_is_noticed() -> None:
    assert not exists("tests/test_docs.py::test_nothing")
    assert not exists("tests/test_nothing.py::test_nothing")
    assert exists("dashboard/src/charts/csv.test.ts::writes a row for each of 40,000 samples")


def test_every_door_was_given_damaged_input_and_all_cases_are_accounted_for() -> None:
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", DAMAGED, re.MULTILINE)]
    runs = [row for row in rows if row[0] not in ("target", "---")]
    assert {target for target, *_ in runs} == set(NAMES)
    for _, _, cases, ended, _ in runs:
        assert _number(cases) >= 20_000
        assert sum(
            _number(count) for count in re.findall(r"[\d,]{4,}\b", ended.split(" with ")[0])
        ) == _number(cases)


def _number(text: str) -> int:
    return int(text.replace(",", ""))


def test_what_is_not_stopped_is_said() -> None:
    assert len(re.findall(r"^- \*\*", NOT_STOPPED, re.MULTILINE)) >= 3


def test_the_dashboard_makes_no_markup_of_data() -> None:
    words = re.compile(
        r"dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\("
    )
    sources = [path for path in (ROOT / "dashboard" / "src").rglob("*.ts*") if ".test." not in path.name]
    assert len(sources) > 50
    assert [path.name for path in sources if words.search(path.read_text())] == []


def test_nothing_runs_while_packages_are_installed() -> None:
    install = (ROOT / "scripts" / "install").read_text()
    assert "--only-binary :all: --no-binary pyspark" in install
    assert "--require-hashes" in install
    assert "--require-hashes --only-binary :all:" in (ROOT / "scripts" / "uv").read_text()
    makefile = (ROOT / "Makefile").read_text()
    commands = re.findall(r"npm .*\bci\b.*", makefile)
    assert commands
    assert all("--ignore-scripts" in command for command in commands)
    assert all("--require-hashes" in line for line in makefile.splitlines() if "pip install" in line)
