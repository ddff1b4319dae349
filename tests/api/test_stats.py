"""Statistics over ranges, through HTTP: exact, half-open, several at once, whatever of a day is compacted."""

import datetime as dt

import numpy as np
import pytest

from api.app import create_app
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from tests.decoded_lake import put_decoded
from tests.query import plain_answers as plain

S = 1_000_000_000
DAY = Partition("VIN1", dt.date(2026, 12, 31))
SPEED = {"message_name": "Drive", "signal_name": "Speed"}
LEVEL = {"message_name": "Battery", "signal_name": "Level"}


@pytest.fixture
def lake(folder_lake):
    """Three days, of which the first two are compacted, and one late object."""
    rng = np.random.default_rng(7)
    for shift in range(3):
        day = DAY.shifted(shift)
        t = day.start_ns + np.cumsum(rng.integers(1, 40, 8000)) * (S // 2) + rng.integers(0, 9, 8000)
        v = 400 + 1e-3 * np.cumsum(rng.normal(size=8000))
        v[rng.integers(0, 8000, 5)] = [np.nan, np.inf, -np.inf, np.nan, np.nan]
        level = np.array([day.start_ns + 7])
        put_decoded(
            folder_lake,
            day,
            "a",
            {("Drive", "Speed"): (t.tolist(), v.tolist()), ("Battery", "Level"): (level.tolist(), [50.0])},
        )
        if shift < 2:
            compact_day(folder_lake, day)
    put_decoded(folder_lake, DAY, "late", {("Drive", "Speed"): ([DAY.start_ns + 5 * S + 1], [-3.0])})
    return folder_lake


@pytest.fixture
def client(lake, serving):
    return serving(create_app(ParquetReader(lake), lake=lake.url))


def span(start, end):
    return {"start_time": format_instant(start), "end_time": format_instant(end)}


def test_ranges_are_summed_up_exactly_and_half_open(client, lake):
    rows = plain.all_rows(lake, "VIN1")
    t, _ = plain.samples(rows, ("Drive", "Speed"), DAY.start_ns, DAY.shifted(3).start_ns)
    asked = [
        (DAY.start_ns, DAY.shifted(3).start_ns),
        (int(t[100]), int(t[9000])),
        (int(t[100]), int(t[9000]) + 1),
        (int(t[5]), int(t[5]) + 1),
        (DAY.start_ns - 9 * S, DAY.start_ns),
    ]
    answer = client.post(
        "/vehicles/VIN1/stats",
        json={"signals": [SPEED, LEVEL, SPEED], "ranges": [span(*one) for one in asked]},
    ).json()
    assert answer.keys() == {"ranges", "query_stats"}
    for (start, end), found in zip(asked, answer["ranges"], strict=True):
        assert {key: found[key] for key in ("start_time", "end_time")} == span(start, end)
        speed, level, again = found["signals"]
        assert speed == again
        for item, name in ((speed, ("Drive", "Speed")), (level, ("Battery", "Level"))):
            assert (item.pop("message_name"), item.pop("name")) == name
            assert item.pop("unit") == {"Speed": "km/h", "Level": "%"}[name[1]]
            expected = plain.statistics(*plain.samples(rows, name, start, end))
            assert item.keys() == expected.keys()
            for key, value in expected.items():
                if key.startswith("t_") and value is not None:
                    assert item[key] == pytest.approx(value / 1e6, abs=1e-3), key
                elif key in ("mean", "std") and value is not None:
                    assert item[key] == pytest.approx(value, rel=1e-12), key
                else:
                    assert item[key] == value, key
    assert answer["query_stats"].keys() == {"rows_scanned", "bytes_scanned", "duration_ms"}


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"ranges": []}, 422, "ranges"),
        ({"ranges": [span(DAY.end_ns, DAY.start_ns)]}, 422, "after"),
        (
            {"ranges": [{"start_time": "2026-12-31T00:00:00", "end_time": "2026-12-31T01:00:00Z"}]},
            422,
            "zone",
        ),
        ({"ranges": [span(DAY.start_ns, DAY.end_ns)] * 21}, 422, "ranges"),
        ({"signals": []}, 422, "signals"),
        ({"signals": [{"message_name": "Drive", "signal_name": "Sped"}]}, 404, "Drive.Sped"),
    ],
)
def test_what_cannot_be_summed_up_is_a_problem(client, changes, status, word):
    body = {"signals": [SPEED], "ranges": [span(DAY.start_ns, DAY.end_ns)]} | changes
    answer = client.post("/vehicles/VIN1/stats", json=body)
    assert answer.status_code == status
    assert word in answer.json()["detail"]
    assert answer.json()["remedy"]


def test_an_object_that_cannot_be_read_is_said(client, lake):
    lake.put(DecodedObject(DAY.shifted(2), "x").key, b"no parquet")
    body = {"signals": [SPEED], "ranges": [span(DAY.start_ns, DAY.shifted(3).start_ns)]}
    assert client.post("/vehicles/VIN1/stats", json=body).json()["query_stats"]["skipped_objects"] == 1
