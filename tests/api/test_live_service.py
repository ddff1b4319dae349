"""Live tails of a real server process, over a lake into which is decoded meanwhile."""

import signal

import httpx
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.process import process_objects
from tests.api.tail import Events, V
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import DEADLINE_S, service, wait_until


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
    with service(folder_lake.url, tmp_path / "log") as (url, process):
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
        assert process.wait(DEADLINE_S) in (0, -signal.SIGTERM)
        again.close()
        assert again.end == "ended"  # a whole answer, not a broken one
    decode(folder_lake, land(folder_lake, V, NOON + DAY_NS + minute, 7))
    with service(folder_lake.url, tmp_path / "log") as (url, _):  # another process knows where it was, too
        last = Events(url, last=at)
        last.wait("points")
        assert last.points() == expected(NOON + DAY_NS + minute, 7)
        last.close()


@pytest.mark.slow
def test_many_tails_see_every_point_once_while_a_stream_is_decoded(folder_lake, tmp_path):
    add_dbc(folder_lake)
    decode(folder_lake, land(folder_lake, V, NOON, 5))
    count = 12
    with service(folder_lake.url, tmp_path / "log") as (url, _):
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
