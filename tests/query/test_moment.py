"""All parts of one answer look at the same days, and look them up once."""

import datetime as dt

import pytest

from api.query import Question, ask
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import moment
from telemetry_pipeline.query.objects import DayObjects
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded

V = "VIN1"
DAY = Partition(V, dt.date(2026, 2, 27))
SPEED = ("Drive", "Speed")
DAYS = 4


@pytest.fixture
def store(tmp_path) -> Store:
    store = Store.open(tmp_path.as_uri())
    for shift in range(DAYS):
        put(store, shift, "a", first_s=0)
        compact_day(store, DAY.shifted(shift))
    return store


def put(store: Store, shift: int, stem: str, *, first_s: int) -> None:
    day = DAY.shifted(shift)
    times = [day.start_ns + (first_s + second) * 10**9 for second in range(0, 7200, 2)]
    put_decoded(store, day, stem, {SPEED: (times, [float(second % 77) for second in range(len(times))])})


@pytest.fixture
def lookups(monkeypatch) -> list[tuple[dt.date, dt.date]]:
    """The ranges of days that were looked up in the lake."""
    found = []
    look = DayObjects._looked_at

    def noted(self, vehicle_id, first, last):
        found.append((first, last))
        return look(self, vehicle_id, first, last)

    monkeypatch.setattr(DayObjects, "_looked_at", noted)
    return found


@pytest.mark.parametrize(("shift_ns", "max_points"), [(0, 1000), (1_234_567_891, 100), (0, 10)])
def test_a_question_looks_its_days_up_once(store, lookups, shift_ns, max_points):
    start = DAY.start_ns + shift_ns
    question = Question(V, [SPEED], start, start + DAYS * DAY_NS, max_points, include=("gaps", "stats"))
    result = ask(ParquetReader(store), question)
    assert result.series[0].source.origin.startswith("tier") or max_points == 1000
    assert len(lookups) == 1


def test_without_a_moment_every_look_is_new(store, lookups):
    reader = ParquetReader(store)
    for _ in range(2):
        reader.count(V, [SPEED], DAY.start_ns, DAY.start_ns + DAY_NS)
    assert len(lookups) == 2


def test_a_moment_within_another_is_the_same(store, lookups):
    reader = ParquetReader(store)
    with moment.one_moment():
        reader.recorded(V, DAY.start_ns, DAY.start_ns + DAYS * DAY_NS)
        with moment.one_moment():
            inner = reader.recorded(V, DAY.start_ns + DAY_NS, DAY.start_ns + 2 * DAY_NS)
        assert len(lookups) == 1
        reader.recorded(V, DAY.start_ns - DAY_NS, DAY.start_ns + DAY_NS)  # it has not seen the day before
        assert len(lookups) == 2
    assert inner.tolist() == [[DAY.shifted(1).start_ns, DAY.shifted(1).start_ns + 7198 * 10**9]]


def test_the_next_question_sees_what_came_meanwhile(store):
    reader = ParquetReader(store)
    question = Question(V, [SPEED], DAY.start_ns, DAY.start_ns + DAY_NS, 10)
    assert ask(reader, question).series[0].source.points == 3600
    put(store, 0, "b", first_s=40_000)
    assert ask(reader, question).series[0].source.points == 7200


def test_what_was_replaced_within_a_moment_is_looked_up_again(store, lookups):
    reader = ParquetReader(store)
    span = DAY.start_ns, DAY.start_ns + DAY_NS
    with moment.one_moment():
        reader.count(V, [SPEED], *span)
        put(store, 0, "b", first_s=40_000)
        compact_day(store, DAY)  # its old series object is gone now
        assert len(reader.read(V, [SPEED], *span).series[0].t) == 7200
    assert len(lookups) >= 2


def test_a_day_without_objects_still_has_the_strays_of_others(store):
    """A row of the day before all others, left among their objects by a wrong clock."""
    lone = DAY.start_ns - 5 * DAY_NS
    times = [DAY.start_ns + 50_000 * 10**9, lone]
    put_decoded(store, DAY, "c", {SPEED: (times, [5.0, 6.0])})
    reader = ParquetReader(store)
    for width_s in (10, 600, 7):
        found = reader.buckets(V, [SPEED], lone - DAY_NS, DAY.start_ns + DAY_NS, width_s * 10**9)
        rows = found.rows[SPEED]
        assert rows.t_first[0] == lone
        assert rows.first[0] == 6.0
        assert int(rows.count.sum()) == 3602
