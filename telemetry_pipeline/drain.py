"""Empty the inbox: decode everything that waits, in batches, until nothing waits or the time is up.

How a result is shown (Dagster's events, a progress bar) is the caller's business.
"""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import Final

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.errors import BadDbc, TelemetryError, Unforeseen
from telemetry_pipeline.lake.inbox import Inbox
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally, process_objects
from telemetry_pipeline.quarantine import quarantine_stray

BATCH: Final = 500

_log: Final = logging.getLogger(__name__)


def drain(
    store: Store, inbox: Inbox, cache: DatabaseCache, *, budget_s: float
) -> Iterator[dict[Partition, Tally]]:
    """Decode what waits and give one tally per partition after each batch.

    An object that fails stays pending and is not tried again in this drain. A vehicle without a usable database, and
    an object that the decoder stumbles over, are set aside in the inbox. Strays under raw/ go to quarantine.

    Args:
        store: The lake.
        inbox: Where waiting objects are found.
        cache: The lake's databases, kept by a caller that drains again and again.
        budget_s: Seconds after which no new batch is begun.
    """
    deadline = time.monotonic() + budget_s
    _quarantine_strays(store, inbox)
    tried: set[RawObject] = set()
    while time.monotonic() < deadline:
        raws = [raw for raw in inbox.waiting(BATCH + len(tried)) if raw not in tried][:BATCH]
        if not raws:
            break
        # looked at anew for each batch: a database that changed while we drained is used from here on
        tallies = tally(store, cache.current(), raws, inbox)
        tried.update(raws)
        yield tallies
    inbox.save()


def _quarantine_strays(store: Store, inbox: Inbox) -> None:
    try:
        for key in inbox.strays():
            quarantine_stray(store, key)
    except TelemetryError as error:  # the next sweep tries again: raw objects do not wait for strays
        _log.warning("strays under raw/ could not be swept: %s", error)


def tally(
    store: Store, databases: Databases, raws: Iterable[RawObject], inbox: Inbox | None = None
) -> dict[Partition, Tally]:
    """Decode raw objects and sum what became of them by partition."""
    tallies: dict[Partition, Tally] = {}
    for outcome in process_objects(store, databases, raws):
        partition = outcome.raw.partition
        tallies.setdefault(partition, Tally(partition)).add(outcome)
        if inbox is not None and isinstance(outcome.failed, BadDbc):
            inbox.set_aside(partition.vehicle_id)
        elif inbox is not None and isinstance(outcome.failed, Unforeseen):
            inbox.set_aside_object(outcome.raw)
    return tallies
