"""Any zoom of a compacted lake: what is too much to read comes from the overview, and says so; nothing is refused."""

import datetime as dt

import numpy as np
import pytest

from api.query import Memory, Question, ask
from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import plan
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded

S = 1_000_000_000
V = "VIN1"
FIRST = Partition(V, dt.date(2026, 12, 30))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")
START, END = FIRST.start_ns, FIRST.shifted(4).start_ns
SAMPLES = 4 * 86_400


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Four days at 1 Hz, compacted."""
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    rng = np.random.default_rng(5)
    for shift in range(4):
        day = FIRST.shifted(shift)
        t = (day.start_ns + np.arange(86_400) * S + rng.integers(0, 1000, 86_400)).tolist()
        put_decoded(
            store,
            day,
            "a",
            {SPEED: (t, np.cumsum(rng.normal(size=86_400)).tolist()), LEVEL: (t[:20], [50.0] * 20)},
        )
        compact_day(store, day)
    return store


@pytest.fixture
def few_are_many(monkeypatch):
    monkeypatch.setattr(plan, "EAGER_ROWS", 1000)
    monkeypatch.setattr(plan, "RAW_ROWS", 20_000)


def question(points, start=START, end=END, signals=(SPEED,), method="lttb", include=("stats", "gaps")):
    return Question(V, signals, start, end, points, method, include)


@pytest.mark.parametrize(
    ("points", "origin"), [(1000, "tier:600s"), (5000, "tier:60s"), (50_000, "tier:10s")]
)
@pytest.mark.parametrize("method", ["lttb", "minmaxlttb", "m4"])
def test_points_come_from_the_coarsest_tier_that_has_enough(lake, few_are_many, points, origin, method):
    (drawn,) = ask(ParquetReader(lake), question(points, method=method)).series
    assert (drawn.source.origin, drawn.source.points, drawn.method) == (origin, SAMPLES, method)
    assert len(drawn.t) == points if method != "m4" else 0.5 * points < len(drawn.t) <= points
    assert drawn.stats.count == SAMPLES
    assert drawn.t[0] >= START
    assert drawn.t[-1] < END


def test_a_reader_that_may_hold_few_rows_answers_all_the_same(lake, few_are_many):
    reader = ParquetReader(lake, max_rows=2 * 86_400)  # two days
    odd = question(1000, START + 17 * S, END - 333 * S)
    (drawn,) = ask(reader, odd).series
    assert (drawn.source.points, len(drawn.t)) == (SAMPLES - 350, 1000)
    with pytest.raises(TooLarge, match="rows"):
        reader.read(V, [SPEED], odd.start_ns, odd.end_ns)


def test_where_tiers_have_too_few_points_samples_are_added_where_it_moves_most(lake, few_are_many):
    start = START + 7200 * S
    end = start + 8 * 3600 * S  # 28,800 samples, 2,880 buckets of 10 s
    (drawn,) = ask(ParquetReader(lake), question(12_000, start, end)).series
    assert (drawn.source.origin, len(drawn.t), drawn.source.points) == ("tier:10s", 12_000, 28_800)
    assert len(np.unique(drawn.t)) == 12_000
    per_bucket = np.bincount((drawn.t - start) // (10 * S))
    assert per_bucket.min() >= 2
    assert per_bucket.max() > 4


def test_fewer_samples_than_points_are_all_there_whatever_was_estimated(lake, few_are_many):
    (drawn,) = ask(ParquetReader(lake), question(2000, START + 50 * S, START + 1950 * S)).series
    assert (drawn.source.origin, drawn.method, len(drawn.t)) == ("raw", "raw", 1900)
    (level,) = ask(ParquetReader(lake), question(10, signals=(LEVEL,))).series
    assert (level.source.points, len(level.t)) == (80, 10)


def test_raw_is_refused_by_its_sure_number_before_it_is_read(lake):
    reader = ParquetReader(lake)
    with pytest.raises(TooLarge, match=f"{SAMPLES:,} points, the limit is {SAMPLES - 1:,}"):
        ask(reader, question(10, method="raw"), max_answer_points=SAMPLES - 1)
    (drawn,) = ask(reader, question(10, method="raw"), max_answer_points=SAMPLES).series
    assert len(drawn.t) == SAMPLES
    # metadata speaks of whole days, but a limit is of samples
    (part,) = ask(reader, question(10, START + S, START + 60 * S, method="raw"), max_answer_points=59).series
    assert len(part.t) == 59


def test_a_second_look_reads_no_sample(lake, few_are_many):
    reader, memory = ParquetReader(lake), Memory()
    asked = question(1000, START, END)
    first = ask(reader, asked, memory=memory)
    again = ask(reader, asked, memory=memory)
    assert [drawn.t.tolist() for drawn in first.series] == [drawn.t.tolist() for drawn in again.series]
    assert again.rows_scanned <= first.rows_scanned


def test_many_signals_come_in_the_order_of_the_question_even_twice(lake, few_are_many):
    answer = ask(ParquetReader(lake), question(500, signals=(LEVEL, SPEED, LEVEL)))
    assert [(item.source.signal, item.source.origin) for item in answer.series] == [
        ("Level", "raw"),
        ("Speed", "tier:600s"),
        ("Level", "raw"),
    ]
