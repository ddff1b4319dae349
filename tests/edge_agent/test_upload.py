import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge_agent import upload
from edge_agent.spool import Spool
from edge_agent.upload import Uploader, in_turn
from telemetry_pipeline.errors import BadRaw, PermanentError, TransientError
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.store import Store

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND


@pytest.fixture
def spool(tmp_path):
    with Spool(tmp_path / "spool") as opened:
        yield opened


@pytest.fixture
def window(make_frames):
    def make(seconds, data=b"\x01"):
        stamp = START + seconds * SECOND
        return RawObject.starting("V", stamp), write_raw(make_frames([stamp, stamp + 1], data))

    return make


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(upload, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(upload, "LONGEST_WAIT_S", 0.1)
    monkeypatch.setattr(upload, "REFUSED_WAIT_S", 0.1)


def until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


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


def test_an_agent_that_may_only_write_rather_writes_twice(lake, spool, window, add):
    raw, body = window(0)
    lake.put(raw.key, body)
    add(spool, raw, body)
    write_only = WriteOnly(lake._backend, lake.url, lake.root)
    name = Uploader(lambda: write_only, spool).deliver(raw)
    assert lake.get(name.key) == body
    assert name != raw


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
    until(lambda: not spool.waiting())
    assert sorted(info.key for info in lake.list_objects("raw")) == sorted(raw.key for raw in raws)
    late = add(spool, *window(180))
    uploader.wake()
    until(lambda: not spool.waiting())
    assert lake.head(late.key)
    assert uploader.stop(60)


def test_a_refusal_is_told_once_and_holds_up_nobody(lake, spool, window, quick, caplog, add):
    first, second = add(spool, *window(0)), add(spool, *window(60))
    allowed = threading.Event()

    class Picky(Store):
        def put(self, key, body, *, create_only=False):
            if key == first.key and not allowed.is_set():
                raise PermanentError("the store refuses access", key)
            super().put(key, body, create_only=create_only)

    picky = Picky(lake._backend, lake.url, lake.root)
    uploader = Uploader(lambda: picky, spool)
    uploader.start()
    until(lambda: spool.waiting() == [first])
    assert lake.head(second.key)
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 0.4)  # several tries
    assert caplog.text.count("refuses access") == 1
    allowed.set()
    until(lambda: not spool.waiting())
    assert lake.head(first.key)
    assert uploader.stop(60)


def test_a_window_that_is_not_readable_stays_and_is_not_sent(lake, spool, window, add):
    raw = add(spool, window(0)[0], b"not Parquet")
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


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as a conditional put and a get need; out of order while `broken` is set."""

    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", '"x"')
        self.send_header("Last-Modified", "Sun, 22 Nov 2026 08:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.broken:
            return self.answer(503, b"<Error><Code>SlowDown</Code></Error>")
        if self.path in self.server.objects and self.headers["If-None-Match"] == "*":
            return self.answer(412)
        self.server.objects[self.path] = body
        if self.server.lose_answers:
            self.server.lose_answers -= 1
            self.close_connection = True
            return None
        return self.answer(200)

    def do_GET(self):
        found = self.server.objects.get(self.path)
        return self.answer(404) if found is None else self.answer(200, found)

    def log_message(self, *_):
        pass


@pytest.fixture
def bucket(monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
    server.objects, server.broken, server.lose_answers = {}, False, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield server
    server.shutdown()
    server.server_close()


def test_a_bucket_that_is_out_of_order_gets_it_later(bucket, spool, window, quick, add):
    endpoint = f"http://127.0.0.1:{bucket.server_port}"
    uploader = Uploader(lambda: Store.open("s3://lake/prefix", endpoint_url=endpoint), spool)
    raw, body = window(0)
    bucket.broken = True
    add(spool, raw, body)
    uploader.start()
    uploader.wake()
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 1)
    assert spool.waiting() == [raw]
    bucket.broken = False
    until(lambda: not spool.waiting(), 90)
    assert list(bucket.objects.values()) == [body]
    assert uploader.stop(60)


def test_a_lost_answer_makes_no_second_object(bucket, spool, window, quick, add):
    endpoint = f"http://127.0.0.1:{bucket.server_port}"
    uploader = Uploader(lambda: Store.open("s3://lake/prefix", endpoint_url=endpoint), spool)
    bucket.lose_answers = 1
    raw, body = window(0)
    add(spool, raw, body)
    uploader.start()
    until(lambda: not spool.waiting(), 90)
    assert len(bucket.objects) == 1
    assert next(iter(bucket.objects.values())) == body
    assert uploader.stop(60)


class Refusing(Bucket):
    """Refuses whatever is put with the status and the code of `server.refusal`, while there is one."""

    def do_PUT(self):
        if not self.server.refusal:
            return super().do_PUT()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        status, code = self.server.refusal
        return self.answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())


@pytest.mark.parametrize(
    "refusal",
    [
        (400, "RequestTimeout"),
        (400, "ExpiredToken"),
        (403, "AccessDenied"),
        (403, "RequestTimeTooSkewed"),
        (404, "NoSuchBucket"),
        (500, "InternalError"),
        (503, "SlowDown"),
    ],
    ids=lambda refusal: refusal[1],
)
def test_whatever_a_bucket_refuses_with_the_window_is_kept_and_asked_for_again(
    bucket, spool, window, quick, refusal, add
):
    bucket.RequestHandlerClass = Refusing
    bucket.refusal, bucket.asked = refusal, 0
    endpoint = f"http://127.0.0.1:{bucket.server_port}"
    uploader = Uploader(lambda: Store.open("s3://lake/prefix", endpoint_url=endpoint), spool)
    raw, body = window(0)
    add(spool, raw, body)
    uploader.start()
    until(lambda: bucket.asked >= 2)
    assert spool.waiting() == [raw]
    bucket.refusal = None
    until(lambda: not spool.waiting())
    assert list(bucket.objects.values()) == [body]
    assert uploader.stop(60)


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
    until(lambda: uploader.landed.objects == len(raws))
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
    until(lambda: uploader.landed.objects == 4)
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

    monkeypatch.setattr(spool, "remove", refuse)
    uploader = Uploader(lambda: lake, spool)
    for _ in range(3):
        uploader._round()
    assert uploader.landed.objects == 1
    assert caplog.text.count("Read-only") == 1


def test_a_window_that_was_given_up_meanwhile_holds_up_nobody(lake, spool, window, add, monkeypatch, caplog):
    gone, there = (add(spool, *window(nth)) for nth in (0, 60))
    waiting = spool.waiting()
    monkeypatch.setattr(spool, "waiting", lambda: waiting)
    spool.path(gone).unlink()
    uploader = Uploader(lambda: lake, spool)
    uploader._round()
    assert lake.head(there.key)
    assert caplog.text == ""
