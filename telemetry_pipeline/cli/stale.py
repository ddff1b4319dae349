"""`telemetry stale`: what was decoded with other databases or another decoder than today's, and its decoding anew."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.console import emit, open_lake, progress_console, settings
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.stale import Verdict, find_stale, settle_partition
from telemetry_pipeline.webserver import launch_backfill, tracked

_DAY = dt.timedelta(days=1)


def stale(
    launch: Annotated[bool, typer.Option("--launch", help="Start one backfill of them in Dagster.")] = False,
    decode: Annotated[bool, typer.Option("--decode", help="Decode them again, right here.")] = False,
    dagster: Annotated[
        str | None, typer.Option(metavar="URL", help="Dagster's webserver; else TELEMETRY_DAGSTER.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """List the partitions that today's databases, bindings and decoder would decode differently, and decode them again."""
    if launch and decode:
        raise BadSetting("either --launch or --decode", "telemetry stale", "Dagster decodes, or this command")
    store, databases = open_lake(), Databases.load(open_lake(), strict_length=settings().strict_length)
    verdicts = list(
        track(find_stale(store, databases), "Judging", console=progress_console(), transient=True)
    )
    found = [item for item in verdicts if item.stale]
    payload: dict[str, Any] = {
        "lake": store.url,
        "partitions": len(verdicts),
        "footers_read": sum(item.inspected for item in verdicts),
        "stale": [{**_named(item.partition), "why": item.stale} for item in found],
        "blocked": [{**_named(item.partition), "why": item.blocked} for item in verdicts if item.blocked],
        "ranges": _ranges(item.partition for item in found),
        "backfill": None,
        "untracked": [],
        "decoded": None,
    }
    url = dagster.rstrip("/") if dagster else settings().dagster
    failed: dict[str, str] = {}
    if decode:
        payload["decoded"], failed = _decode(store, databases, [item.partition for item in found])
    elif launch and url and found:
        known, unknown = tracked(url, [item.partition for item in found])
        if known:
            payload["backfill"] = launch_backfill(url, known, f"{len(known)} stale partitions")
        payload["untracked"] = [_named(partition) for partition in unknown]
    emit(payload, as_json=as_json, lines=lambda console: _print(console, payload, found, url))
    if failed:
        raise typer.Exit(1)


def _named(partition: Partition) -> dict[str, str]:
    return {"vehicle_id": partition.vehicle_id, "date": partition.date.isoformat()}


def _ranges(partitions: Iterable[Partition]) -> list[dict[str, Any]]:
    """Rectangles of consecutive days and the vehicles that are stale on all of them, as Dagster's UI selects them."""
    days: dict[tuple[dt.date, dt.date], list[str]] = {}
    for vehicle_id, group in groupby(sorted(partitions), key=lambda partition: partition.vehicle_id):
        for first, last in _runs([partition.date for partition in group]):
            days.setdefault((first, last), []).append(vehicle_id)
    return [
        {"from": first.isoformat(), "to": last.isoformat(), "vehicles": vehicles}
        for (first, last), vehicles in sorted(days.items())
    ]


def _runs(days: Sequence[dt.date]) -> Iterable[tuple[dt.date, dt.date]]:
    first = last = days[0]
    for day in days[1:]:
        if day - last > _DAY:
            yield first, last
            first = day
        last = day
    yield first, last


def _decode(
    store: Store, databases: Databases, partitions: Sequence[Partition]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Decode every raw object of some partitions again; what was done, and what failed by key."""
    counts = {"partitions": len(partitions), "objects": 0, "quarantined": 0}
    failed: dict[str, str] = {}
    for partition in track(partitions, "Decoding", console=progress_console(), transient=True):
        whole = True
        for outcome in process_objects(store, databases, sorted(ledger.read_ledger(store, partition).raw)):
            counts["objects"] += outcome.report is not None
            counts["quarantined"] += bool(outcome.quarantined)
            if outcome.failed is not None:
                failed[outcome.raw.key] = str(outcome.failed)
                whole = False
        if whole:
            settle_partition(store, databases, partition)
    return {**counts, "failed": failed}, failed


def _print(console: Console, payload: dict[str, Any], found: list[Verdict], url: str | None) -> None:
    _print_found(console, payload, found)
    if payload["decoded"] is not None:
        done = payload["decoded"]
        console.print(
            f"Decoded again: {done['objects']} objects of {done['partitions']} partitions, "
            f"{done['quarantined']} quarantined, {len(done['failed'])} failed."
        )
        for key, why in done["failed"].items():
            console.print(f"  {key}\n    {why}", soft_wrap=True, markup=False)
        return
    if payload["backfill"]:
        console.print(f"Backfill {payload['backfill']} is started: {url}/runs/b/{payload['backfill']}")
        if not payload["untracked"]:
            return
        console.print(
            f"Dagster does not track {len(payload['untracked'])} of them. "
            "Decode them here with: telemetry stale --decode"
        )
    elif found:
        console.print("Decode them again with one of:")
        console.print("  telemetry stale --launch --dagster http://HOST:PORT    one backfill in Dagster")
        console.print("  telemetry stale --decode                               right here")
        console.print("or in Dagster's UI, decoded_signals, Materialize selected partitions:")
        for item in payload["ranges"]:
            console.print(
                f"  date {item['from']}...{item['to']}   vehicle_id {', '.join(item['vehicles'])}",
                soft_wrap=True,
            )


def _print_found(console: Console, payload: dict[str, Any], found: list[Verdict]) -> None:
    if found:
        table = Table(title=payload["lake"], title_justify="left")
        for heading in ("vehicle", "from", "to", "days", "why"):
            table.add_column(heading, justify="right" if heading == "days" else "left")
        for (vehicle_id, why), group in groupby(
            sorted(found, key=lambda item: (item.partition.vehicle_id, item.stale, item.partition.date)),
            key=lambda item: (item.partition.vehicle_id, item.stale),
        ):
            for first, last in _runs([item.partition.date for item in group]):
                days = (last - first).days + 1
                table.add_row(vehicle_id, first.isoformat(), last.isoformat(), str(days), why)
        console.print(table)
    console.print(f"{len(found)} of {payload['partitions']} partitions are stale.")
    whys = sorted({item["why"] for item in payload["blocked"]})
    for why in whys:
        console.print(f"Cannot be decoded today: {why}", soft_wrap=True, markup=False)
