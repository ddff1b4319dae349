"""One signal over many vehicles or drives: aligned, bounded, and with what was left out."""

import datetime as dt

import pytest

from api import compare
from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.decoded_lake import put_decoded

S = 1_000_000_000
DAY = dt.date(2026, 2, 12)
SPEED, LEVEL = ("Drive", "Speed"), ("Drive", "Level")
HOUR = 3600 * S


def drive(store, vehicle, hour, count=100, signal=SPEED, date=DAY):
    day = Partition(vehicle, date)
    times = [day.start_ns + int(hour * HOUR) + k * S + 250_000 for k in range(count)]
    put_decoded(
        store,
        day,
        f"{date:%Y%m%d}T{int(hour):02d}0000.000Z",
        {signal: (times, [float(k) for k in range(count)])},
    )
    return times


@pytest.fixture
def fleet(folder_lake):
    for number, vehicle in enumerate(("VAN_1", "VAN_2", "VAN_3")):
        drive(folder_lake, vehicle, 8 + number / 100)
        drive(folder_lake, vehicle, 14, 50 + number)
    drive(folder_lake, "CAR_1", 8, signal=LEVEL)
    return folder_lake


@pytest.fixture
def client(fleet, serving):
    return serving(create_app(ParquetReader(fleet), lake=fleet.url, store=fleet))


