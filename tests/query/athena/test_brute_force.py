"""Whatever the lake holds and whatever is asked, the SQL answers what plain polars computes from plain rows.

The statements are executed here without a server between: the runner and the client have tests of their own.
"""

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.catalog.hive import hive_columns
from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_SERIES, Table
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.athena import statement
from telemetry_pipeline.query.athena.frames import buckets_of, samples_of
from telemetry_pipeline.query.athena.sources import choose
from telemetry_pipeline.query.athena.statement import Statement
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.contract.reader_lake import LEVEL, SPEED, ReaderLake, V, assert_same, bucketed
from tests.doubles.athena.engine import execute
from tests.doubles.athena.parameters import filled
from tests.doubles.athena.tables import DataFile, Declared

URL = "s3://bucket/lake"
NAMES = [SPEED, (SPEED[0], "Gear"), LEVEL]
"""Two of one message."""

DAY = Partition(V, dt.date(2026, 12, 30))
S = 1_000_000_000

own = st.one_of(st.integers(0, 86_399), st.integers(0, 30).map(lambda number: number * 600))
seconds = st.one_of(own, own, st.integers(-2 * 86_400, 4 * 86_400))
"""Of the own day, many at equal intervals; some of another, from a wrong clock."""

values = st.one_of(st.sampled_from([1.0, 2.0, np.nan, np.inf, -np.inf, -0.0]), st.floats(-1e6, 1e6))
"""Many are equal: of equal extremes the first counts."""

objects = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.booleans(),
        st.sampled_from(NAMES),
        st.lists(st.tuples(seconds, values)),
    ),
    min_size=1,
    max_size=8,
)


def declared(table: Table, root: Path) -> Declared:
    """A table over the lake's folder, as if it were a bucket and all of its partitions were registered."""
    columns = {item["Name"]: item["Type"] for item in hive_columns(table.columns, table.keys)}

    def files() -> list[DataFile]:
        found = sorted((root / table.prefix).rglob("*.parquet"))
        keys = [str(path.relative_to(root)) for path in found]
        below = [key.removeprefix(table.prefix).rpartition("/")[0] for key in keys]
        return [
            DataFile(path, f"{URL}/{key}", tuple(layout.hive_values(place).values()))
            for path, key, place in zip(found, keys, below, strict=True)
        ]

    return Declared(table.name, columns, table.keys, files)


def answered(asked: Statement, root: Path) -> pl.DataFrame:
    """What a statement answers over a folder."""
    tables = {table.name: declared(table, root) for table in (SIGNAL_SERIES, DECODED_SIGNALS)}
    with duckdb.connect() as connection:
        result = execute(connection, filled(asked.sql, list(asked.parameters)), tables)
    kinds = {"bigint": pl.Int64, "double": pl.Float64}
    text = pl.DataFrame(
        result.rows, schema=dict.fromkeys([name for name, _ in result.columns], pl.String), orient="row"
    )
    typed = text.with_columns(
        (pl.col(name).str.replace("Infinity", "inf") if kind == "double" else pl.col(name)).cast(
            kinds.get(kind, pl.String)
        )
        for name, kind in result.columns
    )
    return typed.rename({asked.last: "unit"})


@settings(max_examples=40)
@given(objects, seconds, seconds, st.integers(1, 10 * DAY_NS), st.data())
def test_any_question_over_any_lake(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list,
    one: int,
    other: int,
    width: int,
    data: st.DataObject,
) -> None:
    root = tmp_path_factory.mktemp("lake")
    store = Store.open(root.as_uri())
    lake = ReaderLake(store, lambda: ParquetReader(store))
    for late in (False, True):
        for number, (shift, is_late, name, samples) in enumerate(drawn):
            if late == is_late and samples:
                day = DAY.shifted(shift)
                # no two of one time: which of them is the first is anybody's choice
                rows = sorted((day.start_ns + second * S + number, v) for second, v in dict(samples).items())
                lake.put(day, f"{number:03d}", {name: ([t for t, _ in rows], [v for _, v in rows])})
        if not late:
            days = sorted({day for day, *_ in lake.truth})
            for day in data.draw(st.sets(st.sampled_from(days))) if days else ():
                compact_day(store, day)
    if width < S:
        width *= S  # a bucket for every sample says nothing new
    start, end = (DAY.start_ns + second * S for second in sorted((one, other)))
    listed = ParquetReader(store).objects.days.in_range(V, start, end)
    span_days = (Partition.containing(V, start), Partition.containing(V, max(start, end - 1)))
    sources = choose(V, span_days, listed, ())
    if not sources.days:
        assert all(lake.rows(name, start, end).is_empty() for name in NAMES)
        return
    samples_found, units = samples_of(answered(statement.samples(sources, URL, NAMES, start, end), root))
    buckets_found, _ = buckets_of(
        answered(statement.buckets(sources, URL, NAMES, start, end, width_ns=width), root)
    )
    for name in NAMES:
        rows_wanted = lake.rows(name, start, end)
        assert (name in samples_found) == (name in buckets_found) == (not rows_wanted.is_empty())
        if name in samples_found:
            t, v = samples_found[name]
            np.testing.assert_array_equal(t, rows_wanted["t"])
            np.testing.assert_array_equal(v, rows_wanted["v"])
            assert_same(buckets_found[name], bucketed(rows_wanted, width), f"{name} {width}")
    assert units.keys() == samples_found.keys()
