"""`telemetry dbc`: look into CAN databases and put them into the lake."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from telemetry_pipeline.bindings import SUFFIXES
from telemetry_pipeline.cli.console import emit, open_lake
from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.errors import BadDbc, NotFound
from telemetry_pipeline.lake import layout

app = typer.Typer(
    help="CAN databases: what is in them, and which the lake decodes with.", no_args_is_help=True
)

Files = Annotated[list[Path], typer.Argument(help="DBC, KCD, SYM or ARXML files.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


@app.command()
def check(files: Files, as_json: AsJson = False) -> None:
    """Say what loads, with how many messages and signals, and what is wrong. Exit code 1 when a file does not load."""
    findings = [_check(path) for path in files]

    def lines(console: Console) -> None:
        table = Table("file", "messages", "signals", "says")
        for finding in findings:
            says = finding["error"] or "\n".join(finding["warnings"]) or "ok"
            table.add_row(finding["file"], str(finding["messages"]), str(finding["signals"]), says)
        console.print(table)

    emit({"files": findings}, as_json=as_json, lines=lines)
    if any(finding["error"] for finding in findings):
        raise typer.Exit(1)


@app.command()
def add(files: Files, as_json: AsJson = False) -> None:
    """Put databases into the lake's dbc/ folder. What does not load is refused and nothing is put."""
    loaded = [(path, _load(path)) for path in files]
    store = open_lake()
    for path, _ in loaded:
        store.put(f"{layout.DBC}{path.name}", path.read_bytes())
    payload = {"lake": store.url, "added": [{"name": dbc.name, "sha256": dbc.sha256} for _, dbc in loaded]}
    emit(
        payload,
        as_json=as_json,
        lines=lambda console: console.print(
            f"{store.url}: added {', '.join(path.name for path, _ in loaded)}"
        ),
    )


def _load(path: Path) -> Dbc:
    if not path.name.lower().endswith(SUFFIXES):
        raise BadDbc("not a CAN database by its name", str(path), f"Known: {', '.join(SUFFIXES)}")
    try:
        return load_dbc(path.read_bytes(), path.name)
    except OSError as error:
        raise NotFound(f"cannot be read ({error.strerror})", str(path)) from error


def _check(path: Path) -> dict[str, Any]:
    try:
        dbc = _load(path)
    except (BadDbc, NotFound) as error:
        return {"file": str(path), "messages": 0, "signals": 0, "warnings": [], "error": str(error)}
    messages = dbc.database.messages
    return {
        "file": str(path),
        "messages": len(messages),
        "signals": sum(len(message.signals) for message in messages),
        "warnings": list(dbc.warnings),
        "error": None,
    }
