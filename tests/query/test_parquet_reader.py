"""Samples of signals out of Parquet objects: every one of a range, whatever the objects are like."""

import datetime as dt
import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.errors import BadKey, NotFound, TooLarge
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import Message, Session
from tests.decoded_lake import put_decoded

S = 1_000_000_000
V = "VIN1"
NEW_YEAR = Partition(V, dt.date(2026, 12, 31))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")


def series_of(answer):
    return [(series.t.tolist(), series.v.tolist()) for series in answer.series]


def test_reads_one_signal_over_midnight_and_new_year(folder_lake):
    midnight = NEW_YEAR.end_ns
    put_decoded(
        folder_lake,
        NEW_YEAR,
        "a",
        {SPEED: ([midnight - 2, midnight - 1], [1.0, 2.0]), LEVEL: ([midnight - 2], [9])},
    )
    put_decoded(folder_lake, NEW_YEAR.shifted(1), "a", {SPEED: ([midnight, midnight + 1], [3.0, 4.0])})
    answer = ParquetReader(folder_lake).read(V, [SPEED], midnight - 1, midnight + 1)
    assert series_of(answer) == [([midnight - 1, midnight], [2.0, 3.0])]
    assert answer.series[0].unit == "km/h"
    assert answer.series[0].t.dtype == np.int64
    assert answer.rows_scanned == 5
    assert answer.bytes_scanned > 0
    assert answer.skipped_objects == 0


def test_series_come_in_the_order_of_the_question_even_twice(folder_lake):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0]), LEVEL: ([at + 1], [2.0])})
    answer = ParquetReader(folder_lake).read(V, [SPEED, LEVEL, SPEED], at, at + 10)
    assert series_of(answer) == [([at], [1.0]), ([at + 1], [2.0]), ([at], [1.0])]


def test_equally_named_signals_of_two_messages_stay_apart(folder_lake):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {("M1", "X"): ([at], [1.0]), ("M2", "X"): ([at], [2.0])})
    assert series_of(ParquetReader(folder_lake).read(V, [("M2", "X")], at, at + 1)) == [([at], [2.0])]


def test_a_signal_without_samples_in_the_range_is_empty_and_keeps_its_unit(folder_lake):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0])})
    (series,) = ParquetReader(folder_lake).read(V, [SPEED], at + 400 * DAY_NS, at + 401 * DAY_NS).series
    assert (len(series.t), series.unit) == (0, "km/h")


@pytest.mark.parametrize(
    ("vehicle", "signal", "hint"),
    [("VIN9", SPEED, "VIN1"), (V, ("Drive", "Sped"), "Drive.Speed"), (V, ("Nothing", "alike"), "messages")],
)
def test_what_is_not_there_is_said_with_a_remedy(folder_lake, vehicle, signal, hint):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0])})
    with pytest.raises(NotFound) as caught:
        ParquetReader(folder_lake).read(vehicle, [signal], at, at + 1)
    assert hint in caught.value.remedy


def test_a_vehicle_id_that_is_none_is_refused(folder_lake):
    for call in (
        lambda reader: reader.read("../x", [SPEED], 0, 1),
        lambda reader: reader.sessions("a/b"),
        lambda reader: reader.recorded("", 0, 1),
    ):
        with pytest.raises(BadKey):
            call(ParquetReader(folder_lake))


def test_too_many_rows_are_refused_before_they_are_read(folder_lake):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: (list(range(at, at + 100)), [1.0] * 100)})
    reader = ParquetReader(folder_lake, max_rows=99)
    with pytest.raises(TooLarge, match="100 rows"):
        reader.read(V, [SPEED], at, at + 100)
    assert len(ParquetReader(folder_lake, max_rows=100).read(V, [SPEED], at, at + 100).series[0].t) == 100


