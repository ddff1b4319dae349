"""`telemetry dbc`: look into CAN databases and put them into the lake."""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from telemetry_pipeline.cli.console import emit, open_lake
from telemetry_pipeline.cli.files import read_file
from telemetry_pipeline.decode.dbc import FORMATS, Dbc, load_dbc
from telemetry_pipeline.decode.inspection import inspect
from telemetry_pipeline.dictionaries import publish
from telemetry_pipeline.errors import BadDbc, NotFound
from telemetry_pipeline.lake import layout

app = typer.Typer(
    help="CAN databases: what is in them, and which the lake decodes with.", no_args_is_help=True
)

_NAME: Final = re.compile(r"\w[\w .()+-]{0,119}\.(dbc|kcd|sym|arxml)", re.IGNORECASE)
_LISTED: Final = 20
"""Findings of one kind that are printed for people; --json has all."""

Files = Annotated[list[Path], typer.Argument(help="DBC, KCD, SYM or ARXML files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Say what is in the files and what is wrong with them. Exit code 1 when one does not load."""
    findings = [_check(path) for path in files]

    def lines(console: Console) -> None:
        for finding in findings:
            _print(console, finding)

    emit({"files": findings}, as_json=as_json, lines=lines)
    if any(finding["error"] for finding in findings):
        raise typer.Exit(1)


@app.command()
def add(files: Files, as_json: AsJson = False) -> None:
    """Put databases into the lake's dbc/ folder. What does not load is refused and nothing is put."""
    loaded = [_load(path) for path in files]
    store = open_lake()
    for dbc, body in loaded:
        store.put(f"{layout.DBC}{dbc.name}", body)
    publish(store, (dbc for dbc, _ in loaded))
    payload = {"lake": store.url, "added": [{"name": dbc.name, "sha256": dbc.sha256} for dbc, _ in loaded]}
    emit(
        payload,
        as_json=as_json,
        lines=lambda console: console.print(f"{store.url}: added {', '.join(dbc.name for dbc, _ in loaded)}"),
    )


def _load(path: Path) -> tuple[Dbc, bytes]:
    """A database and the bytes that it was read from."""
    if not _NAME.fullmatch(path.name):
        raise BadDbc(
            "not a CAN database by its name",
            str(path),
            f"A name of letters and digits, with {', '.join(FORMATS)}",
        )
    body = read_file(path)
    return load_dbc(body, path.name), body


def _check(path: Path) -> dict[str, Any]:
    try:
        dbc, _ = _load(path)
        found = inspect(dbc)
    except (BadDbc, NotFound) as error:
        return {"file": str(path), "error": str(error), "messages": 0, "signals": 0, "warnings": []}
    finding = {
        "file": str(path),
        "error": None,
        "sha256": dbc.sha256,
        "encoding": dbc.encoding,
        **asdict(found),
    }
    finding["not_decoded"] = [
        {"message": message, "signal": signal, "why": why} for message, signal, why in found.not_decoded
    ]
    finding["overlaps"] = [
        {"message": message, "signals": [one, other], "bits": bits}
        for message, one, other, bits in found.overlaps
    ]
    return finding


def _print(console: Console, finding: dict[str, Any]) -> None:
    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    if finding["error"]:
        say(f"FAILS  {finding['error']}")
        return
    say(
        f"loads  {finding['file']}: {_count(finding['messages'], 'message')}, {_count(finding['signals'], 'signal')}"
    )
    ids = f"{finding['messages'] - finding['extended']} standard and {finding['extended']} extended"
    say(
        f"  ids          {ids}, payloads to {_count(finding['longest'], 'byte')}, text in {finding['encoding']}"
    )
    rules = ", ".join(f"{count} {rule}" for rule, count in finding["match"].items())
    say(f"  match        {rules or 'nothing'}")
    if finding["multiplexed"]:
        say(
            f"  multiplexed  {_count(finding['multiplexed'], 'message')} by "
            f"{_count(finding['multiplexers'], 'multiplexer')} on {_count(finding['levels'], 'level')}"
        )
    sections = {
        "not decoded": [
            f"{item['message']}.{item['signal']}: {item['why']}" for item in finding["not_decoded"]
        ],
        "overlap": [
            f"{item['message']}: {' and '.join(item['signals'])} share {_count(item['bits'], 'bit')}, "
            "each is read from its own"
            for item in finding["overlaps"]
        ],
        "warning": finding["warnings"],
    }
    for heading, items in sections.items():
        for item in items[:_LISTED]:
            say(f"  {heading:<12} {item}")
        if len(items) > _LISTED:
            say(f"  {heading:<12} and {len(items) - _LISTED} more: see --json")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
