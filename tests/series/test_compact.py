"""A compacted day has every row of its decoded objects exactly once, whatever happens while it is made."""

import datetime as dt
import threading

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import NotFound, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series import compact, merge
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.pending import days_to_compact
from telemetry_pipeline.series.state import series_state
from telemetry_pipeline.series.tiers import TIERS_S
from tests.decoded_lake import put_decoded

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


drawn_objects = st.lists(
    st.tuples(
        st.booleans(),
        st.dictionaries(
            st.sampled_from([SPEED, LEVEL, GEAR]),
            st.lists(st.tuples(st.integers(-3, 40), st.floats(width=32)), min_size=1, max_size=30),
            max_size=3,
        ),
    ),
    min_size=1,
    max_size=6,
)


def put_drawn(store: Store, drawn, first=0) -> None:
    for number, (reported, signals) in enumerate(drawn, first):
        samples = {
            # a slot below zero is a wrong clock: days before
            name: (
                sorted(AT + (slot if slot >= 0 else slot * 100) * (DAY_NS // 41) for slot, _ in values),
                [value for _, value in values],
            )
            for name, values in signals.items()
        }
        put_decoded(store, DAY, f"{number:03d}", samples, reported=reported)


@settings(max_examples=40)
@given(drawn_objects, drawn_objects, st.sampled_from([7, 40, 10_000]))
def test_a_series_object_has_every_row_in_order(tmp_path_factory, drawn, late, held_rows):
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    put_drawn(store, drawn)
    before = compact_day(store, DAY, held_rows=held_rows)
    assert series_rows(store).equals(decoded_rows(store), null_equal=True)
    assert (before.written, before.objects, before.rows) == (True, len(drawn), len(decoded_rows(store)))
    assert not compact_day(store, DAY).written
    # late objects: seen at once, and in the next series object
    put_drawn(store, late, first=len(drawn))
    rows = decoded_rows(store)
    names = sorted({(m, s) for m, s in rows.select("message_name", "signal_name").iter_rows()})
    for _ in range(2):
        if names:
            found, skipped = read_all(store, names, AT - 400 * DAY_NS, AT + DAY_NS)
            assert skipped == 0
            for (message, signal), (_, t, v) in zip(names, found, strict=True):
                own = rows.filter(message_name=message, signal_name=signal)
                assert t == own["timestamp"].cast(pl.Int64).to_list()
                assert sorted(np.frombuffer(v).view(np.int64)) == sorted(
                    own["value"].to_numpy().view(np.int64)
                )
        compact_day(store, DAY)
    assert series_rows(store).equals(rows)
    assert series_state(store, DAY).settled


def test_equal_times_keep_the_order_of_objects_and_of_rows(folder_lake):
    put_decoded(folder_lake, DAY, "b", {SPEED: ([AT, AT, AT + 5], [3.0, 4.0, 5.0])})
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT, AT + 5], [1.0, 2.0])})
    compact_day(folder_lake, DAY)
    assert series_rows(folder_lake)["value"].to_list() == [1.0, 3.0, 4.0, 2.0, 5.0]


def test_rows_of_other_writers_in_any_order_are_taken(any_lake):
    """No report, no channel, other units of time, nulls, names scattered over the object."""
    table = pa.table(
        {
            "timestamp": pa.array([AT + 3000, AT, None, AT + 1000, AT + 2000], pa.int64())
            .cast(pa.timestamp("ns"))
            .cast("timestamp[us]"),
            "vehicle_id": [V] * 5,
            "message_name": ["Drive", "Drive", "Drive", "Battery", "Drive"],
            "signal_name": ["Speed", "Speed", "Speed", "Level", "Speed"],
            "value": [3.0, float("nan"), 7.0, 50.0, None],
            "unit": ["km/h", "mph", "km/h", None, "km/h"],
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    any_lake.put(DecodedObject(DAY, "seed").key, sink.getvalue().to_pybytes())
    put_decoded(any_lake, DAY, "ours", {SPEED: ([AT + 1500], [1.0])})
    before = read_all(any_lake, (SPEED, LEVEL))
    done = compact_day(any_lake, DAY)
    assert (done.rows, dict(done.refused)) == (5, {})
    assert read_all(any_lake, (SPEED, LEVEL)) == before
    speed = series_rows(any_lake).filter(signal_name="Speed")
    assert speed["unit"].to_list() == ["mph", "km/h", "km/h", "km/h"]
    assert speed["channel"].to_list() == ["", "can0", "", ""]
    assert series_rows(any_lake).filter(signal_name="Level")["unit"].to_list() == [""]


def test_units_and_channels_stay_with_their_rows(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT, AT + 2], [1.0, 2.0])})
    monkeypatch.setitem(__import__("tests.decoded_lake").decoded_lake.UNITS, "Speed", "mph")
    put_decoded(folder_lake, DAY, "b", {SPEED: ([AT + 1, AT + 3], [3.0, 4.0])})
    compact_day(folder_lake, DAY)
    assert series_rows(folder_lake)["unit"].to_list() == ["km/h", "mph", "km/h", "mph"]
    assert ParquetReader(folder_lake).signals(V, "Drive")[0].unit == "mph"


