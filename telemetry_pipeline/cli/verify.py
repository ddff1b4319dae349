"""`telemetry verify`: the proof that nothing in the lake is lost, or what is."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telemetry_pipeline.cli.console import emit, open_lake, progress_console
from telemetry_pipeline.verify import lost_strays, verify_lake


def verify(
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every raw object whole and compare its digest.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Prove that every raw object is decoded or quarantined and that all sums hold; exit 1 if not."""
    store = open_lake()
    verdicts = verify_lake(store, deep=deep)
    found = list(track(verdicts, "Verifying", console=progress_console(), transient=True))
    problems = lost_strays(store)
    for verdict in found:
        problems.update(verdict.problems)
    payload: dict[str, Any] = {
        "lake": store.url,
        "deep": deep,
        "partitions": len(found),
        **{
            name: sum(getattr(verdict, name) for verdict in found)
            for name in ("objects", "decoded", "quarantined", "rows")
        },
        "problems": [{"key": key, "problems": said} for key, said in sorted(problems.items())],
    }
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload))
    if problems:
        raise typer.Exit(1)


def _print(console: Console, payload: dict[str, Any]) -> None:
    table = Table(title=payload["lake"], title_justify="left", show_header=False)
    for name in ("partitions", "objects", "decoded", "quarantined", "rows"):
        table.add_row(name, f"{payload[name]:,}")
    console.print(table)
    for item in payload["problems"]:
        console.print(f"{item['key']!r}: {'; '.join(item['problems'])}", soft_wrap=True, markup=False)
    if payload["problems"]:
        console.print(f"{len(payload['problems'])} objects are not accounted for.")
    else:
        console.print("Every raw object is decoded or quarantined, and all sums hold.")
