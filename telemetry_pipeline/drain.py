"""Empty the inbox: decode everything that waits, in batches, until nothing waits or the time is up.

How a result is shown (Dagster's events, a progress bar) is the caller's business.
"""

import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.errors import NotFound, TelemetryError, TransientError
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, Tally, process_objects
from telemetry_pipeline.quarantine import quarantine_stray

_log: Final = logging.getLogger(__name__)

TRIES: Final = 5
FIRST_PAUSE_S: Final = 0.5
PAUSE_FACTOR: Final = 3.0
"""An object, or the inbox, is tried again after about 0.5, 1.5, 4.5 and 13.5 seconds when the store does not answer."""

KEEP_S: Final = 20.0

T = TypeVar("T")


class Decoder(Protocol):
    """What decodes raw objects, wherever the work is done; exactly one does."""

    batch: int
    """As many objects are worth being given at once, when that many wait."""

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Decode raw objects of any partitions; one outcome for each, in any order."""
        ...


class DecoderHere:
    """Decodes in this process.

    Args:
        store: The lake.
        strict_length: Refuse frames shorter than their message.
    """

    batch = 500

    def __init__(self, store: Store, *, strict_length: bool = False) -> None:
        self._store = store
        self._cache = DatabaseCache(store, strict_length=strict_length)

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Decode raw objects one by one."""
        # looked at anew for each batch: a database that changed while we drained is used from here on
        return process_objects(self._store, self._cache.current(), raws)


@dataclass
class _Again:
    """An object that the store did not answer for: how often it was tried, and when it is tried next."""

    tries: int
    due: float


class _Retries:
    """What is tried again after a pause, and what has been tried often enough."""

    def __init__(self) -> None:
        self._waiting: dict[RawObject, _Again] = {}

    def take_due(self) -> list[RawObject]:
        now = time.monotonic()
        return sorted(raw for raw, again in self._waiting.items() if again.due <= now)

    def until_next_s(self) -> float | None:
        """Seconds until the next one is due, None when nothing waits."""
        dues = [again.due for again in self._waiting.values()]
        return max(0.0, min(dues) - time.monotonic()) if dues else None

    def keeps(self, outcome: Outcome, deadline: float) -> bool:
        """Whether an outcome is not the last word on its object."""
        before = self._waiting.pop(outcome.raw, None)
        if not isinstance(outcome.failed, TransientError):
            return False
        tries = before.tries + 1 if before else 1
        due = time.monotonic() + _pause_s(tries)
        if tries >= TRIES or due >= deadline:
            return False
        self._waiting[outcome.raw] = _Again(tries, due)
        return True


def drain(
    store: Store, inbox: Inbox, decoder: Decoder, *, budget_s: float
) -> Iterator[dict[Partition, Tally]]:
    """Decode what waits and give one tally per partition after each batch.

    What the store does not answer for is tried again a few times with growing pauses. What fails for good, or too
    often, stays pending and is set aside in the inbox. Strays under raw/ go to quarantine.

    Args:
        store: The lake.
        inbox: Where waiting objects are found.
        decoder: What decodes.
        budget_s: Seconds after which no new batch is begun.

    Raises:
        TransientError: The inbox does not answer, however often it is asked.
    """
    deadline = time.monotonic() + budget_s
    retries = _Retries()
    while True:
        raws = retries.take_due()
        if time.monotonic() < deadline:
            raws += _patiently(lambda: inbox.waiting(decoder.batch))
        _quarantine_strays(store, inbox)
        if raws:
            outcomes = _decode(decoder, raws)
            tallies = tally((item for item in outcomes if not retries.keeps(item, deadline)), inbox, store)
            inbox.save()
            yield tallies
        elif (pause_s := retries.until_next_s()) is not None:
            time.sleep(min(pause_s, 1.0))  # something may land meanwhile
        else:
            break
    inbox.save()


def tally(
    outcomes: Iterable[Outcome], inbox: Inbox | None = None, store: Store | None = None
) -> dict[Partition, Tally]:
    """Sum what became of raw objects by partition, and tell the inbox.

    Args:
        outcomes: One for each object.
        inbox: Where the objects came from, if from one.
        store: The lake, to tell an object that was removed from one that fails.
    """
    tallies: dict[Partition, Tally] = {}
    kept = time.monotonic()
    for outcome in outcomes:
        raw, error = outcome.raw, outcome.failed
        if isinstance(error, NotFound) and store is not None and store.head(raw.key) is None:
            _log.info("%s was removed before it was decoded", raw.key)
            error = None
        else:
            tallies.setdefault(raw.partition, Tally(raw.partition)).add(outcome)
        if inbox is None:
            continue
        if error is None:
            inbox.settle(raw)
        else:
            inbox.leave(raw, error)
        if time.monotonic() - kept > KEEP_S:
            inbox.keep()
            kept = time.monotonic()
    return tallies


def _decode(decoder: Decoder, raws: Sequence[RawObject]) -> Iterator[Outcome]:
    """An outcome for each object, even when the decoder itself finds no answer."""
    left = set(raws)
    try:
        for outcome in decoder.decode(raws):
            left.discard(outcome.raw)
            yield outcome
    except TransientError as error:
        yield from (Outcome(raw, failed=error) for raw in sorted(left))


def _patiently(ask: Callable[[], T]) -> T:
    """The answer to a question that is asked again after a pause when the store does not answer."""
    for tries in range(1, TRIES):
        try:
            return ask()
        except TransientError as error:
            _log.warning("asked again in a moment: %s", error)
            time.sleep(_pause_s(tries))
    return ask()


def _pause_s(tries: int) -> float:
    # with a little chance in it, so that those who failed together do not come back together
    return FIRST_PAUSE_S * PAUSE_FACTOR ** (tries - 1) * random.uniform(0.8, 1.2)  # noqa: S311


def _quarantine_strays(store: Store, inbox: Inbox) -> None:
    try:
        for key in inbox.strays():
            quarantine_stray(store, key)
            inbox.settle_stray(key)
    except TelemetryError as error:  # the next sweep tries again: raw objects do not wait for strays
        _log.warning("strays under raw/ could not be swept: %s", error)
