"""The table `fleet_daily`: one object per day, of which only those vehicles are made anew whose objects changed."""

import datetime as dt
import io
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw, NotFound, first_line
from telemetry_pipeline.fleet.vehicle_day import Inputs, sum_up
from telemetry_pipeline.lake import layout, ledger, schema
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store

if TYPE_CHECKING:
    import polars as pl

_FLUSH: Final = 100
"""Vehicles after which what was made so far is written: a run that is killed has done something."""


@dataclass
class Made:
    """What became of a day's rows, by vehicle id.

    Attributes:
        date: The UTC day.
        made: Vehicles whose row was made, or made anew.
        kept: Vehicles whose row stays, because their objects did.
        removed: Vehicles that have no objects on the day any more.
        left: Vehicles that the time did not suffice for.
    """

    date: dt.date
    made: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def make_day(
    store: Store,
    date: dt.date,
    *,
    only: Collection[str] | None = None,
    deadline: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Made:
    """Bring the table's object of a day up to date with the lake.

    Args:
        store: The lake.
        date: The UTC day.
        only: Vehicle ids whose rows are made anew, whether their objects changed or not; all others stay as they are.
        deadline: When to stop, by `clock`; what was made until then is kept.
        clock: Gives the time in seconds.

    Raises:
        TransientError: The store does not answer.
    """
    rows = _rows(store, date)
    result = Made(date)
    unsaved = 0
    everyone = {*rows, *ledger.vehicles(store), *ledger.vehicles(store, layout.DECODED)}
    for vehicle in sorted(everyone if only is None else only):
        if deadline is not None and clock() >= deadline:
            result.left.append(vehicle)
            continue
        inputs = Inputs.read(store, Partition(vehicle, date))
        if not inputs:
            if rows.pop(vehicle, None):
                result.removed.append(vehicle)
        elif only is None and vehicle in rows and rows[vehicle]["inputs"] == inputs.fingerprint:
            result.kept.append(vehicle)
        else:
            rows[vehicle] = sum_up(store, inputs)
            result.made.append(vehicle)
            unsaved += 1
        if unsaved >= _FLUSH:
            store.put(layout.fleet_key(date), _written(rows))
            unsaved = 0
    if unsaved or result.removed:
        store.put(layout.fleet_key(date), _written(rows))
    return result


def read_day(store: Store, date: dt.date) -> "pl.DataFrame | None":
    """The table's rows of a day, by the columns of `schema.FLEET_DAILY`; None when the day has not been summed up.

    Raises:
        BadRaw: The object is damaged.
        TransientError: The store does not answer.
    """
    import polars as pl  # noqa: PLC0415  slow to import; most who import this file read no day

    key = layout.fleet_key(date)
    try:
        return pl.read_parquet(io.BytesIO(store.get(key)), hive_partitioning=False)
    except NotFound:
        return None
    except pl.exceptions.PolarsError as error:
        raise BadRaw(
            f"not the fleet's summary of a day ({first_line(error)})",
            key,
            f"Make it anew: telemetry fleet --day {date} --make",
        ) from error


def days_of(store: Store) -> list[dt.date]:
    """The UTC days on which any vehicle has decoded objects, oldest first (one listing per vehicle, year and month)."""
    return sorted({partition.date for partition in ledger.all_partitions(store, layout.DECODED)})


def _rows(store: Store, date: dt.date) -> dict[str, dict[str, Any]]:
    """The rows that are there, by vehicle; those of a damaged object, or of other columns, are made anew."""
    try:
        found = read_day(store, date)
    except BadRaw:
        return {}
    if found is None or found.columns != schema.FLEET_DAILY.names:
        return {}
    import polars as pl  # noqa: PLC0415  slow to import; most who import this file read no day

    times = [pl.col(name).cast(pl.Int64) for name in ("first_timestamp", "last_timestamp")]
    return {row["vehicle_id"]: row for row in found.with_columns(times).iter_rows(named=True)}


def _written(rows: Mapping[str, Mapping[str, Any]]) -> bytes:
    table = pa.Table.from_pylist([dict(rows[vehicle]) for vehicle in sorted(rows)], schema=schema.FLEET_DAILY)
    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd", store_schema=False)
    return sink.getvalue()
