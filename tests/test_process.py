"""One raw object in: one receipt, its spilled rows, or a quarantined copy. Nothing is lost, nothing counted twice."""

import io
import json
import os
import time
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline import process
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.drain import DecoderHere, drain, tally
from telemetry_pipeline.errors import BadDbc, NotFound, TransientError
from telemetry_pipeline.inbox.folder_inbox import FolderInbox
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import DAY_NS, DecodedObject, RawObject
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.process import Outcome, partition_total, process_object, process_objects
from tests.raw_lake import EV_DBC, NOON, SECOND, add_dbc, frames, land

MIDNIGHT = NOON + DAY_NS // 2


def decode_one(store: Store, raw: RawObject) -> Outcome:
    return process_object(store, raw, Databases.load(store).plan_for(raw.partition.vehicle_id))


def footer_of(store: Store, key: str) -> dict[str, str]:
    return parquet.read_footer(parquet.open_object(store.get(key), key))


def values(store: Store, key: str) -> pl.DataFrame:
    return pl.read_parquet(store.get(key))


def test_a_raw_object_becomes_one_decoded_object(any_lake: Store) -> None:
    add_dbc(any_lake)
    raw = land(any_lake, "EV_001")
    outcome = decode_one(any_lake, raw)
    assert outcome.report is not None
    assert (outcome.report.rows, outcome.report.decoded_frames) == (100, 100)
    table = values(any_lake, raw.decoded_key)
    rpm = table.filter(pl.col("signal_name") == "Motor_RPM")
    assert rpm["value"].to_list() == list(map(float, range(100)))
    assert rpm["unit"].unique().to_list() == ["rpm"]
    assert table["vehicle_id"].unique().to_list() == ["EV_001"]
    assert table.height == 300
    footer = footer_of(any_lake, raw.decoded_key)
    assert footer["raw_key"] == raw.key
    assert footer["raw_digest"] == digest(any_lake.get(raw.key))
    assert json.loads(footer["dbc"]) == [{"name": "ev_powertrain.dbc", "sha256": digest(EV_DBC.read_bytes())}]
    assert Report.from_dict(json.loads(footer["report"])).values == 300


