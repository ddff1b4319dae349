"""Reconciliation finds what no inbox announced, wherever it lies, and forgets nothing on the way."""

import json
import os

import pytest

from telemetry_pipeline import reconcile as module
from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.inbox.missed_inbox import MissedInbox, read_missed
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.reconcile import Look, reconcile
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import wait_until


def look_at_all(store: Store, *, budget_s: float = 60.0) -> Look:
    """A whole round, from its beginning."""
    store.delete(f"{layout.STATE}reconcile.json")
    return reconcile(store, budget_s=budget_s, grace_s=0.0)


def decode_missed(store: Store) -> int:
    with MissedInbox(store) as inbox:
        batches = list(drain(store, inbox, DecoderHere(store), budget_s=60))
    return sum(item.decoded for batch in batches for item in batch.values())


def test_whatever_no_one_announced_is_found_and_decoded(any_lake: Store) -> None:
    add_dbc(any_lake)
    raws = [land(any_lake, vehicle, NOON + day * DAY_NS) for vehicle in ("EV_1", "EV_2") for day in (-400, 0)]
    look = look_at_all(any_lake)
    assert (look.objects, set(look.missed)) == (4, {raw.partition for raw in raws})
    assert decode_missed(any_lake) == 4
    assert read_missed(any_lake) == []
    again = look_at_all(any_lake)
    assert (again.objects, again.missed) == (0, [])
    for raw in raws:
        assert ledger.read_ledger(any_lake, raw.partition).pending == []


def test_an_object_that_was_written_over_is_decoded_again_once(any_lake: Store) -> None:
    add_dbc(any_lake)
    raw = land(any_lake, "EV_1", count=100)
    look_at_all(any_lake)
    decode_missed(any_lake)
    assert look_at_all(any_lake).objects == 0

    def write_over() -> bool:
        # a bucket's times are whole seconds
        land(any_lake, "EV_1", count=40)
        receipt, landed = any_lake.head(raw.decoded_key), any_lake.head(raw.key)
        assert receipt is not None
        assert landed is not None
        return landed.modified_ns > receipt.modified_ns

    wait_until(write_over, "the object to be younger than its receipt")
    assert look_at_all(any_lake).objects == 1
    wait_until(lambda: decode_missed(any_lake) == 0, "the receipt to be younger than the object")
    with any_lake.open_file(raw.decoded_key) as file:
        footer = parquet.read_footer(parquet.open_object(file, raw.decoded_key))
    assert json.loads(footer["total"])["rows"] == 40
    assert look_at_all(any_lake).objects == 0


def test_a_poisoned_object_that_was_replaced_is_decoded(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    good = folder_lake.get(raw.key)
    folder_lake.put(raw.key, b"PAR1 torn")
    look_at_all(folder_lake)
    assert decode_missed(folder_lake) == 0
    assert look_at_all(folder_lake).objects == 0, "it is in quarantine"
    folder_lake.put(raw.key, good)
    assert look_at_all(folder_lake).objects == 1
    assert decode_missed(folder_lake) == 1
    assert look_at_all(folder_lake).objects == 0


def test_what_landed_a_moment_ago_is_left_to_the_inbox(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    young, old = land(folder_lake, "EV_1"), land(folder_lake, "EV_1", NOON + 60 * SECOND)
    assert folder_lake.root is not None
    os.utime(folder_lake.root / old.key, ns=(NOON, NOON))
    assert reconcile(folder_lake, budget_s=60.0).objects == 1
    assert ledger.read_ledger(folder_lake, young.partition).pending == [young, old]


def test_a_budget_cuts_a_round_into_pieces_and_a_crash_repeats_one(
    folder_lake: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dbc(folder_lake)
    raws = [land(folder_lake, f"EV_{number}") for number in range(6)]
    monkeypatch.setattr(module, "RECENT_DAYS", 0)
    missed: list[Partition] = []
    for _ in range(3):
        missed = reconcile(folder_lake, budget_s=0.0, grace_s=0.0).missed
    assert len(missed) == 3

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_missed", crash)
        with pytest.raises(KeyboardInterrupt):
            reconcile(folder_lake, budget_s=60.0, grace_s=0.0)
    assert reconcile(folder_lake, budget_s=60.0, grace_s=0.0).missed == [raw.partition for raw in raws]


def test_the_cursor_is_of_one_vehicle_and_one_day(folder_lake: Store) -> None:
    for day in range(50):
        land(folder_lake, "EV_1", NOON - day * DAY_NS, count=1)
    reconcile(folder_lake, budget_s=0.0, grace_s=0.0)
    assert len(folder_lake.get(f"{layout.STATE}reconcile.json")) < 400


def test_a_receipt_that_was_removed_is_made_again(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    look_at_all(folder_lake)
    decode_missed(folder_lake)
    decoded = folder_lake.get(raw.decoded_key)
    folder_lake.delete(raw.decoded_key)
    assert look_at_all(folder_lake).objects == 1
    decode_missed(folder_lake)
    assert folder_lake.get(raw.decoded_key) == decoded
