"""Reconciliation: raw minus decoded minus quarantine, partition by partition, within a budget.

It believes the lake alone. Whatever an inbox missed (a lost event, a memory that was restored from a backup, an
object that was written over) is found by the next round: the last two days every hour, all days one after the other.
What it finds is noted for a drain of its own.
"""

import json
import time
from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.inbox.missed_inbox import PARTITIONS_MAX, read_missed, write_missed
from telemetry_pipeline.inbox.overdue import overdue
from telemetry_pipeline.inbox.rounds import Round
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store

_KEY: Final = f"{layout.STATE}reconcile.json"

PERIOD_S: Final = 3600.0
RECENT_DAYS: Final = 2
GRACE_S: Final = 600.0
"""An object younger than this may well be in somebody's hands."""

BUCKET_PARTITIONS: Final = 100
"""Partitions in one look at a bucket: listings cost money there."""


@dataclass(frozen=True)
class Look:
    """What one look found.

    Attributes:
        examined: Partitions looked into.
        objects: Raw objects that are overdue in them.
        missed: The partitions that hold those, and those noted before that are not dealt with.
        rounds: How far the rounds are, by name.
    """

    examined: int
    objects: int
    missed: list[Partition]
    rounds: dict[str, dict[str, Any]]


def reconcile(store: Store, *, budget_s: float, grace_s: float = GRACE_S) -> Look:
    """Go on with the rounds for a while and note the partitions in which something is overdue.

    Args:
        store: The lake.
        budget_s: Seconds after which no other partition is begun; at least one is looked into.
        grace_s: Seconds that an object may wait.

    Raises:
        TransientError: The store does not answer; the next look goes on where the one before this ended.
    """
    end = time.monotonic() + budget_s
    before_ns = time.time_ns() - int(grace_s * 1e9)
    state = _load(store)
    rounds = {
        "recent": Round(store, state.get("recent", {}), period_s=PERIOD_S, recent_days=RECENT_DAYS),
        "all": Round(store, state.get("all", {}), period_s=PERIOD_S),
    }
    missed = dict.fromkeys(read_missed(store))
    known = len(missed)
    examined = objects = 0
    limit = BUCKET_PARTITIONS if store.root is None else None
    for walk in rounds.values():
        for partition in walk.partitions():
            if examined and (time.monotonic() >= end or examined == limit or len(missed) >= PARTITIONS_MAX):
                break
            found = overdue(store, partition, before_ns)
            examined += 1
            objects += len(found)
            if found:
                missed[partition] = None
    if len(missed) > known:
        write_missed(store, missed)
    # last: whoever dies before this looks into the same partitions again
    store.put(_KEY, json.dumps({name: walk.state for name, walk in rounds.items()}).encode())
    return Look(examined, objects, list(missed), {name: walk.state for name, walk in rounds.items()})


def _load(store: Store) -> dict[str, dict[str, Any]]:
    try:
        state = json.loads(store.get(_KEY))
        return {str(name): dict(value) for name, value in state.items()}
    except (NotFound, ValueError, TypeError, AttributeError):
        return {}
