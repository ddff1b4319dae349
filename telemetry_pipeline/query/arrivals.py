"""What was decoded of a vehicle lately: the objects of its newest days, looked at again and again.

A look at a folder whose days did not change costs a few stats, at a bucket a listing per day. Who is told, and what is
in the objects, is others' business.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import TICK_NS, ObjectInfo, Store

_NEW_DAYS_EVERY: Final = 5
"""Every so many looks, days that are new are looked for."""

Objects = Mapping[str, ObjectInfo]
"""Decoded objects by key."""


class Arrivals:
    """Looks at a vehicle's newest days: today, the newest with data, and the day before each. Not for several threads.

    Args:
        store: The lake.
        vehicle_id: The vehicle.
    """

    def __init__(self, store: Store, vehicle_id: str) -> None:
        self._store = store
        self._vehicle_id = layout.check_vehicle_id(vehicle_id)
        self._looks = 0
        self._newest: Partition | None = None
        self._listed: dict[Partition, tuple[int | None, Objects]] = {}

    def look(self) -> Objects:
        """The decoded objects of those days, as they are now.

        Raises:
            TransientError: The store does not answer.
        """
        if self._looks % _NEW_DAYS_EVERY == 0:
            self._newest = self._newest_day()
        self._looks += 1
        days = self._days()
        self._listed = {day: self._look_at(day) for day in days}
        return {key: info for _, objects in self._listed.values() for key, info in objects.items()}

    def since(self, first: Partition, most: int) -> Objects | None:
        """The decoded objects from a day on, without those that `look` gives; None where these are too many days."""
        days = [
            day
            for day in ledger.partitions(self._store, self._vehicle_id, layout.DECODED)
            if day >= first and day not in self._listed
        ]
        if len(days) > most:
            return None
        return {key: info for day in days for key, info in list_day(self._store, day).items()}

    def _days(self) -> Iterable[Partition]:
        today = Partition.containing(self._vehicle_id, time.time_ns())
        newest = self._newest or today  # of a clock that is ahead, or of a recording of last year
        return sorted({today.shifted(-1), today, newest.shifted(-1), newest})

    def _look_at(self, day: Partition) -> tuple[int | None, Objects]:
        changed = self._store.changed_ns(day.prefix(layout.DECODED))
        known = self._listed.get(day)
        if known is not None and changed is not None and known[0] == changed:
            return known
        objects = list_day(self._store, day)
        settled = changed is not None and changed < time.time_ns() - TICK_NS
        return (changed if settled else None), objects

    def _newest_day(self) -> Partition | None:
        prefix = layout.vehicle_prefix(layout.DECODED, self._vehicle_id)
        for _ in ("year", "month", "day"):
            if not (below := self._store.list_dirs(prefix)):
                return None
            prefix = below[-1]
        return layout.partition_of(prefix, layout.DECODED)


def list_day(store: Store, day: Partition) -> Objects:
    """The decoded objects of a day; strangers' files are passed over."""
    listed = store.list_objects(day.prefix(layout.DECODED))
    return {info.key: info for _, info in ours(DecodedObject.parse, listed)}
