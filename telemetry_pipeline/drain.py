"""Empty the inbox: decode everything that waits, in batches, until nothing waits or the time is up.

How a result is shown (Dagster's events, a progress bar) is the caller's business.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.errors import BadDbc, TelemetryError, Unforeseen
from telemetry_pipeline.lake.inbox import Inbox
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome, Tally, process_objects
from telemetry_pipeline.quarantine import quarantine_stray

_log: Final = logging.getLogger(__name__)


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


def drain(
    store: Store, inbox: Inbox, decoder: Decoder, *, budget_s: float
) -> Iterator[dict[Partition, Tally]]:
    """Decode what waits and give one tally per partition after each batch.

    An object that fails stays pending and is not tried again in this drain. A vehicle without a usable database, and
    an object that the decoder stumbles over, are set aside in the inbox. Strays under raw/ go to quarantine.

    Args:
        store: The lake.
        inbox: Where waiting objects are found.
        decoder: What decodes.
        budget_s: Seconds after which no new batch is begun.
    """
    deadline = time.monotonic() + budget_s
    _quarantine_strays(store, inbox)
    tried: set[RawObject] = set()
    while time.monotonic() < deadline:
        raws = [raw for raw in inbox.waiting(decoder.batch + len(tried)) if raw not in tried]
        raws = raws[: decoder.batch]
        if not raws:
            break
        tallies = tally(decoder.decode(raws), inbox)
        tried.update(raws)
        yield tallies
    inbox.save()


def _quarantine_strays(store: Store, inbox: Inbox) -> None:
    try:
        for key in inbox.strays():
            quarantine_stray(store, key)
    except TelemetryError as error:  # the next sweep tries again: raw objects do not wait for strays
        _log.warning("strays under raw/ could not be swept: %s", error)


def tally(outcomes: Iterable[Outcome], inbox: Inbox | None = None) -> dict[Partition, Tally]:
    """Sum what became of raw objects by partition; what cannot be decoded now is set aside in the inbox."""
    tallies: dict[Partition, Tally] = {}
    for outcome in outcomes:
        partition = outcome.raw.partition
        tallies.setdefault(partition, Tally(partition)).add(outcome)
        if inbox is not None and isinstance(outcome.failed, BadDbc):
            inbox.set_aside(partition.vehicle_id)
        elif inbox is not None and isinstance(outcome.failed, Unforeseen):
            inbox.set_aside_object(outcome.raw)
    return tallies