def test_catalog_answers_stay_the_same(folder_lake):
    for number in range(3):
        begin = AT + number * 10**12
        times = [begin + step * 10**9 for step in range(50)]
        put_decoded(
            folder_lake,
            DAY,
            f"{number}",
            {SPEED: (times, [float(number)] * 50), LEVEL: (times, [1.0] * 50)},
            undecoded=7,
        )
    reader = ParquetReader(folder_lake)

    def answers():
        return (
            reader.vehicles(),
            reader.sessions(V),
            reader.messages(V),
            reader.signals(V, "Drive"),
            reader.recorded(V, AT, AT + DAY_NS).tolist(),
            read_all(folder_lake, (SPEED, LEVEL)),
        )

    before = answers()
    assert len(before[1]) == 3
    compact_day(folder_lake, DAY)
    assert answers() == before


def test_a_broken_object_is_left_out_and_the_day_settles(any_lake):
    put_decoded(any_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    torn = DecodedObject(DAY, "torn").key
    any_lake.put(torn, b"PAR1")
    pages = put_decoded(
        any_lake, DAY, "pages", {SPEED: (list(range(AT, AT + 5000)), np.random.rand(5000).tolist())}
    )
    body = bytearray(any_lake.get(pages))
    body[4 : len(body) // 2] = b"\xff" * (len(body) // 2 - 4)
    any_lake.put(pages, bytes(body))
    done = compact_day(any_lake, DAY)
    assert (done.rows, set(done.refused)) == (1, {torn, pages})
    assert series_state(any_lake, DAY).settled
    assert set(compact_day(any_lake, DAY).refused) == {torn, pages}
    found, skipped = read_all(any_lake, [SPEED])
    assert (found[0][1], skipped) == ([AT], 2)
    put_decoded(any_lake, DAY, "torn", {SPEED: ([AT + 1], [2.0])})
    assert not series_state(any_lake, DAY).settled
    assert compact_day(any_lake, DAY).rows == 2


def test_an_object_whose_footer_lies_is_left_out(folder_lake, monkeypatch):
    honest = __import__("tests.decoded_lake").decoded_lake.report_of

    def lying(signals, undecoded=0):
        report = honest(signals, undecoded)
        report["signals"].reverse()
        return report

    monkeypatch.setattr("tests.decoded_lake.report_of", lying)
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT, AT + 1], [1.0, 2.0]), LEVEL: ([AT + 7], [3.0])})
    done = compact_day(folder_lake, DAY)
    assert (done.rows, len(done.refused)) == (0, 1)


