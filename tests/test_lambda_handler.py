"""The Lambda door, on a real S3 server: every record, each object once, and only what failed comes again."""

import json
from dataclasses import dataclass
from typing import Any

import polars as pl
import pytest

from telemetry_pipeline import lambda_handler
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import partition_total
from tests.raw_lake import EV_DBC, NOON, SECOND, add_dbc, frames, land
from tests.s3_notifications import s3_event, s3_record, s3_test_event, sqs_event
from tests.s3_server import BUCKET, S3Server
from tests.servers import free_port

BOUND = b"bindings:\n  - vehicles: ['EV_*']\n    dbc: [ev_powertrain.dbc]\n"


@dataclass
class Context:
    """What Lambda hands over, as far as it is used."""

    function_name: str = "decoder"
    remaining_ms: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@pytest.fixture
def store(s3_lake: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty lake in a bucket, with a database; the function's settings name it."""
    monkeypatch.setenv("TELEMETRY_LAKE", s3_lake)
    lambda_handler._worker.cache_clear()
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    add_dbc(store)
    return store


def created(store: Store, key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """The record for a key of this lake: S3 knows the whole key, with the lake's prefix."""
    return s3_record(BUCKET, f"{store.url.removeprefix(f's3://{BUCKET}/')}/{key}", name)


def invoke(event: dict[str, Any], context: Any = None) -> dict[str, Any]:
    return lambda_handler.handler(event, context or Context())


def failed_messages(answer: dict[str, Any]) -> list[str]:
    assert set(answer) == {"batchItemFailures"}
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_an_announced_object_is_decoded(store: Store) -> None:
    raw = land(store, "EV_001")
    counts = invoke(s3_event(created(store, raw.key)))
    assert (counts["ObjectsDecoded"], counts["FramesDecoded"]) == (1, 100)
    table = pl.read_parquet(store.get(raw.decoded_key))
    rpm = table.filter(pl.col("signal_name") == "Motor_RPM")["value"]
    assert rpm.to_list() == list(map(float, range(100)))


def test_keys_are_read_as_they_are_stored(store: Store) -> None:
    raw = RawObject(RawObject.starting("EV_001", NOON).partition, "a drive + 100% of it = é")
    store.put(raw.key, parquet.write_raw(frames("EV_001", NOON, 10)))
    record = created(store, raw.key)
    assert "+" in record["s3"]["object"]["key"]
    assert "%2B" in record["s3"]["object"]["key"]
    assert invoke(s3_event(record))["ObjectsDecoded"] == 1
    assert store.head(raw.decoded_key) is not None


def test_every_record_of_every_message_counts_and_only_failed_messages_come_again(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.put(layout.BINDINGS, BOUND)
    good = [land(store, "EV_001", NOON + k * 60 * SECOND) for k in range(3)]
    stranger = land(store, "TRUCK")
    broken = RawObject.starting("EV_002", NOON)
    store.put(broken.key, b"not Parquet")
    answer = invoke(
        sqs_event(
            two=s3_event(created(store, good[0].key), created(store, good[1].key)),
            garbage="}{",
            nothing={"hello": "world"},
            mixed=s3_event(created(store, good[2].key), created(store, stranger.key)),
            broken=s3_event(created(store, broken.key)),
            removed=s3_event(created(store, good[0].key, "ObjectRemoved:Delete")),
            other=s3_event(
                created(store, "dbc/new.dbc"),
                created(store, good[0].decoded_key),
                s3_record("elsewhere", good[0].key),
                s3_record(BUCKET, good[0].key),
            ),
            test=s3_test_event(BUCKET),
        )
    )
    assert failed_messages(answer) == ["garbage", "nothing", "mixed"]
    assert ledger.read_ledger(store, good[0].partition).pending == []
    assert ledger.read_ledger(store, stranger.partition).pending == [stranger]
    assert ledger.read_ledger(store, broken.partition).quarantined == {broken}

    *objects, summary = lines(capsys)
    assert {line["raw_key"]: line["status"] for line in objects} == {
        **{raw.key: "decoded" for raw in good},
        stranger.key: "failed",
        broken.key: "quarantined",
    }
    (why,) = [line["reason"] for line in objects if line["status"] == "failed"]
    assert "TRUCK" in why
    (directive,) = summary["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CanTelemetry"
    assert directive["Dimensions"] == [["FunctionName"]]
    assert summary["FunctionName"] == "decoder"
    metrics = {metric["Name"]: summary[metric["Name"]] for metric in directive["Metrics"]}
    assert metrics == {
        "FramesDecoded": 300,
        "DecodeErrors": 0,
        "UnknownIds": 0,
        "ObjectsDecoded": 3,
        "ObjectsDoneBefore": 0,
        "ObjectsQuarantined": 1,
        "ObjectsGone": 0,
        "ObjectsFailed": 1,
        "RecordsIgnored": 6,
        "MessagesFailed": 3,
    }


def test_an_event_straight_from_s3_raises_for_what_stays_pending_and_finishes_the_rest(store: Store) -> None:
    store.put(layout.BINDINGS, BOUND)
    good, stranger = land(store, "EV_001"), land(store, "TRUCK")
    event = s3_event(created(store, stranger.key), created(store, good.key))
    with pytest.raises(TransientError, match=r"1 of 2 raw objects stay pending .*TRUCK"):
        invoke(event)
    assert store.head(good.decoded_key) is not None
    # AWS tries the same event again, after somebody has bound a database
    store.delete(layout.BINDINGS)
    counts = invoke(event)
    assert (counts["ObjectsDecoded"], counts["ObjectsDoneBefore"]) == (1, 1)


def test_an_object_is_decoded_once_however_often_it_is_announced(store: Store) -> None:
    raw = land(store, "EV_001")
    event = sqs_event(a=s3_event(*[created(store, raw.key)] * 3), b=s3_event(created(store, raw.key)))
    assert failed_messages(invoke(event)) == []
    before = store.head(raw.decoded_key)
    counts = invoke(s3_event(created(store, raw.key)))
    assert (counts["ObjectsDecoded"], counts["ObjectsDoneBefore"]) == (0, 1)
    assert store.head(raw.decoded_key) == before
    assert partition_total(store, raw.partition).rows == 100


def test_an_object_that_was_written_over_is_decoded_again(store: Store) -> None:
    raw = land(store, "EV_001", count=100)
    event = s3_event(created(store, raw.key))
    invoke(event)
    land(store, "EV_001", count=70)
    assert invoke(event)["FramesDecoded"] == 70
    assert partition_total(store, raw.partition).rows == 70
    assert invoke(event)["ObjectsDoneBefore"] == 1


def test_quarantined_bytes_are_done_until_they_change(store: Store) -> None:
    raw = RawObject.starting("EV_001", NOON)
    store.put(raw.key, b"not Parquet")
    event = s3_event(created(store, raw.key))
    assert invoke(event)["ObjectsQuarantined"] == 1
    assert invoke(event)["ObjectsDoneBefore"] == 1
    store.put(raw.key, b"not Parquet either")
    assert invoke(event)["ObjectsQuarantined"] == 1
    store.delete(raw.quarantine_key)
    assert invoke(event)["ObjectsQuarantined"] == 1
    land(store, "EV_001")
    assert invoke(event)["ObjectsDecoded"] == 1


def test_an_object_that_is_gone_is_done(store: Store) -> None:
    raw = land(store, "EV_001")
    event = s3_event(created(store, raw.key))
    store.delete(raw.key)
    assert invoke(event)["ObjectsGone"] == 1
    land(store, "EV_001")
    invoke(event)
    store.delete(raw.key)
    assert invoke(event)["ObjectsGone"] == 1


def test_a_changed_database_is_used_by_a_warm_function(store: Store) -> None:
    first, second = land(store, "EV_001"), land(store, "EV_001", NOON + 60 * SECOND)
    invoke(s3_event(created(store, first.key)))
    databases = lambda_handler._worker()._cache.current()
    assert lambda_handler._worker()._cache.current() is databases
    text = EV_DBC.read_bytes().replace(b"Motor_RPM", b"Motor_Speed")
    store.put(f"{layout.DBC}{EV_DBC.name}", text)
    invoke(s3_event(created(store, second.key)))
    names = [set(pl.read_parquet(store.get(raw.decoded_key))["signal_name"]) for raw in (first, second)]
    assert "Motor_RPM" in names[0]
    assert {"Motor_Speed"} <= names[1]
    assert "Motor_RPM" not in names[1]


def test_what_there_is_no_time_for_comes_again(store: Store) -> None:
    raws = [land(store, "EV_001", NOON + k * 60 * SECOND) for k in range(3)]
    event = sqs_event(**{str(k): s3_event(created(store, raw.key)) for k, raw in enumerate(raws)})
    # one at least, or a function with a short limit would never get anywhere
    assert failed_messages(invoke(event, Context(remaining_ms=1))) == ["1", "2"]
    assert failed_messages(invoke(event)) == []
    assert ledger.read_ledger(store, raws[0].partition).pending == []


def test_a_fault_nobody_thought_of_is_one_objects_own(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    raws = [land(store, "EV_001", NOON + k * 60 * SECOND) for k in range(2)]
    real = lambda_handler.process_objects

    def fail_on_the_first(store: Store, databases: Any, wanted: list[RawObject]) -> Any:
        if wanted == raws[:1]:
            raise ZeroDivisionError("surprise")
        return real(store, databases, wanted)

    monkeypatch.setattr(lambda_handler, "process_objects", fail_on_the_first)
    event = sqs_event(**{str(k): s3_event(created(store, raw.key)) for k, raw in enumerate(raws)})
    assert failed_messages(invoke(event)) == ["0"]
    assert "surprise" in caplog.text
    assert store.head(raws[1].decoded_key) is not None


def test_a_store_that_does_not_answer_raises(
    store: Store, s3_lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    lambda_handler._worker.cache_clear()
    with pytest.raises(TransientError):
        invoke(s3_event(created(store, RawObject.starting("EV_001", NOON).key)))


@pytest.mark.parametrize(
    "event",
    [{}, [], {"Records": 1}, {"Records": [{"eventSource": "aws:s3"}]}, {"detail-type": "Object Created"}],
)
def test_events_of_strangers_are_refused(store: Store, event: Any) -> None:
    with pytest.raises(BadSetting, match=r"not one of S3|not a JSON object"):
        invoke(event)


def test_a_test_event_of_s3_is_no_work(store: Store) -> None:
    counts = invoke(s3_test_event(BUCKET))
    assert counts["RecordsIgnored"] == 1
    assert sum(counts.values()) == 1


def test_a_folder_is_no_lake_for_a_function(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEMETRY_LAKE", tmp_path.as_uri())
    lambda_handler._worker.cache_clear()
    with pytest.raises(BadSetting, match="not a bucket"):
        invoke(s3_test_event(BUCKET))
