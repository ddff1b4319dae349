"""Every hostile case of the corpus, landed in a lake and drained: nothing lost, nothing silent, nothing blocked.

What each case must give is written in the corpus' manifest; where it leaves the choice, `EITHER` states ours.
Damaged databases and logs are other tests' business.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl
import pytest

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.errors import BadKey, TransientError
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import quarantine_key_of
from tests.corpus import CORPUS, needs_corpus

pytestmark = needs_corpus

ELSEWHERE: Final = {"dbc", "log"}
WITHOUT_PARTITION: Final = {"vehicle_empty_path", "no_vehicle_in_path", "vehicle_names", "object_keys"}

DECODED, QUARANTINED = "decoded", "quarantined"

EITHER: Final = {
    # cases that the manifest leaves open, and what docs/data-contract.md says of them
    "missing_vehicle_id": QUARANTINED,
    "upper_case_columns": QUARANTINED,
    "arb_id_string_hex": QUARANTINED,
    "arb_id_float": DECODED,
    "timestamp_int64_ns": DECODED,
    "timestamp_int64_ms": QUARANTINED,
    "timestamp_float_seconds": QUARANTINED,
    "timestamp_text": QUARANTINED,
    "data_hex_text": QUARANTINED,
    "data_list_uint8": DECODED,
    "vehicle_id_int": DECODED,
    "dlc_less_than_data": DECODED,
    "data_longer_than_8_fd": DECODED,
    "null_vehicle_id": DECODED,
    "null_dlc": DECODED,
    "ts_1970": QUARANTINED,
    "duplicate_rows": DECODED,
    "same_file_twice": DECODED,
    "overlapping_files": DECODED,
    "vehicle_mismatch": DECODED,
    "vehicle_mixed": QUARANTINED,
    "vehicle_empty": DECODED,
    "partition_date_wrong": QUARANTINED,
}

COUNTED: Final[dict[str, dict[str, int]]] = {
    # what a report must say beyond the manifest's rows, decodable, unknown_id and decode_error
    "arb_id_negative": {"bad_rows": 57, "decoded_frames": 157, "unknown_id": 186},
    "arb_id_float": {"bad_rows": 37},
    "id_all_ones": {"bad_rows": 50, "decoded_frames": 166, "unknown_id": 184},
    "data_longer_than_64": {"bad_rows": 10, "decoded_frames": 180, "unknown_id": 210},
    "null_timestamp": {"bad_rows": 40, "decoded_frames": 166, "unknown_id": 194},
    "null_arb_id": {"bad_rows": 45, "decoded_frames": 161, "unknown_id": 194},
    "null_data": {"bad_rows": 50, "decoded_frames": 166, "unknown_id": 184},
    "null_whole_rows": {"bad_rows": 24, "decoded_frames": 168, "unknown_id": 208},
    "null_vehicle_id": {"bad_rows": 0, "decoded_frames": 183, "unknown_id": 217, "other_vehicle": 0},
    "null_dlc": {"bad_rows": 0, "decoded_frames": 183, "unknown_id": 217},
    "ts_zero": {"outside_day": 100, "decoded_frames": 183},
    "ts_1969": {"outside_day": 100},
    "ts_2099": {"outside_day": 80},
    "ts_far_future": {"outside_day": 80},
    "id_ext_collides_with_std": {"decoded_frames": 91, "unknown_id": 309},
    "id_bit30_remote": {"skipped": 67, "decoded_frames": 142, "unknown_id": 191},
    "id_bit29_error": {"skipped": 67, "decoded_frames": 142, "unknown_id": 191},
    "vehicle_mismatch": {"other_vehicle": 400},
    "vehicle_id_int": {"other_vehicle": 400},
    "vehicle_empty": {"other_vehicle": 0},
    "duplicate_rows": {"rows": 800, "decoded_frames": 366, "unknown_id": 434},
    # a frame shorter than its message gives the signals that it holds
    "dlc_greater_than_data": {"decoded_frames": 169, "truncated": 23, "decode_error": 14},
    "crosses_new_year": {"outside_day": 0, "decoded_frames": 183, "unknown_id": 217},
}

REASONS: Final = {
    # what a quarantine's reason must name
    "missing_timestamp": "timestamp",
    "missing_arb_id": "arb_id",
    "missing_data": "data",
    "missing_vehicle_id": "vehicle_id",
    "renamed_columns": "found: ts, id, len, payload, veh",
    "duplicate_column_name": "arb_id are there twice",
    "ts_year_9999_ms": "out of bounds",
    "all_null_file": "none of its 50 rows is a frame",
    "timestamp_int64_ms": "not a timestamp",
    "vehicle_mixed": "3 vehicles",
    "partition_date_wrong": "none of its rows lies in 2021-10-22",
}


@dataclass
class Aftermath:
    """What draining a lake led to."""

    reports: dict[str, Report] = field(default_factory=dict)
    quarantined: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.reports or self.quarantined or self.failed)


def manifest() -> dict[str, Any]:
    if not CORPUS.is_dir():
        return {"hostile": []}
    loaded: dict[str, Any] = json.loads((CORPUS / "manifest.json").read_text())
    return loaded


def cases() -> Iterator[Any]:
    for case in manifest()["hostile"]:
        if case["category"] not in ELSEWHERE and case["id"] not in WITHOUT_PARTITION:
            yield pytest.param(case, id=case["id"])


def add_database(store: Store, case: dict[str, Any]) -> None:
    name = case.get("dbc_override", manifest()["hostile_base"]["dbc"])
    folder = CORPUS / "hostile" if "dbc_override" in case else CORPUS
    store.put("dbc/hostile.dbc", (folder / name).read_bytes())


def land(store: Store, case: dict[str, Any]) -> list[RawObject]:
    """Put a case's objects under their keys; give those whose keys are of raw objects."""
    raws = []
    for name in case["files"]:
        if name.endswith(".parquet"):
            key = "raw/" + name.partition("/raw/")[2]
            store.put(key, (CORPUS / name).read_bytes())
            with suppress(BadKey):
                raws.append(RawObject.parse(key))
    return raws


