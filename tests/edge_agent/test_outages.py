"""Uploads to a bucket that misbehaves, through real connections; hours of it are the uploader's own time, not ours."""

from urllib.parse import quote, unquote

import pytest

from edge_agent import upload
from edge_agent.upload import Uploader
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from tests.edge_agent.bucket import bucket_running, certificate_of
from tests.servers import free_port, wait_until

HOUR = 3600.0
MINUTE = 60.0


class Hour:
    """Time that passes when somebody waits for it, and what happens every minute of it and in the end."""

    def __init__(self, every_minute, in_the_end):
        self.seconds = 0.0
        self._minutes = 0
        self._every_minute = every_minute
        self._in_the_end = in_the_end
        self._is_over = False

    def now(self):
        return self.seconds

    def wait(self, event, seconds):
        if self._is_over:
            event.wait(min(seconds, 0.01))
            self.seconds += seconds
            return
        end = self.seconds + seconds
        while self._minutes * MINUTE <= min(end, HOUR):
            self._every_minute(self._minutes)
            self._minutes += 1
        self.seconds = end
        if self.seconds >= HOUR:
            self._is_over = True
            self._in_the_end()


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with bucket_running() as server:
        yield server


def open_bucket(endpoint):
    return lambda: Store.open("s3://lake/prefix", endpoint_url=endpoint, timeout_s=0.5)


def landed(bucket):
    """Bodies by raw object; nothing else may lie there."""
    return {
        RawObject.parse(unquote(path).removeprefix("/lake/prefix/")): body
        for path, body in bucket.objects.items()
    }


SAYS = {
    "silent": "it took too long",
    "cut": "the connection ended before the answer",
    "unreadable": "its answer is no HTTP",
    "RequestTimeout": "400 Bad Request, RequestTimeout",
    "ExpiredToken": "400 Bad Request, ExpiredToken",
    "AccessDenied": "refuses access (403 Forbidden, AccessDenied)",
    "RequestTimeTooSkewed": "this machine's clock is wrong (403 Forbidden, RequestTimeTooSkewed)",
    "NoSuchBucket": "no such bucket",
    "InternalError": "500 Internal Server Error, InternalError",
    "SlowDown": "503 Service Unavailable, SlowDown",
    "untrusted": "its certificate is not valid: UnknownIssuer",
    "gone": "Connection refused",
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", SAYS)
def test_an_hour_of_it_delays_and_loses_nothing(
    bucket, spool, window, add, caplog, tmp_path, monkeypatch, fault
):
    written, is_over, endpoint = {}, [], bucket.endpoint
    if fault == "untrusted":
        bucket.tls = certificate_of(tmp_path)
        endpoint = bucket.endpoint
    elif fault == "gone":
        endpoint = f"http://127.0.0.1:{free_port()}"
    else:
        bucket.fault = fault

    def record(minute):
        if minute % 5 == 0:
            raw, body = window(60 * minute)
            written[add(spool, raw, body)] = body

    def recover():
        assert not bucket.objects
        is_over.append(bucket.puts)
        bucket.fault = ""

    uploader = Uploader(open_bucket(endpoint), spool, steady=Hour(record, recover))
    uploader.start()
    if fault in ("untrusted", "gone"):  # somebody has to look at it, and starts the agent again
        wait_until(lambda: is_over, "the hour to be over", pause=0.01)
        assert uploader.stop(60)
        assert {raw: spool.read(raw) for raw in spool.waiting()} == written
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        uploader = Uploader(open_bucket(bucket.endpoint), spool)
        uploader.start()
    wait_until(lambda: is_over and not spool.waiting(), "every window to land", pause=0.01)
    assert uploader.stop(60)
    assert len(written) == 13
    assert landed(bucket) == written
    assert (
        is_over[0] <= 13 * 13
    )  # no storm: what is refused every 300 s, what is not answered after growing waits
    lines = [line.getMessage() for line in caplog.records if line.levelname in ("WARNING", "ERROR")]
    assert lines
    assert all(SAYS[fault] in line for line in lines)
    assert len(lines) < 60


class Waits:
    """Time that is noted, and passes at once."""

    def __init__(self):
        self.seconds = []

    def now(self):
        return sum(self.seconds)

    def wait(self, event, seconds):
        self.seconds.append(seconds)
        event.wait(min(seconds, 0.01))


def test_a_clock_that_was_set_too_late_holds_up_nothing_once_it_is_right(bucket, spool, window, add):
    bucket.fault, bucket.times = "RequestTimeTooSkewed", 1
    add(spool, *window(0))
    waits = Waits()
    uploader = Uploader(open_bucket(bucket.endpoint), spool, steady=waits)
    uploader.start()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert uploader.stop(60)
    assert waits.seconds[0] <= upload.FIRST_WAIT_S


def test_a_bucket_that_is_slow_is_waited_for(bucket, spool, window, add):
    bucket.fault, bucket.times = "slow", 3
    raws = [add(spool, *window(60 * nth)) for nth in range(3)]
    uploader = Uploader(open_bucket(bucket.endpoint), spool)
    uploader.start()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert uploader.stop(60)
    assert sorted(landed(bucket)) == sorted(raws)
    assert bucket.puts == 3


@pytest.mark.parametrize("is_write_only", [True, False], ids=["write only", "may read"])
def test_a_lost_answer_makes_no_second_object(bucket, spool, window, add, is_write_only):
    bucket.fault, bucket.times, bucket.is_write_only = "lost", 2, is_write_only
    written = {}
    for nth in range(3):
        raw, body = window(60 * nth)
        written[add(spool, raw, body)] = body
    uploader = Uploader(open_bucket(bucket.endpoint), spool, steady=Hour(lambda _: None, lambda: None))
    uploader.start()
    wait_until(lambda: not spool.waiting(), "every window to land", pause=0.01)
    assert uploader.stop(60)
    assert landed(bucket) == written
    assert bucket.puts > 3
    assert uploader.landed.objects == 3


def test_an_answer_that_was_lost_with_the_agent_makes_no_second_object(bucket, spool, window, add):
    bucket.is_write_only = True
    raw, body = window(0)
    bucket.objects[f"/lake/prefix/{quote(raw.key)}"] = body  # sent; then the power went
    add(spool, raw, body)
    assert Uploader(open_bucket(bucket.endpoint), spool).deliver(raw) == raw
    assert landed(bucket) == {raw: body}
    assert spool.waiting() == []
