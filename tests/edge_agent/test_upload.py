import threading
import time

import pytest

from edge_agent import upload
from edge_agent.upload import Uploader, in_turn
from edge_agent.window_name import name_by_content
from telemetry_pipeline.errors import BadRaw, PermanentError, TransientError
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from tests.servers import wait_until

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(upload, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(upload, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(upload, "REFUSED_WAIT_S", 0.1)


def test_it_goes_from_the_spool_to_the_lake(any_lake, spool, window, add):
    raw, body = window(0)
    add(spool, raw, body)
    uploader = Uploader(lambda: any_lake, spool)
    assert uploader.deliver(raw) == raw
    assert any_lake.get(raw.key) == body
    assert spool.waiting() == []
    assert (uploader.landed.objects, uploader.landed.frames, uploader.landed.bytes) == (1, 2, len(body))


def test_what_has_arrived_before_has_arrived(any_lake, spool, window, add):
    raw, body = window(0)
    any_lake.put(raw.key, body)  # the answer to an earlier upload was lost
    add(spool, raw, body)
    assert Uploader(lambda: any_lake, spool).deliver(raw) == raw
    assert spool.waiting() == []
    assert [info.key for info in any_lake.list_objects("raw")] == [raw.key]


def test_a_key_that_is_taken_is_not_overwritten(any_lake, spool, window, add):
    raw, body = window(0)
    for nth, other in enumerate((b"other", b"another")):
        any_lake.put(RawObject(raw.partition, raw.stem + (f"-{nth}" if nth else "")).key, other)
    add(spool, raw, body)
    name = Uploader(lambda: any_lake, spool).deliver(raw)
    assert name.stem == f"{raw.stem}-2"
    assert any_lake.get(name.key) == body
    assert any_lake.get(raw.key) == b"other"
    assert RawObject.parse(name.key) == name


class WriteOnly(Store):
    """A lake whose policy lets the agent put and nothing else."""

    def get(self, key):
        raise PermanentError("the store refuses access", key)


def test_an_agent_that_may_only_write_knows_by_its_name_that_it_has_arrived(lake, spool, window, add):
    raw, body = window(0)
    lake.put(raw.key, body)
    add(spool, raw, body)
    write_only = WriteOnly(lake._backend, lake.url, lake.root)
    assert Uploader(lambda: write_only, spool).deliver(raw) == raw
    assert spool.waiting() == []
    assert [info.key for info in lake.list_objects("raw")] == [raw.key]


def test_a_server_that_lets_it_only_write_tells_it_that_it_has_arrived(
    s3_lake, s3_server, spool, window, add, monkeypatch
):
    everything = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    raw, body = window(0)
    everything.put(raw.key, body)  # the answer to an earlier upload was lost
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "vehicle")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "vehicle-secret")
    lake = Store.open(s3_lake, endpoint_url=s3_server.endpoint, timeout_s=60)
    with pytest.raises(PermanentError, match="refuses access"):
        lake.get(raw.key)
    uploader = Uploader(lambda: lake, spool)
    for nth in range(2):
        add(spool, *window(60 * nth))
        uploader.deliver(window(60 * nth)[0])
    assert spool.waiting() == []
    assert sorted(info.key for info in everything.list_objects("raw")) == sorted(
        window(60 * nth)[0].key for nth in range(2)
    )


def test_what_the_disk_has_changed_is_kept_and_not_sent(lake, spool, window, add):
    raw, body = window(0)
    at = body.index(b"V", 4)
    add(spool, raw, body[:at] + b"W" + body[at + 1 :])
    with pytest.raises(BadRaw, match="the disk has changed it"):
        Uploader(lambda: lake, spool).deliver(raw)
    assert spool.waiting() == [raw]
    assert list(lake.list_objects("raw")) == []


def test_an_outage_delays_and_loses_nothing(lake, spool, window, quick, add):
    calls = []

    def flaky():
        calls.append(1)
        if len(calls) < 6:
            raise TransientError("no network")
        return lake

    uploader = Uploader(flaky, spool)
    raws = [add(spool, *window(seconds)) for seconds in (120, 0, 60)]
    uploader.start()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert sorted(info.key for info in lake.list_objects("raw")) == sorted(raw.key for raw in raws)
    late = add(spool, *window(180))
    uploader.wake()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert lake.head(late.key)
    assert uploader.stop(60)


def test_a_refusal_is_told_once_and_holds_up_nobody(lake, spool, window, quick, caplog, add):
    first, second = add(spool, *window(0)), add(spool, *window(60))
    allowed = threading.Event()

    class Picky(Store):
        refused = 0

        def put(self, key, body, *, create_only=False):
            if key == first.key and not allowed.is_set():
                self.refused += 1
                raise PermanentError("the store refuses access", key)
            super().put(key, body, create_only=create_only)

    picky = Picky(lake._backend, lake.url, lake.root)
    uploader = Uploader(lambda: picky, spool)
    uploader.start()
    wait_until(lambda: spool.waiting() == [first], "the other window to land", pause=0.01)
    assert lake.head(second.key)
    wait_until(lambda: picky.refused > 3, "several tries", pause=0.01)
    assert caplog.text.count("refuses access") == 1
    allowed.set()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert lake.head(first.key)
    assert uploader.stop(60)


