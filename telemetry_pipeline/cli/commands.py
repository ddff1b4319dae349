"""The commands of `telemetry` by name: the module of one is read when that one is asked for.

Which commands there are, and nothing of what they do. All of them together read every library of the platform, which
takes three times as long as most commands work.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, Final

import typer
from typer.core import TyperGroup

MARKUP: Final = "markdown"

_MODULES: Final = {
    "demo": "demo",
    "simulate": "simulate",
    "import": "import_log",
    "decode": "decode",
    "compact": "compact",
    "status": "status",
    "stale": "stale",
    "verify": "verify",
    "query": "query",
    "serve": "serve",
    "smoke": "smoke",
    "fleet": "fleet",
    "catalog": "catalog",
    "dbc": "dbc",
    "rules": "rules",
}
"""In the order of the help; a module has a function of its own name, or an `app` of several commands."""


class Commands(TyperGroup):
    """Typer's group, whose commands are read one by one."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401  typer's own, handed on
        super().__init__(**attributes)
        self.commands = _ReadWhenAsked()


class _ReadWhenAsked(MutableMapping[str, Any]):
    """Typer's commands by name; names alone read nothing."""

    def __init__(self) -> None:
        self._read: dict[str, Any] = {}
        self._names = dict.fromkeys(_MODULES)

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401  a command of the click that typer brings
        if name not in self._names:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = _read(name)
        return self._read[name]

    def __setitem__(self, name: str, command: Any) -> None:  # noqa: ANN401
        self._names[name] = None
        self._read[name] = command

    def __delitem__(self, name: str) -> None:
        del self._names[name]
        self._read.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _read(name: str) -> Any:  # noqa: ANN401
    """The command of a name, as typer makes it."""
    stem = _MODULES[name]
    module = import_module(f"telemetry_pipeline.cli.{stem}")
    one = typer.Typer(rich_markup_mode=MARKUP)
    if hasattr(module, "app"):
        one.add_typer(module.app, name=name)
    else:
        one.command(name)(getattr(module, stem))
    return typer.main.get_group(one).commands[name]
