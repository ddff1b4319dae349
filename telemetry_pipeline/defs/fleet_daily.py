"""The asset `fleet_daily`: one row per vehicle and day, made when the day is quiet.

What is in a row is `fleet`'s business, which days are due `roll_up`'s.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.catalog.tables import FLEET_DAILY
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.glue import CatalogResource
from telemetry_pipeline.defs.metadata import table
from telemetry_pipeline.defs.partitions import from_key, to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.work import DaysConfig, finish
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.fleet.table import make_day, read_day
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition

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
        context: dg.AssetExecutionContext, config: DaysConfig, lake: LakeResource, catalog: CatalogResource
    ) -> Iterator[Any]:
        store = lake.store()
        named = context.has_partition_key or context.has_partition_key_range
        chosen = _by_day(map(from_key, context.partition_keys)) if named else dict.fromkeys(config.days)
        deadline = None if named else time.monotonic() + config.budget_s
        failed: dict[str, str] = {}
        left: set[str] = set()
        for day, vehicles in chosen.items():
            date = dt.date.fromisoformat(day)
            try:
                made = make_day(store, date, only=vehicles, deadline=deadline)
                rows = read_day(store, date)
            except TelemetryError as error:
                context.log.warning("%s", error)
                failed[day] = str(error)
                continue
            left |= {day} if made.left else set()
            known = {} if rows is None else {row["vehicle_id"]: row for row in rows.iter_rows(named=True)}
            told = catalog.register(FLEET_DAILY, [layout.fleet_prefix(date)]) if made.made else {}
            for vehicle in vehicles or made.made:  # a backfill waits for an event of each that it names
                metadata = _metadata(known[vehicle]) | told if vehicle in known else {"dagster/row_count": 0}
                key = to_key(Partition(vehicle, date))
                event = dg.AssetMaterialization(lineage.FLEET_DAILY, partition=key, metadata=metadata)
                if named:
                    context.log_event(event)
                else:
                    context.instance.report_runless_asset_event(event)
        finish(context, "fleet_daily", failed, left)
        yield from ()

    return summed_up


def _by_day(partitions: Iterable[Partition]) -> dict[str, list[str] | None]:
    """Vehicles by UTC day."""
    days: dict[str, list[str]] = {}
    for partition in partitions:
        days.setdefault(partition.date.isoformat(), []).append(partition.vehicle_id)
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
