"""`telemetry compact`: a vehicle's day as one series object, and in the overview."""

import datetime as dt
import time
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from telemetry_pipeline.cli.console import emit, open_lake, progress_console
from telemetry_pipeline.errors import BadSetting, TelemetryError
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.instant import parse_day
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import Compacted, compact_day
from telemetry_pipeline.series.pending import days_to_compact


def compact(
    vehicle: Annotated[str | None, typer.Option(help="The vehicle; with --all: only this one.")] = None,
    day: Annotated[str | None, typer.Option(help="The UTC day, YYYY-MM-DD.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Every day that is over, quiet and not compacted yet.")
    ] = False,
    quiet: Annotated[
        str, typer.Option(help="With --all: so long nothing was decoded into a day, such as 30m or 2h.")
    ] = "1h",
    days: Annotated[
        int | None, typer.Option(help="With --all: look at so many days before today alone.", min=1)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Compact a vehicle's day for reading: `--vehicle V --day D`, or `--all`. What is compacted already stays."""
    store = open_lake()
    if every and day is None:
        vehicles = None if vehicle is None else [vehicle]
        today = dt.datetime.now(dt.UTC).date()
        waiting = days_to_compact(
            store,
            quiet_for_ns=parse_duration(quiet),
            now_ns=time.time_ns(),
            vehicles=vehicles,
            first=dt.date.min if days is None else today - dt.timedelta(days=days),
        )
        partitions = list(waiting)
    elif vehicle is not None and day is not None and not every and days is None:
        partitions = [Partition(vehicle, parse_day(day))]
    else:
        raise BadSetting(
            "say what to compact",
            "telemetry compact",
            "--vehicle V --day D, or --all, with --days or without",
        )
    done, failed = _compact(store, partitions, stop=not every)
    payload: dict[str, Any] = {
        "lake": store.url,
        "days": [_as_dict(item) for item in done],
        "failed": [
            {"vehicle_id": partition.vehicle_id, "day": partition.date.isoformat(), "why": why}
            for partition, why in failed.items()
        ],
    }
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload))
    if failed:
        raise typer.Exit(1)


def _compact(
    store: Store, days: list[Partition], *, stop: bool
) -> tuple[list[Compacted], dict[Partition, str]]:
    done, failed = [], {}
    for partition in track(days, "Compacting", console=progress_console(), transient=True):
        try:
            done.append(compact_day(store, partition))
        except TelemetryError as error:
            if stop:
                raise
            failed[partition] = str(error)
    return done, failed


def _as_dict(item: Compacted) -> dict[str, Any]:
    return {
        "vehicle_id": item.partition.vehicle_id,
        "day": item.partition.date.isoformat(),
        "key": item.key,
        "written": item.written,
        "rows": item.rows,
        "signals": item.signals,
        "objects": item.objects,
        "bytes": item.size,
        "refused": dict(item.refused),
        "removed": list(item.removed),
    }


def _print(console: Console, payload: dict[str, Any]) -> None:
    for item in payload["days"]:
        what = "" if item["written"] else " (was there already)"
        console.print(
            f"{item['vehicle_id']} {item['day']}: {item['rows']:,} rows of {item['signals']:,} signals from "
            f"{item['objects']:,} objects, {item['bytes']:,} bytes{what}",
            soft_wrap=True,
        )
        for key, why in item["refused"].items():
            console.print(f"  left out: {key}: {why}", soft_wrap=True, markup=False)
    for item in payload["failed"]:
        console.print(f"{item['vehicle_id']} {item['day']}: {item['why']}", soft_wrap=True, markup=False)
    if not payload["days"] and not payload["failed"]:
        console.print("No day waits to be compacted.")
