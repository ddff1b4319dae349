"""Live tails as a client sees them: a real server process over a lake into which is decoded meanwhile."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import httpx
import numpy as np
import pytest

from api.live_cursor import LISTED_MAX, Cursor
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, Partition
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.process import process_objects
from tests.decoded_lake import put_decoded
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import ended, free_port, wait_for_http, wait_until

V = "EV_001"
RPM = "MotorCtrl_Status.Motor_RPM"
RPM_NAME = tuple(RPM.split("."))


class Events:
    """The events of a tail, read in a thread of its own."""

    def __init__(self, url, *, last=None, signals=RPM, vehicle=V):
        self.events, self.ids, self.comments, self.end = [], [], 0, None
        headers = {"Last-Event-ID": last} if last else {}
        self._client = httpx.Client(trust_env=False, timeout=httpx.Timeout(10, read=120))
        request = self._client.build_request(
            "GET", f"{url}/vehicles/{vehicle}/live", params={"signals": signals}, headers=headers
        )
        self.response = self._client.send(request, stream=True)
        assert self.response.status_code == 200, self.response.read()
        assert self.response.headers["content-type"].startswith("text/event-stream")
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        kind, data, at = "message", None, None
        try:
            for line in self.response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                elif name == "id":
                    at = value
                elif line.startswith(":"):
                    self.comments += 1
                elif not line:
                    # an id counts with its whole event only, as in a browser: one that was cut off comes again
                    if data is not None:
                        self.events.append((kind, data))
                    if at is not None:
                        self.ids.append(at)
                    kind, data, at = "message", None, None
            self.end = "ended"
        except (httpx.HTTPError, httpx.StreamError, RuntimeError, OSError) as error:
            self.end = type(error).__name__

    def of(self, kind):
        return [data for name, data in self.events if name == kind]

    def points(self, signal="Motor_RPM"):
        return [
            (t, v)
            for data in self.of("points")
            for series in data["signals"]
            if series["name"] == signal
            for t, v in zip(series["t"], series["v"], strict=True)
        ]

    def wait(self, kind, count=1):
        wait_until(lambda: len(self.of(kind)) >= count, f"{count} {kind}, of {self.events}", pause=0.02)
        return self.of(kind)

    def close(self):
        with suppress(OSError):  # the thread waits for the next line
            self.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(60)
        self.response.close()
        self._client.close()


@contextmanager
def served(lake, tmp_path):
    """`telemetry serve` as a process."""
    port = free_port()
    env = {**os.environ, "TELEMETRY_LAKE": lake.url}
    log = tmp_path / f"serve-{port}.log"
    command = [sys.executable, "-m", "telemetry_pipeline.cli.main", "serve", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=env, start_new_session=True
        )
    with ended(process):
        url = f"http://127.0.0.1:{port}"
        wait_for_http(f"{url}/health", process, log=log)
        yield url, process


def decode(store, *raws):
    for outcome in process_objects(store, Databases.load(store), raws):
        assert outcome.report is not None, outcome


def expected(start_ns, count):
    return [((start_ns + k * 10_000_000) // 1_000_000, float(k)) for k in range(count)]


@pytest.mark.slow
def test_points_come_as_they_are_decoded_and_a_tail_goes_on_where_it_was(folder_lake, tmp_path):
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, V, NOON, 50))
    minute = 60 * SECOND
    with served(folder_lake, tmp_path) as (url, process):
        tail = Events(url)
        (ready,) = tail.wait("ready")
        assert ready == {"newest_time": "2026-02-23T12:00:00.490Z"}
        assert not tail.points()  # what was there is asked for with a query
        decode(folder_lake, land(folder_lake, V, NOON + minute, 20))
        (first,) = tail.wait("points")
        assert (first["object"], first["late"]) == ("20260223T120100.000Z", False)
        assert tail.points() == expected(NOON + minute, 20)
        assert first["signals"][0]["unit"] == "rpm"
        # late: older than what was sent
        decode(folder_lake, land(folder_lake, V, NOON + minute // 2, 10))
        late = tail.wait("points", 2)[1]
        assert late["late"] is True
        assert tail.points()[20:] == expected(NOON + minute // 2, 10)
        at = tail.ids[-1]
        tail.close()
        # while nobody listens, and over midnight
        decode(folder_lake, land(folder_lake, V, NOON + 2 * minute, 5))
        decode(folder_lake, land(folder_lake, V, NOON + DAY_NS, 6))
        again = Events(url, last=at)
        again.wait("points", 2)
        assert again.points() == expected(NOON + 2 * minute, 5) + expected(NOON + DAY_NS, 6)
        assert [data["late"] for data in again.of("points")] == [False, False]
        at = again.ids[-1]
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert process.wait(60) in (0, -signal.SIGTERM)
        assert time.monotonic() - begun < 20
        again.close()
        assert again.end == "ended"  # a whole answer, not a broken one
    decode(folder_lake, land(folder_lake, V, NOON + DAY_NS + minute, 7))
    with served(folder_lake, tmp_path) as (url, _):  # another process knows where it was, too
        last = Events(url, last=at)
        last.wait("points")
        assert last.points() == expected(NOON + DAY_NS + minute, 7)
        last.close()


@pytest.mark.slow
def test_many_tails_see_every_point_once_while_a_stream_is_decoded(folder_lake, tmp_path):
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, V, NOON, 5))
    count = 12
    with served(folder_lake, tmp_path) as (url, _):
        tails = [Events(url) for _ in range(4)]
        for tail in tails:
            tail.wait("ready")
        hopping, seen = Events(url), []
        hopping.wait("ready")
        for number in range(1, count + 1):
            decode(folder_lake, land(folder_lake, V, NOON + number * 60 * SECOND, 30))
            if number % 3 == 0:  # hangs up in the middle and goes on
                hopping.wait("points")
                hopping.close()  # more may have come until it was closed: only now it says where it stands
                seen += hopping.points()
                hopping = Events(url, last=hopping.ids[-1])
        whole = [
            point for number in range(1, count + 1) for point in expected(NOON + number * 60 * SECOND, 30)
        ]
        for tail in tails:
            wait_until(lambda tail=tail: len(tail.points()) >= len(whole), "all points", pause=0.05)
            assert sorted(tail.points()) == whole
            tail.close()
        wait_until(lambda: len(seen) + len(hopping.points()) >= len(whole), "the rest", pause=0.05)
        hopping.close()
        assert sorted(seen + hopping.points()) == whole
        with httpx.Client(base_url=url, trust_env=False) as client:
            assert client.get("/health").status_code == 200


@pytest.fixture
def live(folder_lake, serving):
    """A server in this process that sends heartbeats often."""
    from fastapi import FastAPI

    from api import errors, live_routes
    from api.live import Hub
    from api.streaming import Workers
    from telemetry_pipeline.query.object_reader import ObjectReader
    from telemetry_pipeline.query.parquet_reader import ParquetReader
    from tests.api.test_api_export import Everybody

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


def test_the_last_who_leaves_ends_the_looking(live):
    _, url, hub, _ = live
    tails = [Events(url), Events(url)]
    for tail in tails:
        tail.wait("ready")
    assert (hub.tails, len(hub._feeds)) == (2, 1)
    for tail in tails:
        tail.close()
    wait_until(lambda: hub.tails == 0 and not hub._feeds, "the tails to end", pause=0.02)


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


def objects(*modified):
    return [ObjectInfo(f"k{ns}", 1, f"e{ns}", ns) for ns in modified]


def test_a_cursor_knows_what_was_sent_and_reads_itself():
    second = SECOND
    sent = objects(*range(0, 100 * second, second))
    cursor = Cursor.after(sent, 20_000, -5, ("abcdefgh", 3))
    assert Cursor.parse(str(cursor)) == cursor
    assert all(cursor.has(info) for info in sent)
    # written a while ago, visible only now
    assert not cursor.has(ObjectInfo("late", 1, "e", 90 * second))
    assert not cursor.has(ObjectInfo("k99000000000", 1, "other bytes", 99 * second))
    many = Cursor.after(objects(*range(LISTED_MAX * 3)), 1, 0)
    assert all(many.has(info) for info in objects(*range(LISTED_MAX * 3)))
    assert len(str(many)) < 4096
    assert not Cursor.after([], 0, 0).has(ObjectInfo("k", 1, "e", 0))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1.2.3",
        "1.2.3.4.5",
        "x.y.z..é",
        "1.1.1.abcdefgh.",
        "1.1.1..abc",
        "1.zzzzzz.1..",
        "1.-zzzz.1..",
        "1.1.zzzzzzzzzzzzzzzz..",
    ],
)
def test_a_strange_cursor_is_refused(text):
    with pytest.raises(BadQuery, match="Last-Event-ID"):
        Cursor.parse(text)


def test_a_store_that_stumbles_is_asked_again(live, monkeypatch):
    from telemetry_pipeline.errors import TransientError
    from telemetry_pipeline.query.arrivals import Arrivals

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
    assert isinstance(lake, Store)
