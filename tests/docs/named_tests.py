"""The tests that a page names, and which of them exist."""

import ast
import re
from functools import cache

from tests.docs.blocks import ROOT


def named(text: str) -> list[str]:
    """The tests that a text names, such as `tests/test_x.py::test_y` or `dashboard/src/x.test.ts::does y`."""
    return sorted(set(re.findall(r"`([\w/]+(?:\.test)?\.(?:py|tsx?)::[^`]+)`", text)))


def exists(test: str) -> bool:
    """Whether there is such a test."""
    path, _, name = test.partition("::")
    return name in _tests_of(path)


@cache
def _tests_of(path: str) -> set[str]:
    if not (ROOT / path).is_file():
        return set()
    text = (ROOT / path).read_text()
    if not path.endswith(".py"):
        return set(re.findall(r"\bit(?:\.each\([^)]*\))?\(\s*\"([^\"]+)\"", text))
    return {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
