"""The deliberate faults fit the code as it is, and the page that lists them knows them all."""

import ast
from pathlib import Path

import pytest

from scripts.mutate_bits import FAULTS, ROOT, TESTS, broken


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_changes_the_code_into_other_code(fault):
    source = (ROOT / fault.file).read_text()
    changed = broken(source, fault)
    assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source))


def test_a_fault_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="occurs 0 times"):
        broken("", FAULTS[0])


def test_the_page_lists_every_fault():
    page = (ROOT / "docs" / "testing.md").read_text()
    assert all(f"| {fault.name} |" in page for fault in FAULTS)
    assert all(Path(test).name in page for test in TESTS)
    assert len(FAULTS) >= 10
