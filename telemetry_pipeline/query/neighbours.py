"""What the decoded objects beside others say about an event: objects without one of their own leave no other trace.

Objects follow each other by their names; one whose name has no time in it may hold any time of its day.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.interval import Series
from telemetry_pipeline.rules.samples import contradicts

_log: Final = logging.getLogger(__name__)


class Neighbours:
    """Asks the decoded objects of one vehicle; listings are kept for as long as it lives.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._days: dict[Partition, _Day] = {}

    def between(
        self, one: DecodedObject, other: DecodedObject, series: Series, first_ns: int, last_ns: int
    ) -> bool:
        """Whether an object between two others speaks against a series in a stretch of time (see `merge`)."""
        low, high = min(one, other), max(one, other)
        found = [
            item
            for day in self._from_to(low.partition, high.partition)
            for item in (
                *day.objects[bisect_right(day.objects, low) : bisect_left(day.objects, high)],
                *(item for item in day.timeless if item not in (low, high)),
            )
        ]
        return self._against(found, series, first_ns, last_ns)

    def after(self, last_in: DecodedObject, series: Series, last_ns: int) -> bool:
        """Whether another object shows, within the hole, that what was last seen in one object ended there."""
        end_ns = last_ns + series.max_hole_ns
        last_day = Partition.containing(last_in.partition.vehicle_id, end_ns)
        following: list[DecodedObject] = []
        for day in self._from_to(last_in.partition, last_day):
            for item in day.objects[bisect_right(day.objects, last_in) :]:
                start_ns = layout.stem_start_ns(item.stem)
                if start_ns is not None and start_ns > end_ns:
                    break
                following.append(item)
            following += [item for item in day.timeless if item != last_in]
        return self._against(following, series, last_ns, end_ns)

    def before(self, first_in: DecodedObject, series: Series, first_ns: int) -> bool:
        """Whether another object shows, within the hole, that what was first seen in one object began there."""
        start_ns = first_ns - series.max_hole_ns
        first_day = Partition.containing(first_in.partition.vehicle_id, start_ns)
        preceding: list[DecodedObject] = []
        for day in self._from_to(first_in.partition, first_day):
            for item in reversed(day.objects[: bisect_left(day.objects, first_in)]):
                preceding.append(item)
                begun_ns = layout.stem_start_ns(item.stem)
                if begun_ns is not None and begun_ns < start_ns:
                    break  # this one may reach into the hole, those before it hardly do
            preceding += [item for item in day.timeless if item != first_in]
        return self._against(preceding, series, start_ns, first_ns)

    def _against(self, items: Iterable[DecodedObject], series: Series, first_ns: int, last_ns: int) -> bool:
        for item in dict.fromkeys(items):
            try:
                if contradicts(self._store, item.key, series, first_ns, last_ns):
                    return True
            except (BadRaw, NotFound, pa.ArrowException, OSError) as error:
                _log.warning("%s: not asked whether an event ends there (%s)", item.key, error)
        return False

    def _from_to(self, first: Partition, last: Partition) -> Iterator["_Day"]:
        """Days from one to another, both included, in that direction."""
        step = 1 if first <= last else -1
        for number in range(abs((last.date - first.date).days) + 1):
            partition = first.shifted(step * number)
            if partition not in self._days:
                objects = ledger.decoded_objects(self._store, partition)
                timeless = [item for item in objects if layout.stem_start_ns(item.stem) is None]
                self._days[partition] = _Day(objects, timeless)
            yield self._days[partition]


@dataclass(frozen=True)
class _Day:
    """The decoded objects of a day in their order, and those of them whose names have no time."""

    objects: list[DecodedObject]
    timeless: list[DecodedObject]
