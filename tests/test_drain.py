"""A drain takes everything that waits, tries again what the store did not answer for, and gives up in time."""

import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from telemetry_pipeline import drain as module
from telemetry_pipeline.drain import DecoderHere, drain
from telemetry_pipeline.errors import PermanentError, TransientError
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally
from telemetry_pipeline.verify import verify_lake
from tests.raw_lake import NOON, SECOND, add_dbc, land


class FlakyStore(Store):
    """A real lake that does not answer for a while: every verb of a key fails so many times."""

    def __init__(self, real: Store, failures: int, error: type[Exception] = TransientError) -> None:
        super().__init__(real._backend, real.url, real.root)
        self._failures = failures
        self._error = error
        self.asked: Counter[tuple[str, str]] = Counter()

    def get(self, key: str) -> bytes:
        self._fail("get", key)
        return super().get(key)

    def put(self, key: str, body: bytes, *, create_only: bool = False) -> None:
        self._fail("put", key)
        super().put(key, body, create_only=create_only)

    def _fail(self, verb: str, key: str) -> None:
        self.asked[verb, key] += 1
        if self.asked[verb, key] <= self._failures and key.endswith(".parquet"):
            raise self._error("the store does not answer", key)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.01)


def drained(store: Store, **kwargs: Any) -> list[Tally]:
    with open_inbox(store) as inbox:
        batches = list(drain(store, inbox, DecoderHere(store), budget_s=kwargs.get("budget_s", 60.0)))
    return [item for batch in batches for item in batch.values()]


def land_many(store: Store) -> list[RawObject]:
    add_dbc(store)
    return [
        land(store, vehicle, NOON + minute * 60 * SECOND) for vehicle in ("EV_1", "EV_2") for minute in (0, 1)
    ]


def test_a_store_that_answers_in_the_end_costs_no_object(any_lake: Store) -> None:
    raws = land_many(any_lake)
    tallies = drained(FlakyStore(any_lake, failures=2))
    assert sum(item.decoded for item in tallies) == len(raws)
    assert not any(item.failed for item in tallies)
    assert not any(verdict.problems for verdict in verify_lake(any_lake, deep=True))


def test_a_store_that_never_answers_is_asked_so_often_and_no_more(folder_lake: Store) -> None:
    raws = land_many(folder_lake)
    store = FlakyStore(folder_lake, failures=10**9)
    tallies = drained(store)
    assert {key for item in tallies for key in item.failed} == {raw.key for raw in raws}
    assert {store.asked["get", raw.key] for raw in raws} == {module.TRIES}
    assert all(ledger.read_ledger(folder_lake, raw.partition).pending for raw in raws)


def test_what_is_permanent_is_asked_once(folder_lake: Store) -> None:
    raws = land_many(folder_lake)
    store = FlakyStore(folder_lake, failures=10**9, error=PermanentError)
    drained(store)
    assert {store.asked["get", raw.key] for raw in raws} == {1}
    assert open_inbox(folder_lake).waiting(10) == [], "and not by the next drain at once"


def test_the_pauses_grow_and_end_with_the_time(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = [module._pause_s(tries) for tries in range(1, module.TRIES)]
    assert all(1.9 < later / earlier < 4.6 for earlier, later in pairwise(pauses))
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 3600.0)
    land_many(folder_lake)
    begun = time.monotonic()
    tallies = drained(FlakyStore(folder_lake, failures=10**9), budget_s=1.0)
    assert len({key for item in tallies for key in item.failed}) == 4
    assert time.monotonic() - begun < 1800  # it did not pause for an hour


def test_an_inbox_that_does_not_answer_is_asked_again(folder_lake: Store) -> None:
    raws = land_many(folder_lake)
    inbox = open_inbox(folder_lake)
    honest, refusals = inbox.waiting, [3]

    def waiting(limit: int) -> list[RawObject]:
        if refusals[0]:
            refusals[0] -= 1
            raise TransientError("the store does not answer", "raw")
        return honest(limit)

    inbox.waiting = waiting  # type: ignore[method-assign]
    (batch,) = drain(folder_lake, inbox, DecoderHere(folder_lake), budget_s=60)
    assert sum(item.decoded for item in batch.values()) == len(raws)


def test_a_database_that_cannot_be_listed_leaves_every_object_for_later(folder_lake: Store) -> None:
    raws = land_many(folder_lake)

    class Mute:
        batch = 10

        def decode(self, raws: Any) -> Any:
            raise TransientError("the store does not answer", "dbc/")

    batches = list(drain(folder_lake, open_inbox(folder_lake), Mute(), budget_s=60))
    assert {key for batch in batches for item in batch.values() for key in item.failed} == {
        raw.key for raw in raws
    }


def test_an_object_that_is_removed_meanwhile_is_no_failure(folder_lake: Store) -> None:
    raws = land_many(folder_lake)
    inbox = open_inbox(folder_lake)
    honest = inbox.waiting

    def waiting(limit: int) -> list[RawObject]:
        found = honest(limit)
        folder_lake.delete(raws[0].key)
        return found

    inbox.waiting = waiting  # type: ignore[method-assign]
    (batch,) = drain(folder_lake, inbox, DecoderHere(folder_lake), budget_s=60)
    assert sum(item.decoded for item in batch.values()) == 3
    assert not any(item.failed for item in batch.values())
