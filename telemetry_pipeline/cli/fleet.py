"""`telemetry fleet`: what every vehicle did on a day, or what one of them said."""

import datetime as dt
import math
from typing import Annotated, Any

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from telemetry_pipeline.cli.console import emit, open_lake
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.fleet.table import make_day, read_day
from telemetry_pipeline.lake.instant import parse_day
from telemetry_pipeline.lake.store import Store

_SUMS = ("objects", "rows", "unknown_id", "decode_error", "truncated", "quarantined", "pending", "gaps")


def fleet(
    day: Annotated[str, typer.Option(help="The UTC day, YYYY-MM-DD.")],
    vehicle: Annotated[str | None, typer.Option(help="Only this vehicle, with all of its signals.")] = None,
    make: Annotated[
        bool, typer.Option("--make", help="Bring the day up to date first; Dagster does it by itself.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """What every vehicle did on a day: frames, hours, distance, decode health."""
    store, date = open_lake(), parse_day(day)
    made = make_day(store, date) if make else None
    rows = _rows(store, date, vehicle)
    payload: dict[str, Any] = {
        "lake": store.url,
        "date": date.isoformat(),
        **({"made": made.made, "removed": made.removed} if made else {}),
        "vehicles": [_plain(row) for row in rows.iter_rows(named=True)],
        "totals": {
            **{name: int(rows[name].sum()) for name in _SUMS},
            **{name: float(rows[name].sum()) for name in ("hours", "distance_km")},
        },
    }
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload, one=vehicle is not None))


def _rows(store: Store, date: dt.date, vehicle: str | None) -> pl.DataFrame:
    rows = read_day(store, date)
    if rows is None:
        raise NotFound(
            f"nobody has summed up {date}", store.url, f"Do it with: telemetry fleet --day {date} --make"
        )
    if vehicle is None:
        return rows
    found = rows.filter(pl.col("vehicle_id") == vehicle)
    if found.is_empty():
        raise NotFound(f"{vehicle} has nothing on {date}", store.url, f"See: telemetry fleet --day {date}")
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row for JSON; instants as ISO 8601 with their zone."""
    times = {
        name: None if row[name] is None else row[name].replace(tzinfo=dt.UTC).isoformat()
        for name in ("first_timestamp", "last_timestamp")
    }
    return {**row, **times}


def _print(console: Console, payload: dict[str, Any], *, one: bool) -> None:
    table = Table(title=f"{payload['lake']} on {payload['date']}", title_justify="left")
    headings = ("vehicle", "frames", "from", "to", "hours", "km", "by", *_SUMS[2:])
    for heading in headings:
        table.add_column(
            heading.replace("_", " "), justify="left" if heading in ("vehicle", "by") else "right"
        )
    for item in payload["vehicles"]:
        table.add_row(
            item["vehicle_id"],
            f"{item['rows']:,}",
            *((item[name] or "-")[11:19] for name in ("first_timestamp", "last_timestamp")),
            f"{item['hours']:.2f}",
            "-" if item["distance_km"] is None else f"{item['distance_km']:,.1f}",
            item[f"{item['distance_source']}_signal"] if item["distance_source"] else "no speed, no odometer",
            *(f"{item[name]:,}" for name in _SUMS[2:]),
        )
    console.print(table)
    totals = payload["totals"]
    console.print(
        f"{len(payload['vehicles'])} vehicles, {totals['rows']:,} frames, {totals['hours']:.1f} h, "
        f"{totals['distance_km']:,.1f} km"
    )
    if one:
        for item in payload["vehicles"]:
            console.print(_signals(item["signals"]))


def _signals(signals: list[dict[str, Any]]) -> Table:
    table = Table()
    for heading in (
        "signal",
        "unit",
        "count",
        "minimum",
        "maximum",
        "mean",
        "std",
        "out of range",
        "not finite",
    ):
        table.add_column(heading, justify="left" if heading in ("signal", "unit") else "right")
    for item in signals:
        table.add_row(
            f"{item['message_name']}.{item['signal_name']}",
            item["unit"],
            f"{item['count']:,}",
            *(_number(item[name]) for name in ("minimum", "maximum", "mean", "std")),
            f"{item['out_of_range']:,}",
            f"{item['nonfinite']:,}",
        )
    return table


def _number(value: float | None) -> str:
    return "-" if value is None or not math.isfinite(value) else f"{value:.6g}"