def test_decoding_again_writes_the_same_bytes(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_001", MIDNIGHT - SECOND, count=300)
    decode_one(folder_lake, raw)
    keys = [raw.decoded_key, raw.spill(1).key]
    before = [folder_lake.get(key) for key in keys]
    decode_one(folder_lake, raw)
    assert [folder_lake.get(key) for key in keys] == before


def test_rows_after_midnight_are_found_in_their_own_day(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_001", MIDNIGHT - SECOND, count=300)
    outcome = decode_one(folder_lake, raw)
    assert outcome.report is not None
    assert outcome.report.rows == 300
    own, spilled = values(folder_lake, raw.decoded_key), values(folder_lake, raw.spill(1).key)
    assert own.height == 300
    assert spilled.height == 600
    assert spilled["timestamp"].cast(pl.Int64).min() == MIDNIGHT
    assert json.loads(footer_of(folder_lake, raw.decoded_key)["total"])["rows"] == 300
    assert "total" not in footer_of(folder_lake, raw.spill(1).key)
    assert partition_total(folder_lake, raw.partition).rows == 300
    assert partition_total(folder_lake, raw.partition.shifted(1)).rows == 0
    # a spilled object is nobody's receipt
    assert ledger.read_ledger(folder_lake, raw.partition.shifted(1)).raw == frozenset()


def test_rows_before_midnight_go_to_the_day_before(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", MIDNIGHT)
    folder_lake.put(raw.key, parquet.write_raw(frames("EV_001", MIDNIGHT - SECOND, 300)))
    decode_one(folder_lake, raw)
    assert values(folder_lake, raw.spill(-1).key).height == 300
    assert values(folder_lake, raw.decoded_key).height == 600


def test_rows_far_off_stay_where_they_are_and_are_counted(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    table = pa.concat_tables([frames("EV_001", 0, 50), frames("EV_001", NOON, 20)])
    folder_lake.put(raw.key, parquet.write_raw(table))
    outcome = decode_one(folder_lake, raw)
    assert outcome.report is not None
    assert outcome.report.outside_day == 50
    assert values(folder_lake, raw.decoded_key).height == 3 * 70
    decoded = [DecodedObject.parse(info.key) for info in folder_lake.list_objects("decoded/")]
    assert [item.partition for item in decoded] == [raw.partition]
    assert json.loads(footer_of(folder_lake, raw.decoded_key)["total"])["outside_day"] == 50
    assert partition_total(folder_lake, raw.partition).outside_day == 50


def test_an_object_under_a_wholly_wrong_day_goes_to_quarantine(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    folder_lake.put(raw.key, parquet.write_raw(frames("EV_001", 0, 50)))
    assert (
        "none of its rows lies in 2026-02-23 or a day beside it" in decode_one(folder_lake, raw).quarantined
    )


def test_the_key_says_whose_frames_they_are(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    folder_lake.put(raw.key, parquet.write_raw(frames("SOMEBODY_ELSE", NOON, 10)))
    outcome = decode_one(folder_lake, raw)
    assert values(folder_lake, raw.decoded_key)["vehicle_id"].unique().to_list() == ["EV_001"]
    assert outcome.report is not None
    assert outcome.report.other_vehicle == 10


@pytest.mark.parametrize("body", [b"", b"PAR1", b"<html>not found</html>", b"PAR1" + b"\0" * 100 + b"PAR1"])
def test_bytes_that_are_no_frames_go_to_quarantine(any_lake: Store, body: bytes) -> None:
    add_dbc(any_lake)
    raw = RawObject.starting("EV_001", NOON)
    any_lake.put(raw.key, body)
    good = land(any_lake, "EV_001", NOON + 60 * SECOND)
    outcomes = list(process_objects(any_lake, Databases.load(any_lake), [raw, good]))
    assert raw.key in outcomes[0].quarantined
    assert outcomes[1].report is not None
    assert any_lake.get(raw.quarantine_key) == body
    assert any_lake.get(raw.key) == body
    reason = json.loads(any_lake.get(raw.reason_key))
    assert reason["raw_key"] == raw.key
    assert reason["bytes"] == len(body)
    assert "not a readable Parquet file" in reason["reason"]
    assert ledger.read_ledger(any_lake, raw.partition).pending == []


def test_a_raw_object_without_a_column_says_which(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = RawObject.starting("EV_001", NOON)
    sink = io.BytesIO()
    pq.write_table(pa.table({"timestamp": [1], "data": [b"a"]}), sink)
    folder_lake.put(raw.key, sink.getvalue())
    outcome = decode_one(folder_lake, raw)
    assert "columns arb_id, dlc, vehicle_id are missing" in outcome.quarantined


def test_a_raw_object_that_is_gone_is_not_found(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    with pytest.raises(NotFound):
        decode_one(folder_lake, RawObject.starting("EV_001", NOON))


def test_without_a_database_everything_stays_pending(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_001")
    with pytest.raises(BadDbc, match=r"no CAN database decodes vehicle EV_001.*telemetry dbc add"):
        Databases.load(folder_lake).plan_for("EV_001")
    (item,) = tally(DecoderHere(folder_lake).decode([raw])).values()
    assert list(item.failed) == [raw.key]
    assert ledger.read_ledger(folder_lake, raw.partition).pending == [raw]


def test_a_broken_database_does_not_stop_the_others(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    folder_lake.put("dbc/broken.dbc", b"this is no database")
    databases = Databases.load(folder_lake)
    assert list(databases.broken) == ["broken.dbc"]
    assert "\n" not in str(databases.broken["broken.dbc"])
    assert databases.plan_for("EV_001").digests[0][0] == "ev_powertrain.dbc"


def test_a_drain_empties_the_inbox_whatever_the_day(any_lake: Store) -> None:
    add_dbc(any_lake)
    raws = [
        land(any_lake, vehicle, NOON + day * DAY_NS, count=10)
        for vehicle in ("EV_1", "EV_2")
        for day in (0, 3, 400)
    ]
    inbox = open_inbox(any_lake)
    tallies = [
        item
        for batch in drain(any_lake, inbox, DecoderHere(any_lake), budget_s=60)
        for item in batch.values()
    ]
    assert {item.partition for item in tallies} == {raw.partition for raw in raws}
    assert sum(item.report.rows for item in tallies) == 60
    assert open_inbox(any_lake).waiting(10) == []


def test_a_late_object_in_an_old_day_is_found(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    land(folder_lake, "EV_1", NOON)
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    late = land(folder_lake, "EV_1", NOON - 3600 * SECOND)
    assert open_inbox(folder_lake).waiting(10) == [late]


def test_a_quiet_directory_is_not_listed_again(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", NOON)
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert folder_lake.root is not None
    folder = folder_lake.root / raw.partition.prefix(layout.RAW)
    os.utime(folder, ns=(NOON, NOON))  # as if the last change were long ago
    inbox = open_inbox(folder_lake)
    assert inbox.waiting(10) == []
    inbox.save()
    listed: list[object] = []
    monkeypatch.setattr(ledger, "read_ledger", lambda store, partition: listed.append(partition))
    assert FolderInbox(folder_lake, folder_lake.root).waiting(10) == []
    assert listed == []


def test_a_vehicle_without_database_is_set_aside_until_one_comes(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1", NOON)
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert open_inbox(folder_lake).waiting(10) == []
    add_dbc(folder_lake)
    assert open_inbox(folder_lake).waiting(10) == [raw]


def test_a_lost_memory_loses_nothing(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1", NOON)
    folder_lake.put("_state/inbox.json", b"{ torn")
    assert open_inbox(folder_lake).waiting(10) == [raw]


def stumble_over(monkeypatch: pytest.MonkeyPatch, culprit: RawObject) -> list[str]:
    """Make the decoder raise what nobody foresaw on one object; give the keys that were tried."""
    tried: list[str] = []
    honest = process.process_object

    def decode(store: Store, raw: RawObject, plan: Plan, *rest: Any) -> Outcome:
        tried.append(raw.key)
        if raw == culprit:
            raise ZeroDivisionError("of all things\nsecond line")
        return honest(store, raw, plan, *rest)

    monkeypatch.setattr(process, "process_object", decode)
    return tried


def test_a_fault_of_ours_stops_nothing_and_is_not_tried_for_ever(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    add_dbc(folder_lake)
    bad, good = land(folder_lake, "EV_1", NOON), land(folder_lake, "EV_1", NOON + 60 * SECOND)
    tried = stumble_over(monkeypatch, bad)
    (batch,) = drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60)
    (item,) = batch.values()
    assert item.decoded == 1
    assert "ZeroDivisionError: of all things" in item.failed[bad.key]
    assert "\n" not in item.failed[bad.key]
    assert "Traceback" in caplog.text
    assert ledger.read_ledger(folder_lake, bad.partition).pending == [bad]
    assert tried == [bad.key, good.key]
    # nobody is rung for it again, but what lands beside it is found
    assert open_inbox(folder_lake).waiting(10) == []
    late = land(folder_lake, "EV_1", NOON + 120 * SECOND)
    assert open_inbox(folder_lake).waiting(10) == [late]
    # until a database or the code changes
    folder_lake.put("dbc/other.dbc", b"")
    assert bad in open_inbox(folder_lake).waiting(10)
    folder_lake.delete("dbc/other.dbc")
    monkeypatch.setattr("telemetry_pipeline.inbox.aside.__version__", "99.0")
    assert bad in open_inbox(folder_lake).waiting(10)


@pytest.mark.parametrize("verb", ["get", "put"])
def test_a_store_that_does_not_answer_leaves_objects_pending(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    add_dbc(folder_lake)
    bad, good = land(folder_lake, "EV_1", NOON), land(folder_lake, "EV_1", NOON + 60 * SECOND)
    honest = getattr(folder_lake, verb)

    def answer(key: str, *args: bytes, **kwargs: bool) -> object:
        if bad.stem in key:
            raise TransientError("the store does not answer", key)
        return honest(key, *args, **kwargs)

    monkeypatch.setattr(folder_lake, verb, answer)
    monkeypatch.setattr("telemetry_pipeline.drain.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("telemetry_pipeline.inbox.aside.FIRST_WAIT_S", 3600.0)
    first, *_, last = drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60)
    assert [item.decoded for item in first.values()] == [1]
    assert [(list(item.failed), item.transient) for item in last.values()] == [([bad.key], True)]
    monkeypatch.undo()
    assert open_inbox(folder_lake).waiting(10) == [], "nobody is rung for it at once"
    later = SimpleNamespace(time=lambda: time.time() + 2 * 3600)
    monkeypatch.setattr("telemetry_pipeline.inbox.aside.time", later)
    assert open_inbox(folder_lake).waiting(10) == [bad], (
        "it is asked for again, once there was time to mend it"
    )
    assert ledger.read_ledger(folder_lake, good.partition).decoded == {good}


def test_one_name_on_two_days_is_two_objects(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    one = RawObject(RawObject.starting("EV_1", NOON).partition, "trip")
    other = RawObject(one.partition.shifted(1), "trip")
    folder_lake.put(one.key, parquet.write_raw(frames("EV_1", MIDNIGHT - SECOND, 300)))
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    folder_lake.put(other.key, parquet.write_raw(frames("EV_1", MIDNIGHT + SECOND, 50)))
    assert open_inbox(folder_lake).waiting(10) == [other]
    list(drain(folder_lake, open_inbox(folder_lake), DecoderHere(folder_lake), budget_s=60))
    assert values(folder_lake, one.decoded_key).height == 3 * 100
    assert values(folder_lake, one.spill(1).key).height == 3 * 200
    assert values(folder_lake, other.decoded_key).height == 3 * 50