def ask(client, **asked):
    answer = client.get("/fleet/compare", params={"signal": "Drive.Speed"} | asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


MORNING = {"start": "2026-02-12T08:00:00Z", "end": "2026-02-12T09:00:00Z"}


def test_by_the_clock(client, fleet):
    found = ask(client, **MORNING)
    assert (found["message_name"], found["signal_name"], found["align"]) == ("Drive", "Speed", "time")
    assert [line["vehicle_id"] for line in found["series"]] == ["VAN_1", "VAN_2", "VAN_3"]
    for number, line in enumerate(found["series"]):
        assert line["origin_time"] == line["start_time"] == "2026-02-12T08:00:00.000Z"
        assert [point["t"] for point in line["data"]] == [
            number * 36_000 + k * 1000 + 0.25 for k in range(100)
        ]
        assert [point["v"] for point in line["data"]] == [float(k) for k in range(100)]
        assert (line["unit"], line["downsampled"], line["source_points"]) == ("km/h", False, 100)
    assert found["left_out"] == [
        {"vehicle_id": "CAR_1", "reason": "never sent the signal", "origin_time": "2026-02-12T08:00:00.000Z"}
    ]
    assert found["left_out_count"] == 1
    assert found["query_stats"]["rows_scanned"] >= 300


def test_a_reader_alone_knows_the_vehicles_as_well(fleet, serving):
    alone = serving(create_app(ParquetReader(fleet), lake=fleet.url))
    assert [line["vehicle_id"] for line in ask(alone, **MORNING)["series"]] == ["VAN_1", "VAN_2", "VAN_3"]


def test_by_the_start_of_the_newest_session(client):
    found = ask(client, vehicles="VAN_*", align="session")
    assert [line["origin_time"] for line in found["series"]] == ["2026-02-12T14:00:00.000250Z"] * 3
    assert [line["source_points"] for line in found["series"]] == [50, 51, 52]
    assert all(line["data"][0] == {"t": 0, "v": 0} for line in found["series"])
    assert found["left_out"] == []


def test_several_sessions_of_one_vehicle(client):
    found = ask(client, vehicles="VAN_2", align="session", sessions=5, duration="10s")
    assert [line["origin_time"][11:16] for line in found["series"]] == ["08:00", "14:00"]
    assert [line["source_points"] for line in found["series"]] == [10, 10]
    one = ask(client, vehicles="VAN_2", align="session", sessions=5, **MORNING)
    assert [line["origin_time"][11:16] for line in one["series"]] == ["08:00"]
    none = ask(client, vehicles="VAN_2", align="session", start="2026-03-01T00:00:00Z")
    assert none["left_out"] == [{"vehicle_id": "VAN_2", "reason": "no session", "origin_time": None}]


def test_by_given_starts(client):
    at = [
        "VAN_1@2026-02-12T08:00:10Z",
        "VAN_1@2026-02-12T15:00:00+01:00",
        "VAN_9@2026-02-12T08:00:00Z",
        "VAN_3@2020-01-01T00:00:00Z",
    ]
    found = ask(client, align="start", at=at, duration="5s")
    assert [(line["vehicle_id"], line["origin_time"]) for line in found["series"]] == [
        ("VAN_1", "2026-02-12T08:00:10.000Z"),
        ("VAN_1", "2026-02-12T14:00:00.000Z"),
    ]
    assert [point["t"] for point in found["series"][0]["data"]] == [0.25, 1000.25, 2000.25, 3000.25, 4000.25]
    assert found["series"][0]["data"][0]["v"] == 10
    reasons = {item["vehicle_id"]: item["reason"] for item in found["left_out"]}
    assert reasons == {"VAN_9": "no such vehicle", "VAN_3": "no samples"}


def test_globs_ids_and_names_that_nobody_has(client):
    found = ask(client, vehicles="VAN_3,VAN_[12],BUS_1", **MORNING)
    assert [line["vehicle_id"] for line in found["series"]] == ["VAN_3", "VAN_1", "VAN_2"]
    assert found["left_out"] == [{"vehicle_id": "BUS_1", "reason": "no such vehicle", "origin_time": None}]


def test_lines_are_drawn_as_by_a_query(client):
    found = ask(client, vehicles="VAN_1", max_points=20, method="m4", shape="columns", **MORNING)
    (line,) = found["series"]
    assert "data" not in line
    assert len(line["columns"]["t"]) == len(line["columns"]["v"]) <= 20
    assert (line["downsampled"], line["method"], line["source_points"]) == (True, "m4", 100)
    exact = ask(client, vehicles="VAN_1", max_points=20, **MORNING)["series"][0]
    asked = {
        "signals": [{"message_name": "Drive", "signal_name": "Speed"}],
        "start_time": MORNING["start"],
        "end_time": MORNING["end"],
        "max_points": 20,
    }
    (queried,) = client.post("/vehicles/VAN_1/query", json=asked).json()["signals"]
    assert [point["v"] for point in exact["data"]] == [point["v"] for point in queried["data"]]
    assert len(exact["data"]) == 20


def test_there_is_an_end_to_lines_and_nothing_is_silent(client, monkeypatch):
    monkeypatch.setattr(compare, "MAX_LINES", 2)
    monkeypatch.setattr("api.compare_routes.MAX_LINES", 2)
    for how in (MORNING, {"align": "session"}):
        found = ask(client, vehicles="VAN_*", **how)
        assert [line["vehicle_id"] for line in found["series"]] == ["VAN_1", "VAN_2"]
        assert [(item["vehicle_id"], item["reason"]) for item in found["left_out"]] == [("VAN_3", "limit")]
    monkeypatch.setattr(compare, "NAMED_MAX", 0)
    found = ask(
        client, vehicles="VAN_*", max_points=999, **MORNING
    )  # another answer than the one that is kept
    assert (found["left_out"], found["left_out_count"]) == ([], 1)


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ({}, 422, "needs start and end"),
        ({"start": MORNING["end"], "end": MORNING["start"]}, 422, "end must be after start"),
        ({"signal": "Speed", **MORNING}, 422, "not a signal"),
        ({"vehicles": "BUS_*", **MORNING}, 404, "no vehicle is called"),
        ({"align": "start"}, 422, "needs at and duration"),
        ({"align": "start", "at": "VAN_1", "duration": "1s"}, 422, "not a start"),
        ({"align": "start", "at": "VAN_1@noon", "duration": "1s"}, 422, "not an instant"),
        ({"align": "start", "at": "VAN_1@2026-02-12T08:00:00Z", "duration": "soon"}, 422, "not a duration"),
        ({"align": "moon", **MORNING}, 422, "align"),
        ({"max_points": 5, **MORNING}, 422, "max_points"),
        ({"sessions": 51, "align": "session"}, 422, "sessions"),
    ],
)
def test_what_cannot_be_compared_says_why(client, asked, status, says):
    answer = client.get("/fleet/compare", params={"signal": "Drive.Speed"} | asked)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    "how",
    [
        MORNING,
        {"align": "session"},
        {"align": "start", "at": "VAN_1@2026-02-12T08:00:00Z", "duration": "1h"},
    ],
)
def test_an_answer_is_made_once_while_its_objects_stay(client, fleet, monkeypatch, how):
    reads = []
    read = ParquetReader.read
    monkeypatch.setattr(ParquetReader, "read", lambda *args: reads.append(1) or read(*args))
    params = {"signal": "Drive.Speed", "vehicles": "VAN_*"} | how

    def compared(**headers):
        return client.get("/fleet/compare", params=params, headers=headers)

    first = compared()
    assert first.headers["cache-control"] == "private, max-age=0, must-revalidate"
    tag, asked = first.headers["etag"], len(reads)
    assert asked
    again = compared()
    assert (again.content, again.headers["etag"]) == (first.content, tag)
    assert int(again.headers["age"]) >= 0
    assert compared(**{"If-None-Match": tag}).status_code == 304
    assert len(reads) == asked
    drive(fleet, "VAN_1", 8, 101)
    drive(fleet, "VAN_1", 14, 77)
    late = compared(**{"If-None-Match": tag})
    assert late.status_code == 200
    assert late.headers["etag"] != tag
    assert late.content != first.content


