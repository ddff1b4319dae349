"""A compacted day has every row of its decoded objects exactly once."""

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.state import series_state
from tests.decoded_lake import put_decoded
from tests.series.day_lake import AT, DAY, GEAR, LEVEL, SPEED, V, decoded_rows, read_all, series_rows

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


def test_keys_of_strangers_are_no_series_objects(folder_lake):
    put_decoded(folder_lake, DAY, "a", {SPEED: ([AT], [1.0])})
    folder_lake.put(f"{DAY.prefix(layout.SERIES)}notes.txt", b"not ours")
    key = compact_day(folder_lake, DAY).key
    assert SeriesObject.parse(key).key == key
    assert series_state(folder_lake, DAY).settled
