"""The reference of `telemetry_pipeline.client`, made from its docstrings and signatures."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, Final

from scripts.docs.markdown import entries, sections
from telemetry_pipeline.client import Lake

_TITLES: Final = {"Args": "takes", "Attributes": "has", "Raises": "raises"}


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Python",
        "",
        "Made from the docstrings of `telemetry_pipeline.client`. [A lake in Python](../python.md) has examples.",
        "",
        *_part("Lake", Lake, Lake.__init__),
    ]
    for name, method in methods():
        lines += _part(f"Lake.{name}", method, method)
    return "\n".join(lines) + "\n"


def methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """The public methods in the order in which they are written."""
    for name, value in vars(Lake).items():
        if inspect.isfunction(value) and not name.startswith("_"):
            yield name, value


def _part(title: str, documented: object, called: Callable[..., Any]) -> Iterator[str]:
    parts = sections(inspect.getdoc(documented) or "")
    yield from (f"## {title}", "", "```python", _signature(title, called), "```", "", parts.pop(""), "")
    for heading, text in parts.items():
        if heading not in _TITLES:
            yield from (f"**{heading}** {' '.join(text.split())}", "")
            continue
        yield from (f"| {_TITLES[heading]} | |", "| --- | --- |")
        yield from (f"| `{name}` | {meaning} |" for name, meaning in entries(text).items())
        yield ""


def _signature(title: str, called: Callable[..., Any]) -> str:
    """As it is written: what `inspect` makes of annotations is longer and less plain."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(called))).body
    assert isinstance(tree, ast.FunctionDef)  # noqa: S101  what inspect calls a function is written as one
    tree.args.args = tree.args.args[1:]
    returned = (
        "" if called.__name__ == "__init__" or tree.returns is None else f" -> {ast.unparse(tree.returns)}"
    )
    return f"{title}({ast.unparse(tree.args)}){returned}"
