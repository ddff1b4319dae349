"""`telemetry catalog`: what a query engine is told of the lake, and making it right again."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telemetry_pipeline.catalog.connect import open_catalog
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.catalog.tables import TABLES
from telemetry_pipeline.cli.console import emit, open_lake, progress_console, settings
from telemetry_pipeline.errors import BadSetting

app = typer.Typer(no_args_is_help=True, help="The catalogue that Athena and others read: Glue.")

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


@app.command("sync")
def sync_command(as_json: Json = False) -> None:
    """Make every table and partition in Glue what the lake says; exit 1 if Glue refused some."""
    glue = _glue()
    done = [
        item.to_dict()
        for item in track(
            sync(glue, open_lake()), "Syncing", len(TABLES), console=progress_console(), transient=True
        )
    ]
    payload = {"lake": glue.lake, "database": glue.database, "tables": done}
    names = ("table", "change", "partitions", "created", "updated", "removed")
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload, names))
    if any(item["failed"] for item in done):
        raise typer.Exit(1)


@app.command("show")
def show(as_json: Json = False) -> None:
    """What Glue has now: tables, their places, and how many partitions."""
    glue = _glue()
    tables = []
    for table in TABLES:
        found = glue.table(table.name)
        tables.append(
            {
                "table": table.name,
                "location": found["StorageDescriptor"]["Location"] if found else None,
                "columns": len(found["StorageDescriptor"]["Columns"]) if found else None,
                "keys": [key["Name"] for key in found["PartitionKeys"]] if found else [],
                "projected": found.get("Parameters", {}).get("projection.enabled") == "true"
                if found
                else None,
                "partitions": sum(1 for _ in glue.partitions(table)) if found else None,
            }
        )
    payload = {"lake": glue.lake, "database": glue.database, "tables": tables}
    names = ("table", "location", "columns", "keys", "projected", "partitions")
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload, names))


def _glue() -> Glue:
    chosen = settings()
    glue = open_catalog(chosen.lake, chosen.catalog, endpoint_url=chosen.endpoint_url)
    if glue is None:
        raise BadSetting(
            "this lake has no catalogue",
            chosen.lake,
            "Glue is for s3:// lakes whose TELEMETRY_CATALOG is not none; a folder is read as it is",
        )
    return glue


def _print(console: Console, payload: dict[str, Any], names: tuple[str, ...]) -> None:
    table = Table(title=f"{payload['database']}: {payload['lake']}", title_justify="left")
    for name in names:
        table.add_column(name, justify="left" if name in ("table", "change", "location", "keys") else "right")
    for item in payload["tables"]:
        table.add_row(*(_cell(item[name]) for name in names))
    console.print(table)
    for item in payload["tables"]:
        for prefix, why in item.get("failed", {}).items():
            console.print(f"{prefix}: {why}", soft_wrap=True, markup=False)


def _cell(value: Any) -> str:  # noqa: ANN401  whatever a table has to say
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value)
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
