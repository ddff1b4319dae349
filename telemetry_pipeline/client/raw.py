"""Raw CAN frames of a range, from the raw objects of its days."""

import polars as pl

from telemetry_pipeline.client import shapes
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import layout, ledger, parquet, schema
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store


def frames(store: Store, vehicle_id: str, start_ns: int, end_ns: int) -> pl.DataFrame:
    """The frames in [start_ns, end_ns) in the columns of `RAW_FD`, in order of time.

    Those of one instant are in order of their objects.

    An object lies under the day of its first frame, and may reach into the next.

    Raises:
        BadKey: It is not a vehicle id.
        TransientError: The store does not answer.
    """
    first = Partition.containing(vehicle_id, start_ns).shifted(-1)
    last = Partition.containing(vehicle_id, end_ns - 1)
    low, high = shapes.instants([start_ns, end_ns])
    inside = pl.col("timestamp").is_between(
        pl.lit(low, shapes.TIME), pl.lit(high, shapes.TIME), closed="left"
    )
    parts, skipped = [shapes.timed(schema.RAW_FD.empty_table())], 0
    for day in ledger.partitions(store, vehicle_id, layout.RAW):
        if not first.date <= day.date <= last.date:
            continue
        for item in sorted(ledger.read_ledger(store, day).raw):
            try:
                found = parquet.read_raw(store.get(item.key), item.key, wanted=schema.RAW_FD)
                parts.append(shapes.timed(found).filter(inside))
            except BadRaw:
                skipped += 1
    shapes.warn_of(skipped)
    return pl.concat(parts).sort("timestamp", maintain_order=True)
