"""`telemetry status`: what is in the lake, what waits, and what was refused."""

import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.console import emit, open_lake
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import RawObject, stem_start_ns
from telemetry_pipeline.lake.store import Store


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Vehicles, days, objects pending, decoded and quarantined, and how long the oldest has waited."""
    store = open_lake()
    databases = Databases.load(store)
    vehicles = [_vehicle(store, vehicle_id) for vehicle_id in ledger.vehicles(store)]
    totals = {
        name: sum(item[name] for item in vehicles) for name in ("raw", "decoded", "quarantined", "pending")
    }
    payload = {
        "lake": store.url,
        "vehicles": vehicles,
        "totals": totals,
        "databases": {
            **{name: f"{len(dbc.database.messages)} messages" for name, dbc in databases.dbcs.items()},
            **{name: str(error) for name, error in databases.broken.items()},
        },
    }
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload, vehicles))


def _vehicle(store: Store, vehicle_id: str) -> dict[str, Any]:
    books = [ledger.read_ledger(store, partition) for partition in ledger.partitions(store, vehicle_id)]
    pending = [raw for book in books for raw in book.pending]
    return {
        "vehicle_id": vehicle_id,
        "days": len(books),
        "first_day": books[0].partition.date.isoformat() if books else None,
        "last_day": books[-1].partition.date.isoformat() if books else None,
        "raw": sum(len(book.raw) for book in books),
        "decoded": sum(len(book.decoded) for book in books),
        "quarantined": sum(len(book.quarantined) for book in books),
        "pending": len(pending),
        "lag_s": _lag_s(pending),
        "strays": [key for book in books for key in book.strays],
    }


def _lag_s(pending: list[RawObject]) -> float:
    """Seconds since the oldest pending object began; 0 when nothing waits."""
    starts = [start for raw in pending if (start := stem_start_ns(raw.stem)) is not None]
    return round((time.time_ns() - min(starts)) / 1e9, 1) if starts else 0.0


def _print(console: Console, payload: dict[str, Any], vehicles: list[dict[str, Any]]) -> None:
    table = Table(title=payload["lake"], title_justify="left")
    for heading in ("vehicle", "days", "first", "last", "raw", "decoded", "quarantined", "pending", "lag"):
        table.add_column(heading, justify="left" if heading in ("vehicle", "first", "last") else "right")
    for item in vehicles:
        table.add_row(
            item["vehicle_id"],
            str(item["days"]),
            item["first_day"],
            item["last_day"],
            *(f"{item[name]:,}" for name in ("raw", "decoded", "quarantined", "pending")),
            f"{item['lag_s']:.0f} s" if item["pending"] else "-",
        )
    console.print(table)
    for name, what in payload["databases"].items():
        console.print(f"dbc/{name}: {what}", soft_wrap=True)
    if not payload["databases"]:
        console.print(
            "No CAN database in dbc/: nothing can be decoded. Add one with: telemetry dbc add FILE.dbc"
        )
    for item in vehicles:
        for key in item["strays"]:
            console.print(f"not a raw object: {key}", soft_wrap=True)
