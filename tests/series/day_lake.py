"""A vehicle's day as decoded objects, as its series object, and as a reader gives it: the same rows."""

import datetime as dt

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader

V = "VIN1"
DAY = Partition(V, dt.date(2026, 12, 31))
AT = DAY.start_ns
SPEED, GEAR, LEVEL = ("Drive", "Speed"), ("Drive", "Gear"), ("Battery", "Level")


def decoded_rows(store: Store, day: Partition = DAY) -> pl.DataFrame:
    """All rows of a day's decoded objects in the order that a series object has them."""
    frames = []
    for info in sorted(store.list_objects(day.prefix(layout.DECODED)), key=lambda info: info.key):
        table = pq.read_table(pa.BufferReader(store.get(info.key)))
        frames.append(pl.from_arrow(table).with_columns(pl.selectors.categorical().cast(pl.String)))
    return pl.concat(frames).sort("message_name", "signal_name", "timestamp", maintain_order=True)


def series_rows(store: Store, day: Partition = DAY) -> pl.DataFrame:
    (info,) = store.list_objects(day.prefix(layout.SERIES))
    return pl.from_arrow(pq.read_table(pa.BufferReader(store.get(info.key))))


def read_all(store: Store, names=(SPEED, GEAR, LEVEL), start=AT - 2 * DAY_NS, end=AT + 2 * DAY_NS):
    reader = ParquetReader(store)
    answer = reader.read(V, list(names), start, end)
    return [
        (found.unit, found.t.tolist(), found.v.tobytes()) for found in answer.series
    ], answer.skipped_objects
