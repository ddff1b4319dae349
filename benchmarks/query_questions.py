"""What is asked of the lake of `query_lake`, and the same asked of DuckDB, of Polars and in the way of the seed.

An hour is answered with its samples; days with buckets: how many samples, the smallest, the largest, the first and the
last. Whoever does not give the same as ours is not timed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow.dataset as ds
from numpy.typing import NDArray

from benchmarks.query_lake import DRIVES_S, FIRST, LIVE, VEHICLE
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.state import list_series
from telemetry_pipeline.series.tiers import S_NS

HOUR_NS: Final = 3600 * S_NS
NAMES: Final[tuple[SignalName, ...]] = (
    ("MotorCtrl_Status", "Motor_RPM"),
    ("MotorCtrl_Status", "Motor_Torque"),
    ("BMS_PackStatus", "Pack_Voltage"),
    ("BMS_CellVoltages", "Cell_1_Voltage"),
)

Table = dict[SignalName, tuple[NDArray[np.generic], ...]]
"""Columns by signal, in order of time."""


@dataclass(frozen=True)
class Asked:
    """One question.

    Attributes:
        text: What is asked.
        vehicle_id: Of whom.
        names: The signals.
        start_ns: The first instant.
        end_ns: The first instant no longer wanted.
        width_s: The width of the buckets; None: samples.
        target_ms: What the answer may take.
    """

    text: str
    vehicle_id: str
    names: tuple[SignalName, ...]
    start_ns: int
    end_ns: int
    width_s: int | None
    target_ms: float | None

    def days(self) -> list[Partition]:
        """The days that it touches."""
        return list(layout.days_between(self.vehicle_id, self.start_ns, self.end_ns))


def questions(days: int, *, year: bool, live: bool = True) -> list[Asked]:
    """What is asked of a lake with so many days."""
    noon = FIRST.start_ns + (DRIVES_S[1] + 2700) * S_NS
    # a stretch as somebody picks it: no bucket begins or ends with it
    ragged = FIRST.start_ns + DRIVES_S[0] * S_NS + 1_234_567_891
    start = FIRST.start_ns
    found = [
        Asked("1 signal, 1 hour, its samples", VEHICLE, NAMES[:1], noon, noon + HOUR_NS, None, 25),
        Asked("4 signals, 1 day", VEHICLE, NAMES, start, start + DAY_NS, 10, 25),
        Asked("4 signals, 11 hours, as picked", VEHICLE, NAMES, ragged, ragged + 11 * HOUR_NS, 10, None),
    ]
    if days > 1:
        found.append(Asked(f"4 signals, {days} days", VEHICLE, NAMES, start, start + days * DAY_NS, 60, 30))
    if year:
        found.append(Asked("4 signals, 1 year", VEHICLE, NAMES, start, start + 365 * DAY_NS, 600, 50))
    if live:
        at = LIVE.start_ns + 13 * HOUR_NS
        text = "1 signal, 1 hour of a day of 1,440 objects, not compacted"
        found.append(Asked(text, LIVE.vehicle_id, NAMES[:1], at, at + HOUR_NS, None, None))
    return found


def ours(reader: ParquetReader, asked: Asked) -> Table:
    """The answer of a reader."""
    if asked.width_s is None:
        answer = reader.read(asked.vehicle_id, asked.names, asked.start_ns, asked.end_ns)
        return {(item.message, item.signal): (item.t, item.v) for item in answer.series}
    found = reader.buckets(asked.vehicle_id, asked.names, asked.start_ns, asked.end_ns, asked.width_s * S_NS)
    return {
        name: (rows.bucket, rows.count, rows.min, rows.max, rows.first, rows.last)
        for name, rows in found.rows.items()
    }


def series_paths(store: Store, asked: Asked) -> list[str]:
    """The series objects of its days, as files."""
    return [f"{store.root}/{info.key}" for day in asked.days() for info in list_series(store, day)]


def by_duckdb(store: Store, asked: Asked) -> Table:
    """The same from DuckDB, over the same series objects."""
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    paths = series_paths(store, asked)
    where = "epoch_ns(timestamp) >= ? and epoch_ns(timestamp) < ?"
    span = [asked.start_ns, asked.end_ns]
    found: Table = {}
    if asked.width_s is None:
        for name in asked.names:
            rows = connection.execute(
                f"select epoch_ns(timestamp) as t, value as v from read_parquet(?) where message_name = ? "
                f"and signal_name = ? and {where} order by t",
                [paths, *name, *span],
            ).fetchnumpy()
            found[name] = rows["t"], rows["v"]
        return found
    width = asked.width_s * S_NS
    signals = ", ".join(f"('{message}', '{signal}')" for message, signal in asked.names)
    rows = connection.execute(
        f"select message_name as m, signal_name as s, epoch_ns(timestamp) // {width} * {width} as b, "
        "count(*) as n, min(value) as low, max(value) as high, arg_min(value, timestamp) as f, "
        f"arg_max(value, timestamp) as l from read_parquet(?) where (message_name, signal_name) in ({signals}) "
        f"and {where} group by m, s, b order by m, s, b",
        [paths, *span],
    ).fetchnumpy()
    for name in asked.names:
        chosen = (rows["m"] == name[0]) & (rows["s"] == name[1])
        found[name] = tuple(np.asarray(rows[key])[chosen] for key in ("b", "n", "low", "high", "f", "l"))
    return found


def by_polars(store: Store, asked: Asked) -> Table:
    """The same from Polars: one lazy scan for each signal, which is its quickest."""
    time = pl.col("timestamp").cast(pl.Int64)
    found: Table = {}
    for message, signal in asked.names:
        rows = (
            pl.scan_parquet(series_paths(store, asked))
            .filter(message_name=message, signal_name=signal)
            .filter(time.is_between(asked.start_ns, asked.end_ns, closed="left"))
        )
        if asked.width_s is None:
            samples = rows.select(time, "value").collect()
            found[message, signal] = samples["timestamp"].to_numpy(), samples["value"].to_numpy()
            continue
        width = asked.width_s * S_NS
        value = pl.col("value")
        buckets = (
            rows.group_by((time // width * width).alias("b"))
            .agg(
                pl.len().cast(pl.Int64).alias("n"),
                value.min().alias("low"),
                value.max().alias("high"),
                value.first().alias("f"),
                value.last().alias("l"),
            )
            .sort("b")
            .collect()
        )
        found[message, signal] = tuple(buckets[key].to_numpy() for key in buckets.columns)
    return found


def by_rows(store: Store, asked: Asked) -> Table:
    """The same in the way of the seed: whole decoded objects become Python rows, which are looked at one by one.

    Kinder than the seed, it opens only objects whose names say that they begin in the range.
    """
    folder = Path(f"{store.root}/{asked.days()[0].prefix(layout.DECODED)}")
    paths = sorted(
        str(path)
        for path in folder.iterdir()
        if asked.start_ns - 60 * S_NS
        <= (layout.stem_start_ns(_stem(asked.days()[0], path)) or 0)
        < asked.end_ns
    )
    table = ds.dataset(paths).to_table()
    columns = [
        table[name].cast("int64" if name == "timestamp" else table.schema.field(name).type).to_pylist()
        for name in ("timestamp", "message_name", "signal_name", "value")
    ]
    points: dict[SignalName, list[tuple[int, float]]] = {name: [] for name in asked.names}
    for t, message, signal, value in zip(*columns, strict=True):
        if (message, signal) in points and asked.start_ns <= t < asked.end_ns:
            points[message, signal].append((t, value))
    return {
        name: (np.array([t for t, _ in sorted(found)]), np.array([v for _, v in sorted(found)]))
        for name, found in points.items()
    }


def _stem(day: Partition, path: Path) -> str:
    return DecodedObject.parse(f"{day.prefix(layout.DECODED)}{path.name}").stem


PEERS: Final[dict[str, Callable[[Store, Asked], Table]]] = {"DuckDB": by_duckdb, "Polars": by_polars}


def same(one: Table, other: Table) -> bool:
    """Whether two answers are equal, value by value."""
    return list(one) == list(other) and all(
        len(one[name]) == len(other[name])
        and all(np.array_equal(a, b) for a, b in zip(one[name], other[name], strict=True))
        for name in one
    )


def samples_of(table: Table) -> int:
    """How many samples an answer is made from."""
    return sum(int(columns[1].sum()) if len(columns) > 2 else len(columns[0]) for columns in table.values())
