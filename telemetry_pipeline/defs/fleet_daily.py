"""The asset `fleet_daily`: one row per vehicle and day, made when the day is quiet.

What is in a row is `fleet`'s business, which days are due `roll_up`'s.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.catalog.tables import FLEET_DAILY
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.glue import CatalogResource
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.metadata import table
from telemetry_pipeline.defs.partitions import from_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.work import Context, Teller, finish
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.fleet.table import make_day, read_day
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store

_SIGNALS: Final = {
    "signal": "string",
    "unit": "string",
    "count": "int",
    **dict.fromkeys(("minimum", "maximum", "mean", "std"), "float"),
    "out_of_range": "int",
}
_COUNTS: Final = (
    *(
        "objects",
        "raw_bytes",
        "decoded_bytes",
        "rows",
        "signal_values",
        "unknown_id",
        "decode_error",
        "truncated",
    ),
    *("quarantined", "pending", "unreadable", "gaps"),
)


def fleet_daily(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Rows of the fleet: those that a run names are made anew, otherwise what of some days has changed."""

    @dg.multi_asset(
        name="fleet_daily",
        specs=[lineage.fleet_daily(partitions)],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=200),
    )
    def summed_up(
        context: dg.AssetExecutionContext, lake: LakeResource, catalog: CatalogResource
    ) -> Iterator[Any]:
        sum_up_days(context, lake.store(), catalog, _by_day(map(from_key, context.partition_keys)))
        yield from ()

    return summed_up


def sum_up_days(
    context: Context,
    store: Store,
    catalog: CatalogResource,
    days: Mapping[dt.date, Sequence[str] | None],
    *,
    deadline: float | None = None,
) -> None:
    """Sum up days and report the vehicles whose rows were made.

    Args:
        context: The run.
        store: The lake.
        catalog: Where what was made is registered.
        days: The vehicles of each UTC day whose rows are made anew; None for all that changed.
        deadline: When to stop, by the monotonic clock; None for a run that was asked for exactly these vehicles.

    Raises:
        Failure: A day could not be summed up; all others are by then.
    """
    teller = Teller(context, lineage.FLEET_DAILY, runless=deadline is not None)
    failed: dict[str, str] = {}
    left: set[str] = set()
    with beating(store, context.run_id):
        for date, vehicles in days.items():
            try:
                made = make_day(store, date, only=vehicles, deadline=deadline)
                rows = read_day(store, date)
            except TelemetryError as error:
                context.log.warning("%s", error)
                failed[date.isoformat()] = str(error)
                continue
            left |= {date.isoformat()} if made.left else set()
            known = {} if rows is None else {row["vehicle_id"]: row for row in rows.iter_rows(named=True)}
            told = catalog.register(FLEET_DAILY, [layout.fleet_prefix(date)]) if made.made else {}
            for vehicle in vehicles or made.made:  # a backfill waits for an event of each that it names
                metadata = _metadata(known[vehicle]) | told if vehicle in known else {"dagster/row_count": 0}
                teller.tell(Partition(vehicle, date), metadata)
    finish(context, "fleet_daily", failed, left)


def _by_day(partitions: Iterable[Partition]) -> dict[dt.date, Sequence[str] | None]:
    """Vehicles by UTC day."""
    days: dict[dt.date, list[str]] = {}
    for partition in partitions:
        days.setdefault(partition.date, []).append(partition.vehicle_id)
    return {**days}


def _metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """What the row of a vehicle says."""
    metadata: dict[str, Any] = {
        "dagster/row_count": 1,
        **{name: row[name] for name in _COUNTS},
        "hours": row["hours"],
        "unknown_id_share": row["unknown_id"] / row["rows"] if row["rows"] else 0.0,
    }
    if row["distance_source"]:
        metadata["distance_km"] = row["distance_km"]
        metadata["distance_by"] = row[f"{row['distance_source']}_signal"]
    if row["hours"]:
        metadata["frames_per_recorded_s"] = row["rows"] / (row["hours"] * 3600)
    shown = [
        {**{name: item[name] for name in _SIGNALS if name != "signal"}, "signal": _name(item)}
        for item in sorted(row["signals"], key=lambda item: (-item["out_of_range"], _name(item)))
    ]
    return metadata | ({"signals": table(_SIGNALS, shown)} if shown else {})


def _name(item: Mapping[str, Any]) -> str:
    return f"{item['message_name']}.{item['signal_name']}"
