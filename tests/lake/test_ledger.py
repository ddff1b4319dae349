"""What is where in a lake, and whether a raw object is done with as it is now."""

import pytest

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import decoded_file, ledger, schema
from telemetry_pipeline.lake.layout import DECODED, DecodedObject
from telemetry_pipeline.lake.store import Store, digest
from tests.raw_lake import NOON, land

RECEIPT = schema.DECODED.empty_table()


def put_receipt(store: Store, raw, raw_digest: str) -> None:
    store.put(raw.decoded_key, decoded_file.write_decoded(RECEIPT, [], {"raw_digest": raw_digest}))


def test_a_new_object_is_not_settled(any_lake: Store) -> None:
    assert not ledger.settled(any_lake, land(any_lake, "EV_1"))


def test_a_receipt_settles_the_bytes_that_it_names(any_lake: Store) -> None:
    raw = land(any_lake, "EV_1")
    put_receipt(any_lake, raw, digest(any_lake.get(raw.key)))
    assert ledger.settled(any_lake, raw)
    any_lake.put(raw.key, b"something else")
    assert not ledger.settled(any_lake, raw)


def test_a_quarantined_copy_settles_the_bytes_that_it_has(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    folder_lake.put(raw.key, b"torn")
    folder_lake.put(raw.quarantine_key, b"torn")
    assert ledger.settled(folder_lake, raw)
    folder_lake.put(raw.key, b"torn in another place")
    assert not ledger.settled(folder_lake, raw)


def test_a_damaged_receipt_settles_nothing(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    folder_lake.put(raw.decoded_key, b"PAR1 torn")
    assert not ledger.settled(folder_lake, raw)


def test_a_receipt_without_its_object_is_not_found(folder_lake: Store) -> None:
    raw = land(folder_lake, "EV_1")
    put_receipt(folder_lake, raw, digest(folder_lake.get(raw.key)))
    folder_lake.delete(raw.key)
    with pytest.raises(NotFound):
        ledger.settled(folder_lake, raw)


def test_strangers_among_decoded_objects_are_passed_over(folder_lake: Store) -> None:
    raws = [land(folder_lake, "EV_1", NOON + minute * 60_000_000_000) for minute in (1, 0)]
    for raw in raws:
        put_receipt(folder_lake, raw, "")
    folder_lake.put(f"{raws[0].partition.prefix(DECODED)}notes.txt", b"-")
    found = ledger.decoded_objects(folder_lake, raws[0].partition)
    assert found == sorted(DecodedObject(raw.partition, raw.stem) for raw in raws)


def test_vehicles_are_those_with_raw_objects(any_lake: Store) -> None:
    assert ledger.vehicles(any_lake) == []
    for vehicle_id in ("EV_2", "EV_1"):
        land(any_lake, vehicle_id)
    any_lake.put("raw/notes/readme.txt", b"-")
    assert ledger.vehicles(any_lake) == ["EV_1", "EV_2"]
    assert ledger.vehicles(any_lake, DECODED) == []
