"""The ways to write a vehicle-day that are compared, each a function from a day to files. Reading them is `layouts_read`'s."""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.layouts_days import MINUTE_NS, Day
from benchmarks.workload import START_NS
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import row_group_sizes, write_decoded
from telemetry_pipeline.lake.series_file import SeriesWriter, SignalRows

_NAMES: Final = [field.name for field in schema.DECODED if pa.types.is_dictionary(field.type)]


@dataclass(frozen=True)
class Layout:
    """One way to write a day: files by name."""

    name: str
    write: Callable[[Day], dict[str, bytes]]


def minutes(day: Day) -> dict[str, bytes]:
    """As it is decoded: an object a minute."""
    t = day.table["timestamp"].cast(pa.int64()).to_numpy()
    number = (t - START_NS) // MINUTE_NS
    files = {}
    for minute in range(int(number.max()) + 1):
        part = day.table.filter(pa.array(number == minute))
        runs = (
            pl.from_arrow(part.select(["message_name", "signal_name"]))
            .group_by(pl.all(), maintain_order=True)
            .len()
        )
        files[f"{minute:04d}"] = write_decoded(part, runs["len"], {})
    return files


def sorted_day(
    *, level: int = 1, value: str = "PLAIN", group: int | None = None
) -> Callable[[Day], dict[str, bytes]]:
    """Layout C: one table, every column in every row group."""

    def write(day: Day) -> dict[str, bytes]:
        sink = io.BytesIO()
        sizes = row_group_sizes(len(rows.t) for rows in day.signals)
        if group:
            sizes = [
                min(group, len(rows.t) - at) for rows in day.signals for at in range(0, len(rows.t), group)
            ]
        with pq.ParquetWriter(
            sink,
            schema.DECODED,
            compression="zstd",
            compression_level=level,
            store_schema=False,
            use_dictionary=[*_NAMES, *(["value"] if value == "DICTIONARY" else [])],
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"}
            | ({} if value == "DICTIONARY" else {"value": value}),
            write_statistics=["timestamp", "message_name", "signal_name"],
        ) as writer:
            at = 0
            for size in sizes:
                writer.write_table(day.table.slice(at, size), row_group_size=size)
                at += size
        return {"day": sink.getvalue()}

    return write


def shared(day: Day) -> dict[str, bytes]:
    """What we write: the same rows, equal times written once."""
    sink = io.BytesIO()
    writer = SeriesWriter(sink, "V")
    for rows in day.signals:
        writer.add(rows)
    writer.close({})
    return {"day": sink.getvalue()}


def wide(day: Day) -> dict[str, bytes]:
    """A file for each message: its times, and a column for each of its signals, null where a frame has it not."""
    files = {}
    for message, group in _by_message(day):
        times = np.unique(np.concatenate([rows.t for rows in group]))
        columns = {"timestamp": pa.array(times).cast(schema.TIMESTAMP)}
        for rows in group:
            if len(rows.t) == len(times):
                columns[rows.name[1]] = pa.array(rows.v)
            else:
                values, mask = np.zeros(len(times)), np.ones(len(times), np.bool_)
                at = np.searchsorted(times, rows.t)
                values[at], mask[at] = rows.v, False
                columns[rows.name[1]] = pa.array(values, mask=mask)
        sink = io.BytesIO()
        pq.write_table(
            pa.table(columns),
            sink,
            compression="zstd",
            compression_level=3,
            store_schema=False,
            row_group_size=131_072,
            use_dictionary=False,
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        )
        files[message] = sink.getvalue()
    return files


def _by_message(day: Day) -> Iterator[tuple[str, list[SignalRows]]]:
    found: dict[str, list[SignalRows]] = {}
    for rows in day.signals:
        found.setdefault(rows.name[0], []).append(rows)
    yield from found.items()


LAYOUTS: Final = (
    Layout("an object a minute, as decoded", minutes),
    Layout("C: sorted day, zstd 1", sorted_day()),
    Layout("C, zstd 3", sorted_day(level=3)),
    Layout("C, zstd 9", sorted_day(level=9)),
    Layout("C, values as BYTE_STREAM_SPLIT", sorted_day(value="BYTE_STREAM_SPLIT")),
    Layout("C, values as dictionary", sorted_day(value="DICTIONARY")),
    Layout("C, a row group a signal, zstd 3", sorted_day(level=3, group=131_072)),
    Layout("C, equal times written once", shared),
    Layout("wide, a file a message", wide),
)
