"""A small lake in which every case occurs that readers have gone wrong over, and what it holds as plain rows.

Late objects, duplicates, NaN and infinities, a day without objects, an object without rows, samples around midnight and
New Year, a wrong clock, equal signal names in two messages, a day decoded again after it was compacted.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
import polars as pl

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.reader import SignalName, SignalReader
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.tiers import TierRows
from tests.decoded_lake import UNITS, Samples, put_decoded

V = "VIN_1"
EVE = Partition(V, dt.date(2026, 12, 31))
NEW_YEAR_NS = EVE.end_ns
S = 1_000_000_000
HOUR = 3600 * S

SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")
OTHER_SPEED = ("Wheel's", "Speed")
"""A quote in a name is not the end of a text."""

GEAR = (SPEED[0], "Gear")
"""Sampled between the samples of its neighbour in the same message."""

NAMES = [SPEED, LEVEL, OTHER_SPEED, GEAR]


@dataclass
class ReaderLake:
    """A lake and its reader.

    Attributes:
        store: The lake.
        open: A new reader of what it holds now.
        truth: Every row: day of its object, message, signal, t, v.
    """

    store: Store
    open: Callable[[], SignalReader]
    truth: list[tuple[Partition, str, str, int, float]] = field(default_factory=list)

    def put(self, day: Partition, stem: str, signals: dict[SignalName, Samples]) -> None:
        """Write an object; one that is there is replaced."""
        put_decoded(self.store, day, stem, signals)
        self.truth += [
            (day, *name, t, v) for name, samples in signals.items() for t, v in zip(*samples, strict=True)
        ]

    def rows(self, name: SignalName, start_ns: int, end_ns: int) -> pl.DataFrame:
        """The samples of a range as plain rows: those whose object's day and whose time lie in it."""
        found = [
            (t, v)
            for day, message, signal, t, v in self.truth
            if (message, signal) == name
            and start_ns <= t < end_ns
            and day.start_ns < end_ns
            and day.end_ns > start_ns
        ]
        return pl.DataFrame(found, schema={"t": pl.Int64, "v": pl.Float64}, orient="row").sort("t", "v")


def fill(lake: ReaderLake) -> None:
    """Write everything."""
    rng = np.random.default_rng(7)

    def drive(start_ns: int, samples: int, step_ns: int) -> Samples:
        t = start_ns + np.cumsum(rng.integers(1, 2 * step_ns, samples))
        return t.tolist(), np.round(rng.normal(50, 20, samples), 3).tolist()

    before = EVE.shifted(-2)
    times, values = drive(before.start_ns + 8 * HOUR, 400, 7 * S)
    values[10:14] = [float("nan"), float("inf"), float("-inf"), float("nan")]
    values[20:40] = [float("nan")] * 20
    stray = NEW_YEAR_NS + 9 * HOUR + 17  # of a clock that was wrong
    lake.put(before, "a", {SPEED: ([*times, stray], [*values, -1.5]), LEVEL: drive(times[0], 50, 60 * S)})
    same = drive(before.start_ns + 12 * HOUR, 30, 5 * S)
    lake.put(before, "b", {OTHER_SPEED: same})
    lake.put(before, "b-again", {OTHER_SPEED: same})  # one window that was uploaded twice
    compact_day(lake.store, before)

    # nothing at all on the day between

    late_evening = drive(NEW_YEAR_NS - 2 * HOUR, 300, 10 * S)
    late_evening = ([t for t in late_evening[0] if t < NEW_YEAR_NS], late_evening[1])
    late_evening = (late_evening[0], late_evening[1][: len(late_evening[0])])
    # equal extremes and equal intervals: the first of them counts
    steps = [EVE.start_ns + 10 * HOUR + number * 10 * S for number in range(40)]
    between = ([t + S for t in late_evening[0][:-1:7]], [3.0] * len(late_evening[0][:-1:7]))
    lake.put(EVE, "a", {SPEED: late_evening, GEAR: between, OTHER_SPEED: (steps, [1.0, 2.0, 2.0, 1.0] * 10)})
    put_decoded(lake.store, EVE, "empty", {})
    compact_day(lake.store, EVE)
    lake.put(EVE, "late", {SPEED: ([NEW_YEAR_NS - 1], [120.0]), LEVEL: ([NEW_YEAR_NS - 5], [1e300])})

    first = EVE.shifted(1)
    lake.put(first, "a", {SPEED: ([NEW_YEAR_NS, NEW_YEAR_NS + 1], [0.1, 1e-17])})
    lake.put(first, "b", {SPEED: drive(NEW_YEAR_NS + HOUR, 200, 3 * S), LEVEL: ([NEW_YEAR_NS + 2], [-0.0])})
    lake.put(first, "c", {SPEED: drive(NEW_YEAR_NS + HOUR + 7, 200, 3 * S)})

    second = EVE.shifted(2)
    put_decoded(lake.store, second, "a", {SPEED: ([second.start_ns + 5], [99.0])})
    compact_day(lake.store, second)
    lake.put(
        second, "a", {SPEED: ([second.start_ns + 5], [98.0])}
    )  # decoded again: the series object is stale

    put_decoded(lake.store, Partition("VIN_2", EVE.date), "a", {LEVEL: ([EVE.start_ns], [5.0])})


