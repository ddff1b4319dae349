"""The inbox of a bucket without events: the last two days listed each time, all others in rounds of an hour."""

import json
import time
from collections.abc import Iterator
from typing import Any, Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.rounds import Round
from telemetry_pipeline.inbox.stray_watch import StrayWatch
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store

_KEY: Final = f"{layout.STATE}listed.json"

RECENT_DAYS: Final = 2
PERIOD_S: Final = 3600.0
PIECE_S: Final = 10.0
"""How long one look goes on with the round through all days."""

PAUSE_FACTOR: Final = 5.0
"""A look is followed by a pause of so many times as it took: listings cost money and time."""


class ListedInbox(Inbox):
    """What waits in a bucket, found by listing."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._round = Round(store, _load(store), period_s=PERIOD_S)
        self._strays = StrayWatch(store)
        self._next_look = 0.0

    def strays(self) -> list[str]:
        """See `Inbox.strays`; looked for once an hour."""
        return self._strays.look()

    def save(self) -> None:
        """Write the memories."""
        super().save()
        state = self._round.state
        if state != _load(self._store):
            self._store.put(_KEY, json.dumps(state).encode())

    def _find(self) -> Iterator[RawObject]:
        begun = time.monotonic()
        if begun < self._next_look:
            return
        found = False
        for vehicle_id in ledger.vehicles(self._store):
            now_ns = time.time_ns()
            for partition in layout.days_between(
                vehicle_id, now_ns - (RECENT_DAYS - 1) * layout.DAY_NS, now_ns + 1
            ):
                pending = self._pending(partition)
                found = found or bool(pending)
                yield from pending
        piece = time.monotonic()
        for partition in self._round.partitions():
            if time.monotonic() - piece > PIECE_S:
                break
            pending = self._pending(partition)
            found = found or bool(pending)
            yield from pending
        if not found:
            self._next_look = time.monotonic() + PAUSE_FACTOR * (time.monotonic() - begun)


def _load(store: Store) -> dict[str, Any]:
    try:
        state = json.loads(store.get(_KEY))
    except (NotFound, ValueError):
        return {}
    return state if isinstance(state, dict) else {}
