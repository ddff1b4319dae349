"""The quick subset leaves out what takes long by its nature, and slow files run beside quick ones."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import selection
from tests.corpus import needs_corpus


def item(
    name: str, *, slow: bool = False, obj: object = None, scope: str = "function", marks: tuple[Any, ...] = ()
) -> Any:
    """What of a collected test is looked at."""
    fixtures = {"store": [SimpleNamespace(scope=scope, baseid="tests/query")]}
    return SimpleNamespace(
        nodeid=name,
        obj=obj,
        fixturenames=["store", "unknown"],
        _fixtureinfo=SimpleNamespace(name2fixturedefs=fixtures),
        iter_markers=lambda name: (mark for mark in marks if mark.name == name),
        get_closest_marker=lambda marker: marker if slow and marker == "slow" else None,
    )


@given(st.integers())
def _of_many_cases(number: int) -> None:
    """A property test."""


def names(items: list[Any]) -> list[str]:
    return [found.nodeid for found in items]


def test_the_first_quick_tests_of_each_file_are_taken() -> None:
    items = [
        item("tests/a/test_x.py::slow", slow=True),
        item("tests/a/test_x.py::property", obj=_of_many_cases),
        item("tests/a/test_x.py::server", scope="session"),
        item("tests/a/test_x.py::recordings", marks=(needs_corpus.mark,)),
        *(item(f"tests/a/test_x.py::t{nth}") for nth in range(5)),
        item("tests/a/test_y.py::t"),
    ]
    taken = [f"tests/a/test_x.py::t{nth}" for nth in range(selection.PER_FILE)]
    assert names(selection.quick(items)) == [*taken, "tests/a/test_y.py::t"]


@pytest.mark.parametrize(
    ("text", "passed_over"),
    [
        ("pytestmark = pytest.mark.slow\n", True),
        ("pytestmark = [pytest.mark.slow, needs_postgres]\n", True),
        ("pytestmark = [\n    pytest.mark.slow,\n", True),
        ("@pytest.mark.slow\ndef test_one() -> None: ...\n", False),
        ("pytestmark = needs_corpus\n", False),
    ],
)
def test_a_file_of_slow_tests_is_not_read(text: str, passed_over: bool, tmp_path: Path) -> None:
    for name, expected in (("test_it.py", passed_over), ("conftest.py", False)):
        (tmp_path / name).write_text("import pytest\n\n" + text)
        assert selection.has_no_quick(tmp_path / name) == expected


def test_slow_files_come_in_turns_with_others_and_no_test_is_lost() -> None:
    items = [
        *(item(f"a.py::{nth}") for nth in range(3)),
        *(item(f"b.py::{nth}", slow=nth == 0) for nth in range(2)),
        item("c.py::0", slow=True),
        *(item(f"d.py::{nth}") for nth in range(4)),
    ]
    order = names(selection.mixed(items))
    assert sorted(order) == sorted(names(items))
    assert list(dict.fromkeys(name.partition("::")[0] for name in order)) == ["c.py", "d.py", "b.py", "a.py"]
    assert [name for name in order if name.startswith("d")] == [f"d.py::{nth}" for nth in range(4)]


def test_this_run_is_in_that_order(request: pytest.FixtureRequest) -> None:
    if any(request.config.getoption(name, default=False) for name in ("lf", "failedfirst", "newfirst")):
        pytest.skip("the tests were put into another order by request")
    items = request.session.items
    assert names(selection.mixed(items)) == names(items)