def control() -> tuple[RawObject, bytes]:
    """The undamaged base file, under a name of its own."""
    (case,) = (case for case in manifest()["hostile"] if case["id"] == "control_good")
    (name,) = case["files"]
    raw = RawObject.parse("raw/" + name.partition("/raw/")[2])
    return RawObject(raw.partition, f"{raw.stem}-9"), (CORPUS / name).read_bytes()


def drain_lake(store: Store) -> Aftermath:
    aftermath = Aftermath()
    inbox = open_inbox(store)
    for tallies in drain(store, inbox, DecoderHere(store), budget_s=120):
        for tally in tallies.values():
            aftermath.quarantined.update(tally.quarantined)
            aftermath.failed.update(tally.failed)
    for partition in ledger.all_partitions(store):
        for raw in ledger.read_ledger(store, partition).decoded:
            with store.open_file(raw.decoded_key) as file:
                footer = parquet.read_footer(parquet.open_object(file, raw.decoded_key))
            aftermath.reports[raw.key] = Report.from_dict(json.loads(footer["total"]))
    return aftermath


@pytest.mark.parametrize("case", cases())
def test_a_hostile_object(case: dict[str, Any], folder_lake: Store) -> None:
    add_database(folder_lake, case)
    raws = land(folder_lake, case)
    good, body = control()
    folder_lake.put(good.key, body)
    aftermath = drain_lake(folder_lake)

    assert aftermath.failed == {}
    assert good.key in aftermath.reports
    assert aftermath.reports[good.key].rows == 400
    for raw in raws:
        if wanted(case) == QUARANTINED:
            judge_quarantined(folder_lake, raw, aftermath, case)
        else:
            judge_decoded(folder_lake, raw, aftermath, case)
    for partition in ledger.all_partitions(folder_lake):
        assert ledger.read_ledger(folder_lake, partition).pending == []
    before = written(folder_lake)
    drain_lake(folder_lake)
    assert written(folder_lake) == before


