"""Which tests run, and in which order: the quick subset of `make test FAST=1`, and waiting tests beside working ones."""

import re
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.corpus import needs_corpus

PER_FILE = 2
"""Tests of one file in the quick subset."""

_SHARED = {"session", "package", "module"}
_SLOW_FILE = re.compile(r"^pytestmark = (\[\s*)?pytest\.mark\.slow\b", re.MULTILINE)


def has_no_quick(path: Path) -> bool:
    """Whether a file says of all its tests that they are slow: then it need not be read, nor what it imports."""
    return path.name.startswith("test_") and bool(_SLOW_FILE.search(path.read_text(encoding="utf-8")))


def quick(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """The first tests of each file that are quick by what they are: see `is_quick`."""
    chosen: list[pytest.Item] = []
    taken: dict[str, int] = {}
    for item in items:
        file = file_of(item)
        if taken.get(file, 0) < PER_FILE and is_quick(item):
            taken[file] = taken.get(file, 0) + 1
            chosen.append(item)
    return chosen


def is_quick(item: pytest.Item) -> bool:
    """Neither slow nor of many made-up cases, and without what a file or a session makes once because it takes long.

    Nor over the corpus of recordings, so that the subset takes as long on a machine that has them.
    """
    if item.get_closest_marker("slow") or hasattr(getattr(item, "obj", None), "hypothesis"):
        return False
    if needs_corpus.mark in item.iter_markers("skipif"):
        return False
    known = getattr(item, "_fixtureinfo", None)
    used = known.name2fixturedefs if known else {}
    return not any(
        used[name][-1].scope in _SHARED and used[name][-1].baseid.startswith("tests")
        for name in getattr(item, "fixturenames", ())
        if name in used
    )


def mixed(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Files with slow tests in turns with the others, so that one waits while another works, and none is left for the end.

    Within a file tests stay in their order, and every worker comes to the same result.
    """
    files: dict[str, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(file_of(item), []).append(item)
    slow = [tests for tests in files.values() if any(item.get_closest_marker("slow") for item in tests)]
    others = [tests for tests in files.values() if not any(item.get_closest_marker("slow") for item in tests)]
    slow.sort(
        key=lambda tests: -sum(item.get_closest_marker("slow") is not None for item in tests) / len(tests)
    )
    others.sort(key=len, reverse=True)
    pairs = zip_longest(slow, others, fillvalue=[])
    return [item for pair in pairs for tests in pair for item in tests]


def file_of(item: pytest.Item) -> str:
    """The file that a test is in, from the project's folder."""
    return item.nodeid.partition("::")[0]
