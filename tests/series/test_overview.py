"""The tiers in the lake say of every day what its samples say, whichever day came when."""

import datetime as dt
import threading

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series import overview
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.state import series_state
from telemetry_pipeline.series.tier_days import days_of
from telemetry_pipeline.series.tier_reader import TierReader
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, aligned, concatenate, merge_all, sample_rows
from tests.decoded_lake import put_decoded
from tests.series.test_tiers import assert_right, assert_same

V = "VIN1"
DAY = Partition(V, dt.date(2026, 11, 29))
AT = DAY.start_ns
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")


def series_of(store: Store, days: list[Partition]) -> dict[Partition, str]:
    """The series objects that hold whole days."""
    found = {}
    for day in days:
        state = series_state(store, day)
        if state.series and not state.uncovered:
            found[day] = SeriesObject.parse(state.series.key).name
    return found


def put_day(store: Store, day: Partition, seed: int, stem: str = "a") -> None:
    random = np.random.default_rng(seed)
    signals = {}
    for name in (SPEED, LEVEL):
        t = np.sort(random.integers(day.start_ns, day.end_ns, 300))
        v = random.normal(100, 1, 300)
        v[random.random(300) < 0.02] = np.nan
        signals[name] = (t.tolist(), v.tolist())
    put_decoded(store, day, stem, signals)


def assert_tiers_are_right(store: Store, days: list[Partition]) -> None:
    reader = ParquetReader(store)
    for tier in TIERS_S:
        answer = TierReader(store).read(series_of(store, days), [SPEED, LEVEL, ("No", "such")], tier)
        assert list(answer.missing) == []
        raw = reader.read(V, [SPEED, LEVEL], days[0].start_ns, days[-1].end_ns)
        for series in raw.series:
            name = (series.message, series.signal)
            if not len(series.t):
                assert name not in answer.rows
                continue
            assert_same(answer.rows[name], sample_rows(series.t, series.v, tier * S_NS))
            assert answer.units[name] == series.unit


def test_days_come_in_any_order_over_a_month_border(any_lake):
    days = [DAY.shifted(shift) for shift in range(4)]
    for day in days:
        put_day(any_lake, day, day.date.day)
    for at in (2, 0, 3, 1):
        compact_day(any_lake, days[at])
    assert_tiers_are_right(any_lake, days)
    keys = sorted(info.key for info in any_lake.list_objects("overview/"))
    assert len(keys) == 4 + 2 + 2
    assert sum("/tier=60/" in key and "/month=11/" in key for key in keys) == 1


def test_a_late_object_changes_its_day_alone(folder_lake):
    days = [DAY, DAY.shifted(1)]
    for day in days:
        put_day(folder_lake, day, 1)
        compact_day(folder_lake, day)
    before = days_of(folder_lake, DAY, 60)
    put_day(folder_lake, DAY, 2, "late")
    named = {day: before[day.date.isoformat()] for day in days}
    compact_day(folder_lake, DAY)
    answer = TierReader(folder_lake).read(named, [SPEED], 60)
    assert list(answer.missing) == [DAY]
    assert_tiers_are_right(folder_lake, days)
    assert days_of(folder_lake, DAY, 60)[days[1].date.isoformat()] == named[days[1]]


def test_a_reader_that_was_asked_before_sees_what_is_new(folder_lake):
    reader = TierReader(folder_lake)
    for shift in range(3):
        day = DAY.shifted(-shift)
        put_day(folder_lake, day, shift)
        compact_day(folder_lake, day)
        days = [DAY.shifted(-back) for back in range(shift + 1)]
        for tier in TIERS_S:
            answer = reader.read(series_of(folder_lake, days), [SPEED], tier)
            assert answer.rows[SPEED].count.sum() == 300 * (shift + 1)
            assert not answer.missing


def test_samples_of_a_wrong_clock_are_in_no_bucket(folder_lake):
    put_decoded(
        folder_lake, DAY, "a", {SPEED: ([AT - 400 * DAY_NS, AT, AT + 1, AT + DAY_NS], [9.0, 1.0, 2.0, 9.0])}
    )
    compact_day(folder_lake, DAY)
    answer = TierReader(folder_lake).read(series_of(folder_lake, [DAY]), [SPEED], 600)
    assert_right(answer.rows[SPEED], np.array([AT, AT + 1]), np.array([1.0, 2.0]))


