"""Events over real HTTP: whole, filtered, half-open, and refused with a remedy."""

import datetime as dt

import pytest

from api.app import create_app
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.rules.apply import apply_rules
from telemetry_pipeline.rules.parse import parse_rules
from telemetry_pipeline.rules.rule import Rules
from tests.decoded_lake import put_decoded

S = 1_000_000_000
DAY = Partition("VIN1", dt.date(2026, 2, 12))
START = DAY.start_ns + 14 * 3600 * S
RULES = Rules(
    parse_rules(
        b"""rules:
- {name: fast, when: Speed > 100 for 2s, severity: critical, description: Slow down}
- {name: empty, when: Level <= 0, severity: info}
""",
        "rules.yaml",
    )
)


@pytest.fixture
def client(folder_lake, serving):
    # fast from second 1 to second 8, over the border of two objects
    for first, last in ((0, 5), (5, 10)):
        seconds = range(first, last)
        speeds = [120.0 + second if 1 <= second <= 8 else 50.0 for second in seconds]
        put_decoded(
            folder_lake,
            DAY,
            f"20260212T14000{first}.000Z",
            {
                ("Drive", "Speed"): ([START + second * S + 1 for second in seconds], speeds),
                ("Battery", "Level"): ([START + first * S], [float("-inf") if first else 7.0]),
            },
        )
    apply_rules(folder_lake, DAY, RULES.of("VIN1"))
    return serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, events=EventReader(folder_lake))
    )


def ask(client, vehicle="VIN1", **params):
    given = {"start": "2026-02-12T14:00:00Z", "end": "2026-02-12T15:00:00Z"} | params
    return client.get(f"/vehicles/{vehicle}/events", params=given)


def test_an_event_has_the_documented_shape(client):
    fast, empty = ask(client).json()["events"]
    assert fast == {
        "rule": "fast",
        "severity": "critical",
        "description": "Slow down",
        "message_name": "Drive",
        "signal_name": "Speed",
        "channel": "can0",
        "condition": "> 100",
        "unit": "km/h",
        "start_time": "2026-02-12T14:00:01.000000001Z",
        "end_time": "2026-02-12T14:00:08.000000001Z",
        "duration_ms": 7000.0,
        "worst_value": 128.0,
        "worst_time": "2026-02-12T14:00:08.000000001Z",
        "samples": 8,
        "open_start": False,
        "open_end": False,
    }
    assert (empty["rule"], empty["worst_value"], empty["duration_ms"]) == ("empty", None, 0.0)
    assert (empty["open_start"], empty["open_end"]) == (False, True)


@pytest.mark.parametrize(
    ("params", "rules"),
    [
        ({"severity": "info"}, ["empty"]),
        ({"severity": ["info", "critical"]}, ["fast", "empty"]),
        ({"severity": "warning"}, []),
        ({"rule": "fast"}, ["fast"]),
        ({"rule": ["fast", "nothing"]}, ["fast"]),
        # half-open: the event ends one nanosecond after second 8
        ({"start": "2026-02-12T14:00:08.000000001Z"}, ["fast"]),
        ({"start": "2026-02-12T14:00:08.000000002Z"}, []),
        ({"end": "2026-02-12T14:00:01.000000001Z"}, []),
        ({"end": "2026-02-12T14:00:01.000000002Z"}, ["fast"]),
        ({"start": "2026-02-12T15:00:03+01:00", "end": "2026-02-12T15:00:04+01:00"}, ["fast"]),
        ({"start": "2025-01-01T00:00:00Z", "end": "2027-01-01T00:00:00Z"}, ["fast", "empty"]),
        ({"start": "2025-01-01T00:00:00Z", "end": "2026-01-01T00:00:00Z"}, []),
    ],
)
def test_what_is_asked_for(client, params, rules):
    answer = ask(client, **params)
    assert answer.status_code == 200, answer.text
    assert [event["rule"] for event in answer.json()["events"]] == rules
    assert answer.json()["skipped_objects"] == 0


def test_an_object_that_cannot_be_read_is_counted(client, folder_lake):
    folder_lake.put(DecodedObject(DAY, "20260212T140005.000Z").events_key, b"torn")
    answer = ask(client).json()
    assert answer["skipped_objects"] == 1
    assert [event["rule"] for event in answer["events"]] == ["fast"]


@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"start": "2026-02-12T14:00:00"}, 422, "zone"),
        ({"end": "soon"}, 422, "instant"),
        ({"end": "2026-02-12T14:00:00Z"}, 422, "after start"),
        ({"severity": "fatal"}, 422, "severity"),
        ({"vehicle": "VIN2"}, 404, "VIN2"),
        ({"vehicle": "a b"}, 422, "vehicle id"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(client, params, status, said):
    answer = ask(client, **params)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in answer.json()["detail"]
    assert answer.json()["remedy"]
