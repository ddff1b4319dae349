"""The inbox of what reconciliation found: partitions in which something is overdue."""

import datetime as dt
import json
import time
from collections.abc import Iterable, Iterator
from typing import Final

from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.overdue import overdue
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store

_KEY: Final = f"{layout.STATE}missed.json"

PARTITIONS_MAX: Final = 5_000
"""Reconciliation goes no further before these are dealt with."""


class MissedInbox(Inbox):
    """What waits in the partitions that reconciliation noted.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._partitions = read_missed(store)
        self._left = list(self._partitions)

    def save(self) -> None:
        """Write the memories."""
        super().save()
        if self._left != self._partitions:
            write_missed(self._store, self._left)
            self._partitions = list(self._left)

    def _pending(self, partition: Partition) -> list[RawObject]:
        return overdue(self._store, partition, time.time_ns())

    def _find(self) -> Iterator[RawObject]:
        for partition in list(self._left):
            waiting = [raw for raw in self._pending(partition) if not self._aside.holds(raw)]
            if waiting:
                yield from waiting
            else:
                self._left.remove(partition)


def read_missed(store: Store) -> list[Partition]:
    """The partitions that reconciliation noted and that are not dealt with."""
    try:
        listed = json.loads(store.get(_KEY))
        return [Partition(vehicle_id, dt.date.fromisoformat(date)) for vehicle_id, date in listed]
    except (NotFound, BadKey, ValueError, TypeError):
        return []


def write_missed(store: Store, partitions: Iterable[Partition]) -> None:
    """Note partitions in which something is overdue, in place of those noted before."""
    listed = [[partition.vehicle_id, partition.date.isoformat()] for partition in partitions]
    store.put(_KEY, json.dumps(listed).encode())
