"""Buckets of any range equal those of all its samples, whatever of it is compacted."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import NotFound, TooLarge
from telemetry_pipeline.lake import series_file
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import tiered
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.tiered import read_buckets
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.tier_reader import TierReader
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, merge_all, sample_rows
from tests.decoded_lake import put_decoded
from tests.series.test_tiers import assert_right, assert_same

V = "VIN1"
DAY = Partition(V, dt.date(2026, 12, 30))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")

objects = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.booleans(),
        # seconds of the own day; some of another, from a wrong clock
        st.lists(
            st.tuples(
                st.one_of(st.integers(0, 86_399), st.integers(-3 * 86_400, 5 * 86_400)), st.floats(width=32)
            )
        ),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(objects, st.integers(0, 4 * 86_400), st.integers(0, 4 * 86_400), st.sampled_from(TIERS_S), st.data())
def test_buckets_equal_those_of_all_samples(tmp_path_factory, drawn, one, other, tier, data):
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    truth = []
    for late in (False, True):
        for number, (shift, is_late, samples) in enumerate(drawn):
            if late == is_late and samples:
                day = DAY.shifted(shift)
                # no two samples of one time: which of them is the first is anybody's choice
                own = sorted(
                    (day.start_ns + second * S_NS + number * 1000 + at, v)
                    for at, (second, v) in enumerate(samples)
                )
                put_decoded(store, day, f"{number:03d}", {SPEED: ([t for t, _ in own], [v for _, v in own])})
                truth += [(day, t, v) for t, v in own]
        if not late:
            for shift in data.draw(st.sets(st.integers(0, 3))):
                if any(day == DAY.shifted(shift) for day, _, _ in truth):
                    compact_day(store, DAY.shifted(shift))
    if not truth:
        return
    start, end = (DAY.start_ns + second * S_NS for second in sorted((one, other)))
    found = read_buckets(ParquetReader(store), TierReader(store), (V, [SPEED]), (start, end), tier * S_NS)
    # a sample counts where its object's day and its time both lie in the range, as for a reader of samples
    inside = sorted(
        (t, v) for day, t, v in truth if start <= t < end and day.start_ns < end and day.end_ns > start
    )
    t, v = np.array([t for t, _ in inside], np.int64), np.array([v for _, v in inside], np.float64)
    assert_same(found.rows[SPEED], sample_rows(t, v, tier * S_NS))
    if len(t):
        assert_right(merge_all(found.rows[SPEED]), t, v)
    assert found.units == {SPEED: "km/h"}
    width = data.draw(
        st.one_of(st.integers(1, 3 * DAY_NS), st.integers(1, 5000).map(lambda n: n * 10 * S_NS))
    )
    wide = ParquetReader(store).buckets(V, [SPEED], start, end, width)
    assert (wide.width_ns, wide.units) == (width, {SPEED: "km/h"})
    assert_same(wide.rows[SPEED], sample_rows(t, v, width))
    assert ParquetReader(store).count(V, [SPEED], start, end)[SPEED] >= len(t)


@pytest.fixture
def month(folder_lake):
    for shift in range(4):
        day = DAY.shifted(shift)
        t = [day.start_ns + second * S_NS for second in range(0, 86_400, 30)]
        put_decoded(folder_lake, day, "a", {SPEED: (t, [float(shift)] * len(t))})
        compact_day(folder_lake, day)
    return folder_lake


def test_only_the_ends_of_a_range_are_read_from_samples(month, monkeypatch):
    asked = []
    piece = ParquetReader.piece
    monkeypatch.setattr(
        ParquetReader, "piece", lambda self, *args: asked.append(args[2]) or piece(self, *args)
    )
    reader, overview = ParquetReader(month), TierReader(month)
    start, end = DAY.start_ns + 100 * S_NS, DAY.shifted(3).end_ns - 100 * S_NS
    read_buckets(reader, overview, (V, [SPEED]), (start, end), 600 * S_NS)
    assert asked == [(start, DAY.start_ns + 600 * S_NS), (end - 500 * S_NS, end)]
    asked.clear()
    aligned = read_buckets(
        reader, overview, (V, [SPEED]), (DAY.start_ns, DAY.shifted(4).start_ns), 600 * S_NS
    )
    assert (asked, aligned.rows_scanned, len(aligned.rows[SPEED])) == ([], 0, 4 * 144)
    assert aligned.rows[SPEED].count.sum() == 4 * 2880


def test_what_is_not_there_is_refused_and_what_is_elsewhere_is_empty(month):
    reader, overview = ParquetReader(month), TierReader(month)
    span = (DAY.start_ns + 400 * DAY_NS, DAY.start_ns + 401 * DAY_NS)
    found = read_buckets(reader, overview, (V, [SPEED]), span, 60 * S_NS)
    assert (len(found.rows[SPEED]), found.units) == (0, {SPEED: "km/h"})
    with pytest.raises(NotFound, match=r"no signal Battery\.Level"):
        read_buckets(reader, overview, (V, [SPEED, LEVEL]), (DAY.start_ns, DAY.end_ns), 60 * S_NS)


@pytest.mark.parametrize("width", [60 * S_NS, 7 * S_NS + 1])
def test_buckets_of_more_samples_than_one_answer_may_have_are_made_in_pieces(folder_lake, width):
    for name in range(3):
        t = [DAY.start_ns + name * 1800 * S_NS + second * S_NS for second in range(1800)]
        put_decoded(folder_lake, DAY, f"{name}", {SPEED: (t, [float(second) for second in range(1800)])})
    whole = ParquetReader(folder_lake).buckets(V, [SPEED], DAY.start_ns, DAY.end_ns, width)
    for most in (1800, 1000):  # fewer than an object has, too
        reader = ParquetReader(folder_lake, max_rows=most)
        assert_same(
            reader.buckets(V, [SPEED], DAY.start_ns, DAY.end_ns, width).rows[SPEED], whole.rows[SPEED]
        )


def test_only_rows_near_a_range_count_as_too_large(folder_lake, monkeypatch):
    monkeypatch.setattr(series_file, "GROUP_ROWS", 100)
    t = [DAY.start_ns + second * S_NS for second in range(1000)]
    put_decoded(folder_lake, DAY, "a", {SPEED: (t, [1.0] * 1000)})
    compact_day(folder_lake, DAY)
    reader = ParquetReader(folder_lake, max_rows=200)
    answer = reader.read(V, [SPEED], t[150], t[250])
    assert (len(answer.series[0].t), answer.rows_scanned) == (100, 200)
    with pytest.raises(TooLarge, match="300 rows"):
        reader.read(V, [SPEED], t[150], t[350])


def test_samples_that_become_buckets_are_held_a_few_at_a_time(folder_lake, monkeypatch):
    day = Partition(V, dt.date(2026, 3, 9))
    times = [day.start_ns + second * S_NS for second in range(0, 80_000, 20)]
    put_decoded(folder_lake, day, "a", {SPEED: (times, [float(second % 71) for second in range(len(times))])})
    span = day.start_ns - 5, day.end_ns - 3
    whole = ParquetReader(folder_lake).buckets(V, [SPEED], *span, 600 * S_NS).rows[SPEED]
    held = []
    piece = ParquetReader.piece

    def noted(*args):
        answer = piece(*args)
        held.append(sum(len(series.t) for series in answer.series))
        return answer

    monkeypatch.setattr(ParquetReader, "piece", noted)
    monkeypatch.setattr(tiered, "PIECE_ROWS", 700)
    found = ParquetReader(folder_lake).buckets(V, [SPEED], *span, 600 * S_NS).rows[SPEED]
    assert max(held) <= 750  # of one object its share of the time
    assert sum(held) == len(times)
    for name in ("bucket", "count", "min", "max", "first", "last", "t_min", "longest"):
        assert getattr(found, name).tolist() == getattr(whole, name).tolist()
