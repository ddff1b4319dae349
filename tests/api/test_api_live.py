"""Live tails as a client sees them: what is told of objects, and whom nobody follows."""

import numpy as np
import pytest
from fastapi import FastAPI

from api import errors, live_routes
from api.live import Hub
from api.streaming import Workers
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.query.arrivals import Arrivals
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.everybody import Everybody
from tests.api.tail import RPM, Events, V
from tests.decoded_lake import put_decoded
from tests.raw_lake import NOON, SECOND
from tests.servers import wait_until

RPM_NAME = tuple(RPM.split("."))


@pytest.fixture
def live(folder_lake, serving):
    """A server in this process that sends heartbeats often."""
    put_decoded(
        folder_lake, Partition.containing(V, NOON), "20260223T120000.000Z", {RPM_NAME: ([NOON], [0.0])}
    )
    workers = Workers()
    hub = Hub(folder_lake, workers.run, pause_s=0.05)
    app = FastAPI()
    errors.install(app)
    objects = ObjectReader(folder_lake, 2)
    app.include_router(live_routes.build(hub, objects, ParquetReader(folder_lake), workers, heartbeat_s=0.2))
    client = serving(Everybody(app))
    return folder_lake, str(client.base_url).rstrip("/"), hub, client


def put(lake, seconds, values, *, stem=None):
    times = [NOON + seconds * SECOND + k * 1000 for k in range(len(values))]
    stem = stem or f"20260223T12{seconds // 60:02d}{seconds % 60:02d}.000Z"
    return put_decoded(lake, Partition.containing(V, NOON), stem, {RPM_NAME: (times, list(values))})


def test_a_long_object_comes_in_parts_and_goes_on_within(live):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    values = np.arange(12_001.0)
    put(lake, 60, values)
    tail.wait("points", 3)
    tail.close()
    assert [len(data["signals"][0]["t"]) for data in tail.of("points")] == [5000, 5000, 2001]
    assert [v for _, v in tail.points()] == values.tolist()
    at = next(ids for ids in tail.ids if ids.split(".")[3])
    again = Events(url, last=at)
    again.wait("points", 2)
    again.close()
    assert [v for _, v in again.points()] == values[5000:].tolist()


def test_an_object_that_is_decoded_again_is_told_not_repeated(live):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    put(lake, 60, [1.0])
    tail.wait("points")
    put(lake, 60, [1.0, 2.0])
    assert tail.wait("changed") == [
        {
            "object": "20260223T120100.000Z",
            "start_time": "2026-02-23T12:01:00.000Z",
            "end_time": "2026-02-23T12:01:00.000001001Z",
        }
    ]
    tail.close()
    assert len(tail.points()) == 1


def test_an_object_that_cannot_be_read_is_told(live):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    lake.put(DecodedObject(Partition.containing(V, NOON), "broken").key, b"not Parquet")
    assert tail.wait("skipped") == [{"object": "broken"}]
    tail.close()


def test_silence_is_kept_alive_and_other_signals_move_the_id(live):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    wait_until(lambda: tail.comments >= 2, "heartbeats", pause=0.02)
    told = len(tail.ids)
    put_decoded(lake, Partition.containing(V, NOON), "20260223T120200.000Z", {("A", "B"): ([NOON], [1.0])})
    wait_until(lambda: len(tail.ids) > told, "another id", pause=0.02)
    tail.close()
    assert not tail.of("points")


def test_whoever_was_away_for_too_long_is_told(live):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    at = tail.ids[-1]
    tail.close()
    for day in range(1, 14):
        there = Partition.containing(V, NOON).shifted(day)
        put_decoded(lake, there, "a", {RPM_NAME: ([there.start_ns], [float(day)])})
    again = Events(url, last=at)
    again.wait("reset")
    again.wait("ready")
    again.close()
    assert not again.points()


def test_the_last_who_leaves_ends_the_looking(live, monkeypatch):
    _, url, hub, _ = live
    tails = [Events(url), Events(url)]
    for tail in tails:
        tail.wait("ready")
    assert [feed.watchers for feed in hub._feeds.values()] == [2]
    monkeypatch.setattr("api.live.TAILS_MAX", 2)
    with pytest.raises(TransientError, match="2 live tails already"):
        hub.admit()
    for tail in tails:
        tail.close()
    wait_until(lambda: not hub._feeds, "the tails to end", pause=0.02)
    monkeypatch.setattr("api.live.TAILS_MAX", 1)  # a single tail that is not given back would fill it
    hub.admit()


@pytest.mark.parametrize(
    ("vehicle", "signals", "last", "status", "says"),
    [
        (V, "Motor_RPM", None, 422, "not a signal"),
        (V, ",", None, 422, "no signals"),
        (V, "MotorCtrl_Status.Nothing", None, 404, "no signal"),
        (V, RPM, "yesterday", 422, "Last-Event-ID"),
        ("NOBODY", RPM, None, 404, "NOBODY"),
        ("a b", RPM, None, 422, "not a vehicle id"),
    ],
)
def test_what_cannot_be_followed_says_why(live, vehicle, signals, last, status, says):
    *_, client = live
    headers = {"Last-Event-ID": last} if last else {}
    answer = client.get(f"/vehicles/{vehicle}/live", params={"signals": signals}, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert says in answer.json()["detail"]


def test_too_many_tails_are_refused(live, monkeypatch):
    *_, client = live
    monkeypatch.setattr("api.live.TAILS_MAX", 0)
    answer = client.get(f"/vehicles/{V}/live", params={"signals": RPM})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_store_that_stumbles_is_asked_again(live, monkeypatch):
    lake, url, *_ = live
    tail = Events(url)
    tail.wait("ready")
    look, failed = Arrivals.look, []

    def stumbling(self):
        if len(failed) < 3:
            failed.append(1)
            raise TransientError("the store does not answer")
        return look(self)

    monkeypatch.setattr(Arrivals, "look", stumbling)
    put(lake, 60, [5.0])
    tail.wait("points")
    tail.close()
    assert len(failed) == 3