def test_an_object_decoded_again_makes_the_series_object_stale(any_lake):
    put_decoded(any_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    put_decoded(any_lake, DAY, "b", {SPEED: ([AT + 1], [2.0])})
    first = compact_day(any_lake, DAY)
    key = put_decoded(any_lake, DAY, "a", {SPEED: ([AT, AT + 3], [7.0, 8.0])})
    state = series_state(any_lake, DAY)
    assert (state.series, state.stale, state.leftovers) == (None, (key,), (first.key,))
    assert len(state.uncovered) == 2
    assert read_all(any_lake, [SPEED])[0][0][1] == [AT, AT + 1, AT + 3]
    again = compact_day(any_lake, DAY)
    assert (again.written, list(again.removed), again.rows) == (True, [first.key], 3)
    assert read_all(any_lake, [SPEED])[0][0][1] == [AT, AT + 1, AT + 3]
    assert [info.key for info in any_lake.list_objects(DAY.prefix(layout.SERIES))] == [again.key]


def test_a_crash_between_write_and_swap_leaves_what_the_next_run_clears(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    first = compact_day(folder_lake, DAY)
    put_decoded(folder_lake, DAY, "b", {SPEED: ([AT + 1], [2.0])})

    honest = Store.delete

    def crash(store, key):
        if key.startswith("series/"):
            raise KeyboardInterrupt
        honest(store, key)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "delete", crash)
        with pytest.raises(KeyboardInterrupt):
            compact_day(folder_lake, DAY)
    state = series_state(folder_lake, DAY)
    assert (state.leftovers, state.settled) == ((first.key,), False)
    assert read_all(folder_lake, [SPEED])[0][0][1] == [AT, AT + 1]
    done = compact_day(folder_lake, DAY)
    assert (done.written, list(done.removed)) == (False, [first.key])
    assert series_state(folder_lake, DAY).settled


def test_a_day_is_settled_only_once_it_is_in_the_overview(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    with monkeypatch.context() as patched:
        patched.setattr(compact, "update_overview", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            compact_day(folder_lake, DAY)
    assert not series_state(folder_lake, DAY).settled
    assert compact_day(folder_lake, DAY).written
    assert series_state(folder_lake, DAY).settled
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == []
    for info in list(folder_lake.list_objects("overview/tier=60/")):
        folder_lake.delete(info.key)
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == [DAY]
    assert not compact_day(folder_lake, DAY).written
    assert list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62)) == []


def test_a_broken_series_object_is_answered_for_and_replaced(folder_lake):
    put_decoded(folder_lake, DAY, "a", {SPEED: (list(range(AT, AT + 5000)), np.random.rand(5000).tolist())})
    key = compact_day(folder_lake, DAY).key
    whole = folder_lake.get(key)
    for broken in (b"", whole[:-9], whole[:4] + b"\xff" * 4000 + whole[4004:]):
        folder_lake.put(key, broken)
        found, skipped = read_all(folder_lake, [SPEED])
        assert (len(found[0][1]), skipped) == (5000, 0)
    folder_lake.put(key, whole[:-9])
    assert not series_state(folder_lake, DAY).settled
    done = compact_day(folder_lake, DAY)
    assert (done.written, done.key) == (True, key)
    assert folder_lake.get(key) == whole


def test_a_day_that_changes_while_it_is_read_is_read_again(folder_lake, monkeypatch):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    honest, times = merge.read_source, []

    def meanwhile(*args):
        times.append(args)
        if len(times) == 1:
            put_decoded(folder_lake, DAY, "b", {SPEED: ([AT + 1], [2.0])})
        return honest(*args)

    monkeypatch.setattr(merge, "read_source", meanwhile)
    assert compact_day(folder_lake, DAY).rows == 2

    def always(*args):
        put_decoded(folder_lake, DAY, f"c{len(times)}", {SPEED: ([AT + 1], [2.0])})
        times.append(args)
        return honest(*args)

    monkeypatch.setattr(merge, "read_source", always)
    put_decoded(folder_lake, DAY, "c", {SPEED: ([AT + 1], [2.0])})
    with pytest.raises(TransientError, match="change all the time"):
        compact_day(folder_lake, DAY)


def test_a_day_without_decoded_objects_keeps_what_it_has(folder_lake):
    with pytest.raises(NotFound, match="no decoded objects of VIN1"):
        compact_day(folder_lake, DAY)
    key = put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    compact_day(folder_lake, DAY)
    folder_lake.delete(key)
    with pytest.raises(NotFound):
        compact_day(folder_lake, DAY)
    assert len(list(folder_lake.list_objects(DAY.prefix(layout.SERIES)))) == 1


def test_a_day_without_rows_is_compacted_to_none(folder_lake):
    put_decoded(folder_lake, DAY, "a", {}, undecoded=9)
    assert compact_day(folder_lake, DAY).rows == 0
    assert series_state(folder_lake, DAY).settled
    assert ParquetReader(folder_lake).vehicles()[0].frames == 9


def test_only_days_that_are_over_quiet_and_not_settled_wait(folder_lake):
    for shift in range(3):
        put_decoded(folder_lake, DAY.shifted(shift), "a", {SPEED: ([AT + shift * DAY_NS], [1.0])})
    put_decoded(folder_lake, Partition("VIN2", DAY.date), "a", {SPEED: ([AT], [1.0])})
    written = max(info.modified_ns for info in folder_lake.list_objects("decoded/"))

    def waiting(quiet=0, now=written, **more):
        return list(days_to_compact(folder_lake, quiet_for_ns=quiet, now_ns=now, **more))

    ends = DAY.shifted(1).end_ns
    assert waiting(now=max(ends, written)) == [
        *(DAY.shifted(shift) for shift in range(3) if DAY.shifted(shift).end_ns <= max(ends, written)),
        Partition("VIN2", DAY.date),
    ]
    later = max(ends, written) + 10**18
    assert len(waiting(now=later)) == 4
    assert waiting(now=later, vehicles=["VIN2"]) == [Partition("VIN2", DAY.date)]
    assert waiting(now=later, first=DAY.shifted(1).date) == [DAY.shifted(1), DAY.shifted(2)]
    assert waiting(quiet=2 * 10**18, now=later) == []
    compact_day(folder_lake, DAY)
    assert DAY not in waiting(now=later)


def test_looking_at_the_last_days_costs_the_same_however_old_the_lake_is(folder_lake, monkeypatch):
    march = Partition(V, dt.date(2026, 3, 1))
    days = [Partition(V, dt.date(year, month, 9)) for year in (2023, 2024, 2025) for month in range(1, 13)]
    days += [march.shifted(-27), *(march.shifted(shift) for shift in range(5))]
    for day in days:
        put_decoded(folder_lake, day, "a", {SPEED: ([day.start_ns], [1.0])})
    asked = []
    for verb in ("list_dirs", "list_objects"):
        honest = getattr(Store, verb)
        monkeypatch.setattr(
            Store, verb, lambda store, prefix, honest=honest: [asked.append(prefix), honest(store, prefix)][1]
        )

    def waiting(first):
        asked.clear()
        return list(days_to_compact(folder_lake, quiet_for_ns=0, now_ns=2**62, first=first))

    assert waiting(march.date) == [march.shifted(shift) for shift in range(5)]
    # vehicles, years, months of a year, then the decoded and the series objects of a month
    assert len(asked) == 5
    for day in days:
        compact_day(folder_lake, day)
    assert waiting(march.date) == []
    assert len(asked) == 5 + len(TIERS_S)
    assert waiting(march.shifted(-1).date) == []
    assert len(asked) == 5 + len(TIERS_S) + 2  # of February, no day is late enough to be looked at
    assert waiting(dt.date.min) == []
    assert len(asked) == 2 + 4 + 38 * (2 + len(TIERS_S))


def test_a_reader_never_sees_a_row_twice_or_not_at_all(any_lake):
    """Readers ask all the time while a day is compacted again and again."""
    expected, wrong, asked, stop = [0], [], [0], threading.Event()
    put_decoded(any_lake, DAY, "000", {SPEED: ([AT], [0.0])})
    reader = ParquetReader(any_lake, max_age_s=0)

    def ask() -> None:
        while not stop.is_set():
            least = expected[0]
            answer = reader.read(V, [SPEED], AT, AT + DAY_NS)
            t = answer.series[0].t.tolist()
            asked[0] += 1
            if t != [AT + step for step in range(len(t))] or len(t) <= least or answer.skipped_objects:
                wrong.append((least, t, answer.skipped_objects))

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(1, 12):
        put_decoded(any_lake, DAY, f"{number:03d}", {SPEED: ([AT + number], [float(number)])})
        expected[0] = number
        compact_day(any_lake, DAY)
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert asked[0] > 10


def test_two_who_compact_at_once_leave_one_series_object(any_lake):
    for number in range(6):
        put_decoded(any_lake, DAY, f"{number}", {SPEED: ([AT + number], [float(number)])})
    threads = [threading.Thread(target=compact_day, args=(any_lake, DAY)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(list(any_lake.list_objects(DAY.prefix(layout.SERIES)))) == 1
    assert compact_day(any_lake, DAY).rows == 6
    assert series_state(any_lake, DAY).settled


def test_keys_of_strangers_are_no_series_objects(folder_lake):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    folder_lake.put(f"{DAY.prefix(layout.SERIES)}notes.txt", b"not ours")
    key = compact_day(folder_lake, DAY).key
    assert SeriesObject.parse(key).key == key
    assert series_state(folder_lake, DAY).settled