def test_broken_and_foreign_objects_are_skipped_counted_and_logged_once(folder_lake, caplog):
    at = NEW_YEAR.start_ns
    whole = put_decoded(folder_lake, NEW_YEAR, "good", {SPEED: ([at], [1.0])})
    folder_lake.put(DecodedObject(NEW_YEAR, "torn").key, folder_lake.get(whole)[:-7])
    folder_lake.put(DecodedObject(NEW_YEAR, "empty").key, b"")
    folder_lake.put(f"{NEW_YEAR.prefix('decoded')}notes.txt", b"not ours")
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"other": [1]}), sink)
    folder_lake.put(DecodedObject(NEW_YEAR, "other").key, sink.getvalue().to_pybytes())
    reader = ParquetReader(folder_lake)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            answer = reader.read(V, [SPEED], at, at + 1)
            assert series_of(answer) == [([at], [1.0])]
            assert answer.skipped_objects == 3
            assert [vehicle.frames for vehicle in reader.vehicles()] == [1]
    assert len([record for record in caplog.records if "skipped" in record.message]) == 3


def test_an_object_whose_pages_are_broken_is_skipped(folder_lake):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "good", {SPEED: ([at], [1.0])})
    key = put_decoded(
        folder_lake, NEW_YEAR, "torn", {SPEED: (list(range(at, at + 5000)), list(np.random.rand(5000)))}
    )
    body = bytearray(folder_lake.get(key))
    body[4 : len(body) // 2] = b"\xff" * (len(body) // 2 - 4)
    folder_lake.put(key, bytes(body))
    answer = ParquetReader(folder_lake).read(V, [SPEED], at, at + 1)
    assert (answer.skipped_objects, len(answer.series[0].t)) == (1, 1)


def test_an_object_written_again_is_read_again(folder_lake):
    at = NEW_YEAR.start_ns
    reader = ParquetReader(folder_lake)
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0])})
    assert series_of(reader.read(V, [SPEED], at, at + 9)) == [([at], [1.0])]
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at, at + 1], [5.0, 6.0])})
    assert series_of(reader.read(V, [SPEED], at, at + 9)) == [([at, at + 1], [5.0, 6.0])]
    assert reader.messages(V) == [Message("Drive", 2)]


def test_rows_in_no_order_and_without_report_are_found(folder_lake):
    at = NEW_YEAR.start_ns
    table = pa.table(
        {
            "timestamp": pa.array([at + 3000, at, None, at + 1000], pa.int64())
            .cast(pa.timestamp("ns"))
            .cast("timestamp[us]"),
            "vehicle_id": [V] * 4,
            "message_name": ["Drive", "Drive", "Drive", "Battery"],
            "signal_name": ["Speed", "Speed", "Speed", "Level"],
            "value": [3.0, float("nan"), 7.0, 50.0],
            "unit": ["km/h", "km/h", "km/h", None],
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    folder_lake.put(DecodedObject(NEW_YEAR, "20261231T000000Z").key, sink.getvalue().to_pybytes())
    reader = ParquetReader(folder_lake)
    (speed,) = reader.read(V, [SPEED], at, at + 3001).series
    assert speed.t.tolist() == [at, at + 3000]
    assert np.isnan(speed.v[0])
    assert speed.v[1] == 3.0
    (signal,) = reader.signals(V, "Drive")
    assert (signal.minimum, signal.maximum, signal.mean, signal.unit) == (3.0, 3.0, 3.0, "km/h")
    assert reader.messages(V) == [Message("Battery", 1), Message("Drive", 2)]
    assert reader.vehicles()[0].frames == 3


def test_a_report_that_does_not_fit_the_rows_is_not_believed(folder_lake, monkeypatch):
    at = NEW_YEAR.start_ns
    lied = {"rows": 9, "messages": {"Drive": 9}, "signals": []}
    monkeypatch.setattr("tests.decoded_lake.report_of", lambda *_: lied)
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0])})
    reader = ParquetReader(folder_lake)
    assert series_of(reader.read(V, [SPEED], at, at + 1)) == [([at], [1.0])]
    assert reader.messages(V) == [Message("Drive", 1)]


objects = st.lists(
    st.tuples(
        st.integers(-2, 2),
        st.booleans(),
        st.dictionaries(
            st.sampled_from([SPEED, LEVEL, ("Drive", "Gear")]),
            st.lists(st.tuples(st.integers(0, 40), st.floats(width=32)), min_size=1, max_size=12),
            max_size=3,
        ),
    ),
    max_size=6,
)