def test_what_was_refused_and_then_given_up_is_forgotten(lake, spool, window, quick, add):
    class Closed(Store):
        def put(self, key, body, *, create_only=False):
            raise PermanentError("the store refuses access", key)

    raws = [add(spool, *window(60 * nth)) for nth in range(3)]
    uploader = Uploader(lambda: Closed(lake._backend, lake.url, lake.root), spool)
    uploader.start()
    refused = uploader._refused
    wait_until(lambda: set(refused.told) == set(raws), "all to be refused", pause=0.01)
    for raw in raws[:2]:
        spool.path(raw).unlink()
    wait_until(
        lambda: set(refused.told) == set(refused.until) == {raws[2]}, "two to be forgotten", pause=0.01
    )
    assert uploader.stop(60)


def test_a_window_that_is_not_readable_stays_and_is_not_sent(lake, spool, window, add):
    body = b"not Parquet"
    raw = add(spool, name_by_content(RawObject.starting("V", START), body), body)
    with pytest.raises(BadRaw):
        Uploader(lambda: lake, spool).deliver(raw)
    assert spool.waiting() == [raw]
    assert list(lake.list_objects("raw")) == []


def test_the_end_does_not_wait_for_a_lake_that_is_silent(spool, window, add):
    released = threading.Event()

    def silent():
        released.wait(60)
        raise TransientError("no answer")

    add(spool, *window(0))
    uploader = Uploader(silent, spool)
    uploader.start()
    began = time.monotonic()
    assert not uploader.stop(0.3)
    assert time.monotonic() - began < 50
    assert len(spool.waiting()) == 1
    released.set()


def test_the_end_uploads_what_came_last(lake, spool, window, add):
    uploader = Uploader(lambda: lake, spool)
    uploader.start()
    raw = add(spool, *window(0))  # nobody woke it
    assert uploader.stop(30)
    assert lake.head(raw.key)


def test_the_newest_have_every_fourth_turn():
    raws = [RawObject.starting("V", START + nth * SECOND) for nth in range(10)]
    order = [raws.index(raw) for raw in in_turn(raws, 100)]
    assert order == [0, 9, 1, 2, 3, 8, 4, 5, 6, 7]
    assert in_turn(raws, 3) == [raws[0], raws[9], raws[1]]
    assert in_turn([], 3) == []


def test_a_long_backlog_lands_whole(lake, spool, window, quick, add):
    raws = [add(spool, *window(60 * nth)) for nth in range(upload.SOME * 2 + 3)]
    uploader = Uploader(lambda: lake, spool)
    uploader.start()
    wait_until(lambda: uploader.landed.objects == len(raws), "every window to land", pause=0.01)
    assert sorted(info.key for info in lake.list_objects("raw")) == [raw.key for raw in raws]
    assert uploader.stop(60)


def test_no_more_is_sent_than_the_line_may_carry(lake, spool, window, add):
    sizes = []
    for nth in range(4):
        raw, body = window(60 * nth)
        add(spool, raw, body)
        sizes.append(len(body))
    uploader = Uploader(lambda: lake, spool, bytes_per_s=sum(sizes) / 1.5)
    began = time.monotonic()
    uploader.start()
    wait_until(lambda: uploader.landed.objects == 4, "every window to land", pause=0.01)
    assert time.monotonic() - began >= 1.5 * 0.7  # the pause after the last one is still to come
    uploader.stop(60)


def test_a_copy_stays_where_one_is_wanted(lake, spool, window, add):
    raw, body = window(0)
    add(spool, raw, body)
    Uploader(lambda: lake, spool, keep=True).deliver(raw)
    assert spool.waiting() == []
    assert [path.read_bytes() for path in spool.copies()] == [body]


def test_a_disk_that_can_only_be_read_does_not_make_it_land_again(
    lake, spool, window, add, monkeypatch, caplog
):
    raw, body = window(0)
    add(spool, raw, body)

    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    uploader = Uploader(lambda: lake, spool)
    with monkeypatch.context() as patch:
        patch.setattr(spool, "remove", refuse)
        for _ in range(3):
            uploader._round(final=False)
    assert uploader.landed.objects == 1
    assert caplog.text.count("Read-only") == 1
    assert spool.waiting() == [raw]
    uploader._round(final=False)  # the disk can be written again
    assert spool.waiting() == []
    assert uploader.landed.objects == 1


def test_a_window_that_was_given_up_meanwhile_holds_up_nobody(lake, spool, window, add, monkeypatch, caplog):
    gone, there = (add(spool, *window(nth)) for nth in (0, 60))
    waiting = spool.waiting()
    monkeypatch.setattr(spool, "waiting", lambda: waiting)
    spool.path(gone).unlink()
    uploader = Uploader(lambda: lake, spool)
    uploader._round(final=False)
    assert lake.head(there.key)
    assert caplog.text == ""