def wanted(case: dict[str, Any]) -> str:
    if case["outcome"] == "either":
        return EITHER[case["id"]]
    if case["outcome"] == "quarantine_file":
        return QUARANTINED
    return DECODED


def judge_quarantined(store: Store, raw: RawObject, aftermath: Aftermath, case: dict[str, Any]) -> None:
    assert raw.key not in aftermath.reports
    assert raw.key in aftermath.quarantined[raw.key]
    assert store.get(raw.quarantine_key) == store.get(raw.key)
    reason = json.loads(store.get(raw.reason_key))
    assert reason["raw_key"] == raw.key
    assert REASONS.get(case["id"], "") in reason["reason"]
    assert store.head(raw.decoded_key) is None


def judge_decoded(store: Store, raw: RawObject, aftermath: Aftermath, case: dict[str, Any]) -> None:
    report = aftermath.reports[raw.key]
    assert report.adds_up()
    numbers = case["numbers"]
    said = {
        "rows": numbers.get("rows", numbers.get("rows_each", report.rows)),
        "decoded_frames": numbers.get("decodable", report.decoded_frames),
        "unknown_id": numbers.get("unknown_id", report.unknown_id),
        "decode_error": numbers.get("decode_error", report.decode_error),
    } | COUNTED.get(case["id"], {})
    assert {name: getattr(report, name) for name in said} == said
    if case["id"] == "control_good":
        assert pl.read_parquet(store.get(raw.decoded_key)).height == numbers["signal_values"]


def written(store: Store) -> dict[str, str]:
    """Everything that processing writes, with what changes when it is written again."""
    return {info.key: info.etag for zone in ("decoded", "quarantine") for info in store.list_objects(zone)}


STRAYS: Final = [
    "raw/vehicle_id=/year=2021/month=09/day=12/x_raw.parquet",
    "raw/year=2021/month=09/day=12/x_raw.parquet",
    "raw/vehicle_id=BRZ_001/year=2021/month=09/day=12/20210912T031514Z_raw_retry.parquet",
]


def odd_keys() -> list[str]:
    if not CORPUS.is_dir():
        return []
    names = json.loads((CORPUS / "hostile/vehicle_names/names.json").read_text())
    keys = json.loads((CORPUS / "hostile/object_keys/keys.json").read_text())
    return [*STRAYS, *(key for name in names for key in name["keys"]), *keys]


@pytest.mark.parametrize("key", odd_keys(), ids=lambda key: ascii(key)[:80])
def test_a_key_that_is_no_raw_key(key: str, folder_lake: Store) -> None:
    """It is refused by the store, is a raw key after all, or is found in quarantine under a harmless name."""
    good, body = control()
    add_database(folder_lake, {})
    folder_lake.put(good.key, body)
    with suppress(BadKey, TransientError):  # a folder has no room for names this long
        folder_lake.put(key, body)
    drain_lake(folder_lake)
    assert ledger.read_ledger(folder_lake, good.partition).pending == []
    landed = [info.key for info in folder_lake.list_objects(layout.RAW) if info.key != good.key]
    for stray in landed:
        with suppress(BadKey):
            RawObject.parse(stray)
            continue
        jail = quarantine_key_of(stray)
        assert folder_lake.get(jail) == body
        assert json.loads(folder_lake.get(f"{jail}.json"))["raw_key"] == stray
    assert all(info.key.isascii() for info in folder_lake.list_objects("quarantine"))
    assert {info.key.split("/")[0] for info in folder_lake.list_objects("")} <= {
        "raw",
        "decoded",
        "quarantine",
        "dbc",
        "dictionary",
        "_state",
    }
    assert all(vehicle.isascii() for vehicle in ledger.vehicles(folder_lake, layout.DECODED))


@pytest.mark.parametrize("key", odd_keys(), ids=lambda key: ascii(key)[:80])
def test_a_quarantine_key_is_one_that_every_store_takes(key: str) -> None:
    parts = quarantine_key_of(key).split("/")
    assert parts[0] == "quarantine"
    assert all(part.strip(".") and part.isprintable() and len(part) < 250 for part in parts)
    assert quarantine_key_of(key) != quarantine_key_of(f"{key}x")