RANGES = {
    "everything": (EVE.start_ns - 3 * 24 * HOUR, EVE.end_ns + 5 * 24 * HOUR),
    "over New Year": (NEW_YEAR_NS - 1, NEW_YEAR_NS + 1),
    "compacted days alone": (EVE.start_ns - 2 * 24 * HOUR, EVE.start_ns),
    "with a late object": (EVE.start_ns + 22 * HOUR + 13, EVE.end_ns),
    "an empty day": (EVE.start_ns - 24 * HOUR, EVE.start_ns),
    "one that is not compacted": (NEW_YEAR_NS + HOUR + 1, NEW_YEAR_NS + 24 * HOUR),
    "a stray alone": (NEW_YEAR_NS + 9 * HOUR, NEW_YEAR_NS + 10 * HOUR),
    "decoded again": (NEW_YEAR_NS + 24 * HOUR, NEW_YEAR_NS + 48 * HOUR),
}


def bucketed(rows: pl.DataFrame, width_ns: int) -> pl.DataFrame:
    """Plain rows summed up by polars: what buckets of a width say."""
    finite = pl.col("v").filter(pl.col("v").is_finite())
    by_bucket = rows.with_columns(bucket=pl.col("t") // width_ns * width_ns).group_by(
        "bucket", maintain_order=True
    )
    at = pl.col("t").filter(pl.col("v").is_finite())
    gap = pl.col("t").diff()
    return by_bucket.agg(
        pl.len().cast(pl.Int64).alias("count"),
        (~pl.col("v").is_finite()).sum().cast(pl.Int64).alias("nonfinite"),
        pl.col("v").first().alias("first"),
        pl.col("v").last().alias("last"),
        pl.col("t").first().alias("t_first"),
        pl.col("t").last().alias("t_last"),
        finite.min().fill_null(float("nan")).alias("min"),
        finite.max().fill_null(float("nan")).alias("max"),
        at.filter(finite == finite.min()).min().fill_null(0).alias("t_min"),
        at.filter(finite == finite.max()).min().fill_null(0).alias("t_max"),
        pl.when(finite.len() > 0)
        .then((finite - finite.min()).sum())
        .otherwise(float("nan"))
        .alias("sum_above_min"),
        pl.when(finite.len() > 0)
        .then(((finite - finite.mean()) ** 2).sum())
        .otherwise(float("nan"))
        .alias("sum_sq_dev"),
        gap.max().fill_null(0).alias("longest"),
        pl.col("t").shift(1).filter(gap == gap.max()).min().fill_null(pl.col("t").first()).alias("t_longest"),
    )


def units_of(names: list[SignalName]) -> dict[SignalName, str]:
    return {name: UNITS.get(name[1], "") for name in names}


def assert_same(rows: TierRows, wanted: pl.DataFrame, what: str) -> None:
    """Buckets are what polars says: counts, times and values exactly, sums to 1e-12."""
    for column in (item.name for item in fields(TierRows)):
        values, expected = getattr(rows, column), wanted[column].to_numpy()
        assert values.dtype == expected.dtype, (what, column)
        if column in ("sum_above_min", "sum_sq_dev"):
            np.testing.assert_allclose(values, expected, rtol=1e-12, err_msg=f"{what} {column}")
        else:
            np.testing.assert_array_equal(values, expected, err_msg=f"{what} {column}")