@settings(max_examples=60)
@given(objects, st.integers(-3 * 24, 3 * 24), st.integers(1, 6 * 24), st.integers(0, DAY_NS // 24))
def test_any_range_over_any_objects_equals_a_plain_search(tmp_path_factory, drawn, hour, hours, shift):
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    truth = []
    for number, (day, reported, signals) in enumerate(drawn):
        partition = NEW_YEAR.shifted(day)
        samples = {
            name: (
                sorted(partition.start_ns + slot * (DAY_NS // 41) for slot, _ in values),
                [float(value) for _, value in values],
            )
            for name, values in signals.items()
        }
        put_decoded(store, partition, f"{number:03d}", samples, reported=reported)
        truth += [
            (name, t, v)
            for name, (times, values) in samples.items()
            for t, v in zip(times, values, strict=True)
        ]
    names = sorted({name for name, _, _ in truth})
    if not names:
        return
    start = NEW_YEAR.start_ns + hour * (DAY_NS // 24) + shift
    end = start + hours * (DAY_NS // 24)
    answer = ParquetReader(store).read(V, names, start, end)
    assert answer.skipped_objects == 0
    for name, series in zip(names, answer.series, strict=True):
        wanted = [(t, v) for found, t, v in truth if found == name and start <= t < end]
        assert series.t.tolist() == sorted(t for t, _ in wanted)
        # of equal times any order will do
        key = [(t, np.float64(v).tobytes()) for t, v in wanted]
        assert sorted(zip(series.t.tolist(), (v.tobytes() for v in series.v), strict=True)) == sorted(key)


def test_a_folder_and_a_bucket_give_the_same_answers(any_lake):
    at = NEW_YEAR.end_ns - S
    put_decoded(any_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0]), LEVEL: ([at], [3.0])})
    put_decoded(any_lake, NEW_YEAR.shifted(1), "a", {SPEED: ([at + S], [2.0])})
    any_lake.put(DecodedObject(NEW_YEAR, "torn").key, b"PAR1")
    reader = ParquetReader(any_lake)
    answer = reader.read(V, [SPEED], at, at + 30 * DAY_NS)
    assert series_of(answer) == [([at, at + S], [1.0, 2.0])]
    assert answer.skipped_objects == 1
    assert [(vehicle.vehicle_id, vehicle.frames) for vehicle in reader.vehicles()] == [(V, 3)]
    assert [signal.signal for signal in reader.signals(V, "Battery")] == ["Level"]
    assert reader.sessions(V) == [Session(at, at + S, 3)]


def test_an_object_is_indexed_once(folder_lake, monkeypatch):
    at = NEW_YEAR.start_ns
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([at], [1.0])})
    reader = ParquetReader(folder_lake)
    reader.vehicles()

    def again(*_):
        raise AssertionError("indexed again")

    monkeypatch.setattr("telemetry_pipeline.query.object_reader.index_object", again)
    assert series_of(reader.read(V, [SPEED], at, at + 1)) == [([at], [1.0])]
    assert len(reader.sessions(V)) == 1


def test_a_range_of_four_months_over_new_year_has_all_of_them(folder_lake):
    days = [NEW_YEAR.shifted(31 * months) for months in (-2, -1, 0, 1, 2)]
    for day in days:
        put_decoded(folder_lake, day, "a", {SPEED: ([day.start_ns], [1.0])})
    answer = ParquetReader(folder_lake).read(V, [SPEED], days[0].start_ns, days[-1].end_ns)
    assert series_of(answer) == [([day.start_ns for day in days], [1.0] * 5)]


def test_of_many_rows_only_those_of_the_signal_are_read(folder_lake):
    at, rows = NEW_YEAR.start_ns, 150_000
    times = list(range(at, at + rows))
    values = np.random.default_rng(1).random(rows).tolist()
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: (times, values), LEVEL: (times, values)})
    reader = ParquetReader(folder_lake)
    one = reader.read(V, [SPEED], at, at + DAY_NS)
    both = ParquetReader(folder_lake).read(V, [SPEED, LEVEL], at, at + DAY_NS)
    assert one.series[0].v.tolist() == values
    assert one.rows_scanned == rows
    assert one.bytes_scanned < 0.6 * both.bytes_scanned