def test_what_is_not_over_or_may_change_elsewhere_has_no_tag(client, fleet):
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    for how in (MORNING | {"end": later, "vehicles": "VAN_*"}, MORNING | {"vehicles": "CAR_1,VAN_1"}):
        answer = client.get("/fleet/compare", params={"signal": "Drive.Speed"} | how)
        assert answer.status_code == 200
        assert "etag" not in answer.headers
    # the car never sent the signal, until it does, on another day
    left = ask(client, vehicles="CAR_1,VAN_1", **MORNING)["left_out"]
    assert [(item["vehicle_id"], item["reason"]) for item in left] == [("CAR_1", "never sent the signal")]
    drive(fleet, "CAR_1", 8, date=DAY + dt.timedelta(days=3))
    left = ask(client, vehicles="CAR_1,VAN_1", **MORNING)["left_out"]
    assert [(item["vehicle_id"], item["reason"]) for item in left] == [("CAR_1", "no samples")]


def test_a_kept_answer_shows_nobody_what_is_not_theirs(fleet, serving, issuer):
    client = serving(
        create_app(ParquetReader(fleet), lake=fleet.url, store=fleet, access=SignIn(issuer.settings()))
    )
    how = {"align": "start", "at": ["VAN_1@2026-02-12T08:00:00Z", "VAN_2@2026-02-12T08:00:00Z"]}

    def seen(*vehicles):
        headers = issuer.headers(**{"telemetry:vehicles": list(vehicles)})
        params = {"signal": "Drive.Speed", "duration": "1h"} | how
        answer = client.get("/fleet/compare", params=params, headers=headers)
        assert answer.status_code == 200, answer.text
        return [line["vehicle_id"] for line in answer.json()["series"]], answer.headers.get("etag")

    both, tag = seen("VAN_1", "VAN_2")
    assert both == ["VAN_1", "VAN_2"]
    assert seen("VAN_1", "VAN_2") == (both, tag)
    one, other = seen("VAN_2")
    assert one == ["VAN_2"]
    assert other != tag
    assert seen()[0] == []
