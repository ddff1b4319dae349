"""The reference of the command lines, made from the programs themselves: every command, argument and option."""

import enum
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer

from edge_agent.__main__ import app as edge_agent
from scripts.docs.markdown import cell
from telemetry_pipeline.cli.main import app as telemetry

PROGRAMS: Final = {"telemetry": telemetry, "edge-agent": edge_agent}
_KINDS: Final = {str: "TEXT", int: "NUMBER", float: "NUMBER", Path: "PATH"}


def page() -> str:
    """The page as Markdown."""
    lines = ["# Command line", "", "Made from the programs; `--help` says the same."]
    for path, command in commands():
        lines += ["", f"## {path}", "", _text(command.help or ""), "", *_table(command)]
    return "\n".join(lines) + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with its whole name, such as `telemetry dbc add`."""
    for name, app in PROGRAMS.items():
        yield from _below(name, typer.main.get_command(app))


def options(command: Any) -> Iterator[Any]:  # noqa: ANN401  typer's command, of whichever click it brings
    """The arguments and options of a command, but for --help."""
    yield from (parameter for parameter in command.params if parameter.name != "help")


def _below(path: str, command: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
        return
    for name, child in children.items():
        yield from _below(f"{path} {name}", child)


def _table(command: Any) -> Iterator[str]:  # noqa: ANN401
    rows = [
        f"| `{_spelling(parameter)}` | {cell(parameter.help or '')} | {_default(parameter)} |"
        for parameter in options(command)
    ]
    if rows:
        yield from ("| argument or option | meaning | default |", "| --- | --- | --- |", *rows)


def _spelling(parameter: Any) -> str:  # noqa: ANN401
    if parameter.param_type_name == "argument":
        return str(parameter.name).upper() + ("…" if parameter.nargs == -1 else "")
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_bool_flag:
        return names
    return f"{names} {_kind(parameter.type_descriptor.annotation)}"


def _kind(annotation: Any) -> str:  # noqa: ANN401
    """What is written behind an option; inside a table a bar would be a cell's border."""
    if typing.get_origin(annotation) is list:
        (annotation,) = typing.get_args(annotation)
    if isinstance(annotation, enum.EnumType):
        return " / ".join(str(choice.value) for choice in list[enum.Enum](annotation))
    return _KINDS.get(annotation) or annotation.__name__.upper()


def _default(parameter: Any) -> str:  # noqa: ANN401
    if parameter.required:
        return "needed"
    value = parameter.default
    if isinstance(value, enum.Enum):
        value = value.value
    is_worth_saying = isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""
    return f"`{value}`" if is_worth_saying else ""


def _text(help_text: str) -> str:
    return "\n".join(line.strip() for line in help_text.replace("\f", "").strip().splitlines())
