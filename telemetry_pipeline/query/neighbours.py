"""What the decoded objects beside others say about an event: objects without one of their own leave no other trace.

Objects follow each other by their names; one whose name has no time in it may hold any time of its day.
"""

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
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
        self._listed: dict[Partition, list[DecodedObject]] = {}

    def between(
        self, one: DecodedObject, other: DecodedObject, series: Series, first_ns: int, last_ns: int
    ) -> bool:
        """Whether an object between two others speaks against a series in a stretch of time (see `merge`)."""
        low, high = sorted((one, other))
        listed = list(self._days(low.partition, high.partition))
        inside = listed[bisect_right(listed, low) : bisect_left(listed, high)]
        timeless = [item for item in _timeless(listed) if item not in (low, high)]
        return self._against([*inside, *timeless], series, first_ns, last_ns)

    def after(self, last_in: DecodedObject, series: Series, last_ns: int) -> bool:
        """Whether another object shows, within the hole, that what was last seen in one object ended there."""
        end_ns = last_ns + series.max_hole_ns
        listed = list(
            self._days(last_in.partition, Partition.containing(last_in.partition.vehicle_id, end_ns))
        )
        following = [
            item for item in listed[bisect_right(listed, last_in) :] if (_start(item) or end_ns) <= end_ns
        ]
        return self._against(
            dict.fromkeys([*following, *_timeless(listed, last_in)]), series, last_ns, end_ns
        )

    def before(self, first_in: DecodedObject, series: Series, first_ns: int) -> bool:
        """Whether another object shows, within the hole, that what was first seen in one object began there."""
        start_ns = first_ns - series.max_hole_ns
        listed = list(
            self._days(Partition.containing(first_in.partition.vehicle_id, start_ns), first_in.partition)
        )
        preceding: list[DecodedObject] = []
        for item in reversed(listed[: bisect_left(listed, first_in)]):
            preceding.append(item)
            start = _start(item)
            if start is not None and start < start_ns:
                break  # this one may reach into the hole, those before it hardly do
        return self._against(
            dict.fromkeys([*preceding, *_timeless(listed, first_in)]), series, start_ns, first_ns
        )

    def _against(self, items: Iterable[DecodedObject], series: Series, first_ns: int, last_ns: int) -> bool:
        for item in items:
            try:
                if contradicts(self._store, item.key, series, first_ns, last_ns):
                    return True
            except (BadRaw, NotFound, pa.ArrowException, OSError) as error:
                _log.warning("%s: not asked whether an event ends there (%s)", item.key, error)
        return False

    def _days(self, first: Partition, last: Partition) -> Iterator[DecodedObject]:
        """The decoded objects of some days in their order."""
        while first <= last:
            if first not in self._listed:
                self._listed[first] = ledger.decoded_objects(self._store, first)
            yield from self._listed[first]
            first = first.shifted(1)


def _start(item: DecodedObject) -> int | None:
    return layout.stem_start_ns(item.stem)


def _timeless(listed: Iterable[DecodedObject], *but: DecodedObject) -> list[DecodedObject]:
    return [item for item in listed if _start(item) is None and item not in but]
