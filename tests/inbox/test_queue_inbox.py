"""A bucket whose events a queue takes: moto's S3 and SQS as a process, with boto3 and obstore talking to it."""

import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.inbox import queue_inbox
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.inbox.queue import Queue
from telemetry_pipeline.inbox.queue_inbox import QueueInbox
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import quarantine_key_of
from telemetry_pipeline.process import Tally
from tests.moto_server import ENV, Aws, Landing, make_landing, moto_running
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.s3_notifications import s3_event, s3_record, s3_test_event
from tests.servers import wait_until


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    with moto_running(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture
def landing(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> Landing:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(queue_inbox, "WAIT_S", 0)  # this server tells all that it has at once
    found = make_landing(aws)
    add_dbc(found.store)
    return found


def drained(landing: Landing) -> list[Tally]:
    """What one drain made of the queue."""
    with open_inbox(landing.store, landing.queue_url) as inbox:
        batches = list(drain(landing.store, inbox, DecoderHere(landing.store), budget_s=60))
    return [item for batch in batches for item in batch.values()]


def event_of(landing: Landing, raw: RawObject, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    return s3_event(s3_record(landing.bucket, f"lake/{raw.key}", name))


def test_what_lands_is_announced_decoded_and_acknowledged_without_a_listing(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    raws = [land(landing.store, "EV_1", NOON + day * DAY_NS) for day in (-400, 0, 1)]
    waiting, _ = wait_until(lambda: landing.messages()[0] >= 3 and landing.messages(), "S3 to announce them")
    assert waiting >= 3
    listed: list[str] = []
    honest = Store.list_objects

    def list_objects(self: Store, prefix: str) -> Any:
        listed.append(prefix)
        return honest(self, prefix)

    monkeypatch.setattr(Store, "list_objects", list_objects)
    assert open_inbox(landing.store, landing.queue_url).rings()
    assert sum(item.decoded for item in drained(landing)) == 3
    assert {prefix for prefix in listed if not prefix.startswith(layout.DBC)} == set()
    assert landing.messages() == (0, 0)
    assert not open_inbox(landing.store, landing.queue_url).rings()
    for raw in raws:
        assert ledger.read_ledger(landing.store, raw.partition).decoded == {raw}


def test_what_comes_twice_is_decoded_once(landing: Landing) -> None:
    raw = land(landing.store, "EV_1")
    for _ in range(3):
        landing.send(event_of(landing, raw))
    assert sum(item.decoded for item in drained(landing)) == 1
    written = landing.store.head(raw.decoded_key)
    landing.send(event_of(landing, raw))
    assert drained(landing) == []
    assert landing.store.head(raw.decoded_key) == written
    assert landing.messages() == (0, 0)


def test_an_object_that_was_written_over_is_decoded_again(landing: Landing) -> None:
    raw = land(landing.store, "EV_1", count=100)
    drained(landing)
    assert land(landing.store, "EV_1", count=40) == raw
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    (item,) = drained(landing)
    assert item.report.rows == 40


def test_what_is_no_news_of_a_raw_object_is_acknowledged_and_counted(landing: Landing) -> None:
    drained(landing)
    raw = RawObject.starting("EV_1", NOON)
    landing.send(s3_test_event(landing.bucket))
    landing.send(event_of(landing, raw, "ObjectRemoved:Delete"))
    landing.send(s3_event(s3_record("another-bucket", f"lake/{raw.key}")))
    landing.send(s3_event(s3_record(landing.bucket, "elsewhere/x"), s3_record(landing.bucket, "lake/dbc/x")))
    with open_inbox(landing.store, landing.queue_url) as inbox:
        assert inbox.waiting(10) == []
        assert isinstance(inbox, QueueInbox)
        assert inbox.ignored == 5
    assert landing.messages() == (0, 0)


def test_an_object_that_is_gone_is_acknowledged(landing: Landing) -> None:
    landing.send(event_of(landing, RawObject.starting("EV_GONE", NOON)))
    assert drained(landing) == []
    assert landing.messages() == (0, 0)


def test_a_stray_is_quarantined_whatever_its_key(landing: Landing) -> None:
    key = "raw/vehicle_id=EV 1/käse+100%.parquet"
    landing.store.put(key, b"stray")
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    drained(landing)
    assert landing.store.get(quarantine_key_of(key)) == b"stray"
    assert landing.messages() == (0, 0)


@pytest.mark.parametrize(
    "body", ["{ torn", "[]", '{"Records": 1}', '{"Records": [{"eventName": "ObjectCreated:Put"}]}']
)
def test_a_message_that_nobody_understands_is_kept_for_a_person(landing: Landing, body: str) -> None:
    landing.send(body)
    assert drained(landing) == []
    assert landing.messages() == (0, 0)
    (kept,) = landing.store.list_objects("quarantine/queue")
    assert body.replace('"', '\\"').encode() in landing.store.get(kept.key)


def test_poison_is_quarantined_and_acknowledged(landing: Landing) -> None:
    raw = RawObject.starting("EV_1", NOON)
    landing.store.put(raw.key, b"PAR1 torn")
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    (item,) = drained(landing)
    assert list(item.quarantined) == [raw.key]
    assert landing.messages() == (0, 0)


def test_a_vehicle_without_database_leaves_the_queue_and_comes_back_with_one(landing: Landing) -> None:
    landing.store.put(layout.BINDINGS, b"bindings: [{vehicles: EV_1, dbc: missing.dbc}]")
    raws = [land(landing.store, "EV_1", NOON + minute * 60 * SECOND) for minute in range(3)]
    wait_until(lambda: landing.messages()[0] >= 3, "S3 to announce them")
    (item,) = drained(landing)
    assert len(item.failed) == 3
    assert landing.messages() == (0, 0)
    assert not open_inbox(landing.store, landing.queue_url).rings(), "nobody is rung for them in vain"
    another_day = land(landing.store, "EV_1", NOON + DAY_NS)
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    assert drained(landing) == []
    landing.store.put(layout.BINDINGS, b"bindings: [{vehicles: EV_1, dbc: ev_powertrain.dbc}]")
    assert open_inbox(landing.store, landing.queue_url).rings()
    drained(landing)
    assert ledger.read_ledger(landing.store, another_day.partition).decoded == {another_day}
    assert ledger.read_ledger(landing.store, raws[0].partition).decoded == set(raws)
    assert not open_inbox(landing.store, landing.queue_url).rings()


def test_a_store_that_does_not_answer_leaves_the_message_to_come_again(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = land(landing.store, "EV_1")
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    monkeypatch.setattr("telemetry_pipeline.drain.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(queue_inbox, "FIRST_WAIT_S", 2)
    honest = Store.get

    def get(self: Store, key: str) -> bytes:
        if key == raw.key:
            raise TransientError("the store does not answer", key)
        return honest(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "get", get)
        (item,) = drained(landing)
    assert list(item.failed) == [raw.key]
    assert sum(landing.messages()) == 1
    wait_until(lambda: landing.messages()[0], "the message to come again")
    (item,) = drained(landing)
    assert item.decoded == 1
    assert landing.messages() == (0, 0)


def test_a_message_of_several_objects_goes_when_the_last_of_them_is_settled(landing: Landing) -> None:
    raws = [land(landing.store, "EV_1", NOON + minute * 60 * SECOND) for minute in range(2)]
    wait_until(lambda: landing.messages()[0] >= 2, "S3 to announce them")
    drained(landing)
    for raw in raws:
        landing.store.delete(raw.decoded_key)
    landing.send(s3_event(*(s3_record(landing.bucket, f"lake/{raw.key}") for raw in raws)))
    with open_inbox(landing.store, landing.queue_url) as inbox:
        assert sorted(inbox.waiting(10)) == raws
        inbox.settle(raws[0])
        inbox.save()
        assert landing.messages() == (0, 1)
        inbox.settle(raws[1])
        inbox.save()
        assert landing.messages() == (0, 0)


def test_whoever_dies_with_messages_in_hand_gives_them_back(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained(landing)
    raw = land(landing.store, "EV_1")
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    with open_inbox(landing.store, landing.queue_url) as inbox:
        assert inbox.waiting(10) == [raw]
        assert open_inbox(landing.store, landing.queue_url).waiting(10) == [], "it is in somebody's hands"
    assert landing.messages() == (1, 0), "an orderly end gives back at once"
    with monkeypatch.context() as patch:
        patch.setattr(queue_inbox, "HOLD_S", 4)
        dead = open_inbox(landing.store, landing.queue_url)
        assert dead.waiting(10) == [raw]
    wait_until(lambda: landing.messages() == (1, 0), "the queue to give up on them")
    assert open_inbox(landing.store, landing.queue_url).waiting(10) == [raw]


def test_messages_are_held_for_as_long_as_they_are_worked_on(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = land(landing.store, "EV_1")
    wait_until(lambda: landing.messages()[0], "S3 to announce it")
    now = time.monotonic()
    monkeypatch.setattr(queue_inbox, "time", SimpleNamespace(monotonic=lambda: now))
    renewed: list[list[int]] = []
    honest = Queue.hold

    def hold(self: Queue, waits: Any) -> None:
        waits = list(waits)
        renewed.append([wait_s for _, wait_s in waits])
        honest(self, waits)

    monkeypatch.setattr(Queue, "hold", hold)
    with open_inbox(landing.store, landing.queue_url) as inbox:
        with monkeypatch.context() as patch:
            patch.setattr(queue_inbox, "HOLD_S", 8)
            assert inbox.waiting(10) == [raw]
        received = time.monotonic()
        for _ in range(3):
            inbox.keep()
            now += 0.6 * queue_inbox.HOLD_S
        inbox.keep()
        assert renewed == [[], *[[queue_inbox.HOLD_S]] * 3]
        wait_until(lambda: time.monotonic() > received + 8, "the first of its times to be over")
        assert landing.messages() == (0, 1), "it slipped out of hand"
        inbox.settle(raw)
    assert landing.messages() == (0, 0)


def test_a_queue_that_is_not_there_says_so(landing: Landing) -> None:
    with pytest.raises(BadSetting, match="TELEMETRY_INBOX_QUEUE"):
        open_inbox(landing.store, f"{landing.queue_url}-not").rings()


def test_a_queue_that_does_not_answer_is_transient(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("http://127.0.0.1:1/123456789012/none")

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url=queue.url)

    monkeypatch.setattr(queue._client, "get_queue_attributes", refuse)
    with pytest.raises(TransientError):
        queue.depth()


def test_a_folder_has_no_events(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadSetting, match="a folder has no events"):
        open_inbox(folder_lake, "https://sqs.eu-west-1.amazonaws.com/123456789012/raw")
    with pytest.raises(BadSetting, match="not the URL"):
        Queue("raw")
