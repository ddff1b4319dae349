"""What a vehicle sent, as lists: messages, signals, sessions, counted in frames."""

import datetime as dt

import pytest

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import Message, Session
from tests.decoded_lake import put_decoded

S = 1_000_000_000
MINUTE = 60 * S
V = "VIN1"
NEW_YEAR = Partition(V, dt.date(2026, 12, 31))
SPEED, LEVEL = ("Drive", "Speed"), ("Battery", "Level")


def test_catalog_counts_frames_and_not_values(folder_lake):
    at = NEW_YEAR.start_ns
    first = {
        ("Drive", "Speed"): ([at, at + S], [1.0, 3.0]),
        ("Drive", "Gear"): ([at, at + S], [1.0, float("inf")]),
    }
    put_decoded(folder_lake, NEW_YEAR, "a", first, undecoded=5)
    put_decoded(folder_lake, NEW_YEAR.shifted(1), "b", {("Drive", "Speed"): ([at + DAY_NS], [-2.0])})
    put_decoded(folder_lake, Partition("VIN2", NEW_YEAR.date), "a", {})
    reader = ParquetReader(folder_lake)
    one, two = reader.vehicles()
    assert (one.vehicle_id, one.first_ns, one.last_ns, one.frames) == (V, at, at + DAY_NS, 8)
    assert (two.vehicle_id, two.first_ns, two.last_ns, two.frames) == ("VIN2", None, None, 0)
    assert reader.messages(V) == [Message("Drive", 3)]
    gear, speed = reader.signals(V, "Drive")
    assert (gear.signal, gear.minimum, gear.maximum, gear.mean) == ("Gear", 1.0, 1.0, 1.0)
    assert (speed.unit, speed.minimum, speed.maximum, speed.mean) == ("km/h", -2.0, 3.0, pytest.approx(2 / 3))
    with pytest.raises(NotFound, match="no message Drve") as caught:
        reader.signals(V, "Drve")
    assert "Drive" in caught.value.remedy
    with pytest.raises(NotFound, match="no decoded data"):
        reader.messages("VIN3")


def test_sessions_end_at_pauses_and_not_at_midnight_and_come_newest_first(folder_lake):
    noon = NEW_YEAR.start_ns + 12 * 60 * MINUTE
    midnight = NEW_YEAR.end_ns
    put_decoded(
        folder_lake,
        NEW_YEAR,
        "a",
        {SPEED: ([noon, noon + MINUTE], [1, 1]), LEVEL: ([noon + 2 * MINUTE], [1])},
    )
    put_decoded(folder_lake, NEW_YEAR, "b", {SPEED: ([noon + 7 * MINUTE], [1])})
    put_decoded(folder_lake, NEW_YEAR, "c", {SPEED: ([noon + 12 * MINUTE + 1, midnight - 1], [1, 1])})
    put_decoded(folder_lake, NEW_YEAR.shifted(1), "c", {SPEED: ([midnight], [1])})
    assert ParquetReader(folder_lake).sessions(V) == [
        Session(midnight - 1, midnight, 2),
        Session(noon + 12 * MINUTE + 1, noon + 12 * MINUTE + 1, 1),
        Session(noon, noon + 7 * MINUTE, 4),
    ]
    assert ParquetReader(folder_lake).recorded(V, noon + 1, midnight + 1).tolist() == [
        [noon + 1, noon + 7 * MINUTE],
        [noon + 12 * MINUTE + 1, noon + 12 * MINUTE + 1],
        [midnight - 1, midnight],
    ]


def test_rows_of_a_wrong_clock_are_no_recording_time(folder_lake):
    at = NEW_YEAR.start_ns + S
    put_decoded(folder_lake, NEW_YEAR, "a", {SPEED: ([0, at, at + S], [1, 2, 3])})
    reader = ParquetReader(folder_lake)
    assert reader.sessions(V) == [Session(at, at + S, 2)]
    assert reader.vehicles()[0].first_ns == at
    assert reader.vehicles()[0].frames == 3
