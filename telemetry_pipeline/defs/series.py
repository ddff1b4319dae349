"""The asset `signal_series`: a vehicle's day in one object, made when the day is quiet.

How a day is compacted is `series`' business, which days are due `roll_up`'s.
"""

import datetime as dt
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import dagster as dg

from telemetry_pipeline.catalog.tables import SIGNAL_OVERVIEW, SIGNAL_SERIES
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.glue import CatalogResource
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.partitions import from_key, to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.work import Context, Teller, finish
from telemetry_pipeline.errors import NotFound, TelemetryError
from telemetry_pipeline.lake import layout, ledger, schema
from telemetry_pipeline.lake.compacted import OverviewMonth
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import Compacted, compact_day
from telemetry_pipeline.series.tiers import TIERS_S


def spec(partitions: dg.PartitionsDefinition) -> dg.AssetSpec:
    """Compacted days, as the graph shows them."""
    return lineage.spec(
        lineage.SIGNAL_SERIES,
        "A vehicle's day in one object, sorted by signal, with overviews of 10, 60 and 600 seconds: what quick queries "
        "read. Made when a day is quiet, and anew when an object arrives late.",
        kinds={"parquet", "arrow"},
        deps=[lineage.DECODED_SIGNALS],
        partitions=partitions,
        columns=schema.SERIES,
        code=[compact_day],
    )


def signal_series(partitions: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """Compacted days: those that a run names, or whatever of some days is not compacted yet."""

    @dg.multi_asset(
        name="signal_series",
        specs=[spec(partitions)],
        can_subset=True,
        backfill_policy=dg.BackfillPolicy.multi_run(max_partitions_per_run=200),
    )
    def compacted(
        context: dg.AssetExecutionContext, lake: LakeResource, catalog: CatalogResource
    ) -> Iterator[Any]:
        compact(context, lake.store(), catalog, map(from_key, context.partition_keys))
        yield from ()

    return compacted


def compact(
    context: Context,
    store: Store,
    catalog: CatalogResource,
    partitions: Iterable[Partition],
    *,
    deadline: float | None = None,
) -> None:
    """Compact vehicle-days and report them.

    Args:
        context: The run.
        store: The lake.
        catalog: Where what was made is registered.
        partitions: The vehicle-days; those without decoded objects are passed over.
        deadline: When to stop, by the monotonic clock: for a run that takes whatever is not compacted yet, and reports
            only that. None for a run that was asked for exactly these, and reports all of them.

    Raises:
        Failure: Some could not be compacted; everything else is done by then.
    """
    teller = Teller(context, lineage.SIGNAL_SERIES, runless=deadline is not None)
    failed: dict[str, str] = {}
    left: set[str] = set()
    made: list[Partition] = []
    with beating(store, context.run_id):
        for partition in partitions:
            if deadline is not None and time.monotonic() >= deadline:
                left.add(partition.date.isoformat())
                continue
            try:
                done = compact_day(store, partition)
            except NotFound:
                continue  # nothing was decoded on that day
            except TelemetryError as error:
                context.log.warning("%s", error)
                failed[to_key(partition)] = str(error)
                continue
            if deadline is None or done.written:
                made.append(partition)
                teller.tell(partition, _metadata(done))
        _tell_catalog(context, catalog, made)
    finish(context, "signal_series", failed, left)


def vehicles_on(store: Store, days: Iterable[dt.date]) -> Iterator[Partition]:
    """Every vehicle on each day, whether it has decoded objects there or not: one listing."""
    vehicles = ledger.vehicles(store, layout.DECODED)
    for date in days:
        yield from (Partition(vehicle, date) for vehicle in vehicles)


def _tell_catalog(context: Context, catalog: CatalogResource, made: Sequence[Partition]) -> None:
    """Register what was made: the days, and the months of the overview that they are in."""
    months = {OverviewMonth.containing(tier, partition).prefix for partition in made for tier in TIERS_S}
    for table, prefixes in (
        (SIGNAL_SERIES, {SIGNAL_SERIES.prefix_of(partition) for partition in made}),
        (SIGNAL_OVERVIEW, months),
    ):
        if prefixes and (said := catalog.register(table, sorted(prefixes))):
            context.log.info("%s in the catalogue: %s", table.name, said["catalogue"])


def _metadata(done: Compacted) -> dict[str, Any]:
    return {
        "dagster/row_count": done.rows,
        "signals": done.signals,
        "decoded_objects": done.objects,
        "bytes": done.size,
        "bytes_per_row": round(done.size / done.rows, 2) if done.rows else 0.0,
        "written": done.written,
        "replaced": len(done.removed),
        "refused": dg.MetadataValue.json(dict(done.refused)),
        "days_in_overview": done.days_in_overview,
    }