def test_a_broken_overview_object_is_missing_and_made_again(folder_lake):
    days = [DAY, DAY.shifted(-1)]
    for day in days:
        put_day(folder_lake, day, 1)
        compact_day(folder_lake, day)
    for tier in (10, 60):
        for info in list(folder_lake.list_objects(f"overview/tier={tier}/")):
            body = folder_lake.get(info.key)
            folder_lake.put(info.key, body[:4] + b"\xff" * (len(body) // 2) + body[4 + len(body) // 2 :])
    for tier in (10, 60):
        answer = TierReader(folder_lake).read(series_of(folder_lake, days), [SPEED], tier)
        assert sorted(answer.missing) == sorted(days)
    put_day(folder_lake, DAY, 3, "late")
    compact_day(folder_lake, DAY)
    for tier in (10, 60):
        answer = TierReader(folder_lake).read(series_of(folder_lake, days), [SPEED], tier)
        assert list(answer.missing) == [days[1]]


def test_days_that_two_add_at_once_are_both_there(folder_lake, monkeypatch):
    days = [DAY, DAY.shifted(-1), DAY.shifted(-2)]
    for day in days:
        put_day(folder_lake, day, 1)
    compact_day(folder_lake, days[2])
    honest, gate, waited = overview.list_overview, threading.Barrier(2, timeout=60), set()

    def together(store, month):
        found = honest(store, month)
        me = threading.current_thread().name
        if month.tier == 60 and me.startswith("both") and me not in waited:
            waited.add(me)
            gate.wait()
        return found

    monkeypatch.setattr(overview, "list_overview", together)
    threads = [
        threading.Thread(target=compact_day, args=(folder_lake, day), name=f"both{day}") for day in days[:2]
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    monkeypatch.undo()
    for day in days:  # whoever came second may have to come again
        compact_day(folder_lake, day)
    assert_tiers_are_right(folder_lake, sorted(days))


ranges = st.tuples(st.integers(0, 3 * DAY_NS), st.integers(1, 3 * DAY_NS))


@pytest.fixture(scope="module")
def three_days(tmp_path_factory):
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    for shift in range(3):
        put_day(store, DAY.shifted(shift), shift)
        compact_day(store, DAY.shifted(shift))
    return store


@settings(max_examples=60)
@given(ranges, st.sampled_from(TIERS_S))
def test_a_range_is_exact_with_its_edges_from_samples(three_days, drawn, tier):
    start, end = AT + drawn[0], AT + drawn[0] + drawn[1]
    reader = ParquetReader(three_days)
    (raw,) = reader.read(V, [SPEED], start, end).series
    first, stop = aligned(start, end, tier * S_NS)
    days = [DAY.shifted(shift) for shift in range(3)]
    whole = TierReader(three_days).read(series_of(three_days, days), [SPEED], tier).rows[SPEED]
    inner = whole[(whole.bucket >= first) & (whole.bucket < stop)]
    edges = [reader.read(V, [SPEED], *edge).series[0] for edge in ((start, first), (stop, end))]
    left, right = (sample_rows(edge.t, edge.v, tier * S_NS) for edge in edges)
    row = merge_all(concatenate([part for part in (left, inner, right) if len(part)]))
    if not len(raw.t):
        assert not len(row)
        return
    assert_right(row, raw.t, raw.v)


def test_sql_reads_the_overview_as_one_table(three_days):
    where = three_days.root / "overview"
    rows = duckdb.sql(
        f"""select sum(count), sum(nonfinite), min(min), max(max), max(longest), sum(sum)
        from read_parquet('{where}/*/*/*/*/*.parquet', hive_partitioning=true)
        where tier = 600 and vehicle_id = '{V}' and signal_name = 'Speed'"""
    ).fetchall()[0]
    (raw,) = ParquetReader(three_days).read(V, [SPEED], AT, AT + 3 * DAY_NS).series
    good = raw.v[np.isfinite(raw.v)]
    assert rows[:4] == (len(raw.v), len(raw.v) - len(good), good.min(), good.max())
    assert rows[5] == pytest.approx(good.sum(), rel=1e-12)


def test_sql_reads_the_series_as_one_table(three_days):
    where = three_days.root / layout.SERIES
    found = duckdb.sql(
        f"""select epoch_ns(timestamp), value, day from read_parquet('{where}/**/*.parquet', hive_partitioning=true)
        where message_name = 'Drive' and signal_name = 'Speed' order by timestamp"""
    ).fetchnumpy()
    (raw,) = ParquetReader(three_days).read(V, [SPEED], AT, AT + 3 * DAY_NS).series
    np.testing.assert_array_equal(next(iter(found.values())), raw.t)
    np.testing.assert_array_equal(found["value"], raw.v)
