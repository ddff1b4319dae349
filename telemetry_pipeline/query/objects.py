"""Which objects hold the rows of a vehicle-day, each row exactly once: its series object and what that does not cover.

What is in the objects is not known here.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.series.state import Cover, read_cover, state_of

_COVERED: Final = 1_000_000
"""Names of covered objects that are remembered: about 150 bytes each."""

_LISTED: Final = 500_000
"""Objects of listings that are remembered: about 250 bytes each."""

_TICK_NS: Final = 2_000_000_000

_Stamp = tuple[int | None, ...]
"""When the folders of a day last changed."""

_FEW_DAYS: Final = 7
"""Up to so many days are listed one by one; of a longer range all days that exist are listed first."""


class Gone(Exception):
    """A series object was replaced, or turned out to be broken, after it was listed: the question begins anew."""


class DayObjects:
    """Lists the objects to read, by vehicle-day.

    Args:
        store: The lake.
        spread: Applies a function to each of some items, several at a time.
    """

    def __init__(
        self, store: Store, spread: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
    ) -> None:
        self._store = store
        self._spread = spread
        self._covers: WeightedCache[ObjectInfo, Cover | ObjectInfo] = WeightedCache(_COVERED)
        self._days: WeightedCache[Partition, tuple[_Stamp, list[ObjectInfo]]] = WeightedCache(_LISTED)

    def in_range(self, vehicle_id: str, start_ns: int, end_ns: int) -> dict[Partition, list[ObjectInfo]]:
        """The objects of the days that [start_ns, end_ns) touches.

        Raises:
            BadKey: It is not a vehicle id.
        """
        layout.check_vehicle_id(vehicle_id)
        if (end_ns - start_ns) // layout.DAY_NS < _FEW_DAYS:
            days = list(layout.days_between(vehicle_id, start_ns, end_ns))
        else:
            days = [
                day
                for day in ledger.partitions(self._store, vehicle_id, layout.DECODED)
                if day.start_ns < end_ns and day.end_ns > start_ns
            ]
        return dict(zip(days, self._of_days(days), strict=True))

    def of_vehicle(self, vehicle_id: str) -> dict[Partition, list[ObjectInfo]]:
        """The objects of all days of a vehicle.

        Raises:
            BadKey: It is not a vehicle id.
        """
        layout.check_vehicle_id(vehicle_id)
        if self._store.root is not None:  # what was listed before need not be listed again
            present = ledger.partitions(self._store, vehicle_id, layout.DECODED)
            listed = dict(zip(present, self._of_days(present), strict=True))
            return {day: objects for day, objects in listed.items() if objects}
        decoded, series = (
            self._by_day(layout.vehicle_prefix(zone, vehicle_id), zone)
            for zone in (layout.DECODED, layout.SERIES)
        )
        days = list(decoded)
        chosen = self._spread(lambda day: self._chosen(day, decoded[day], series.get(day, [])), days)
        return dict(zip(days, chosen, strict=True))

    def disregard(self, info: ObjectInfo) -> None:
        """A series object is broken: from now on the decoded objects answer in its place."""
        self._covers.put(info, info, 1)
        self._days.put(partition_of(info), ((None, None), []), 1)

    def _of_days(self, days: Sequence[Partition]) -> list[list[ObjectInfo]]:
        if self._store.root is None:
            return self._spread(self._of_day, days)
        return [self._of_day(day) for day in days]  # a look at two folders each

    def _of_day(self, day: Partition) -> list[ObjectInfo]:
        zones = (layout.DECODED, layout.SERIES)
        stamp = tuple(self._store.changed_ns(day.prefix(zone)) for zone in zones)
        known = self._days.get(day)
        if known is not None and None not in stamp and known[0] == stamp:
            return known[1]
        objects = self._list_day(day)
        # what changed a moment ago may change again within the same tick of the file system's clock
        if all(changed is not None and changed < time.time_ns() - _TICK_NS for changed in stamp):
            self._days.put(day, (stamp, objects), len(objects) + 1)
        return objects

    def _list_day(self, day: Partition) -> list[ObjectInfo]:
        decoded, series = (
            self._by_day(day.prefix(zone), zone).get(day, []) for zone in (layout.DECODED, layout.SERIES)
        )
        return self._chosen(day, decoded, series)

    def _chosen(
        self, day: Partition, decoded: Sequence[ObjectInfo], series: Sequence[ObjectInfo]
    ) -> list[ObjectInfo]:
        if not series:
            return list(decoded)
        state = state_of(day, decoded, [self._cover(info) for info in series])
        if state.series is None:
            return list(decoded)
        covered = {info.key for info in state.covered}
        return [state.series, *(info for info in decoded if info.key not in covered)]

    def _cover(self, info: ObjectInfo) -> Cover | ObjectInfo:
        if (cover := self._covers.get(info)) is None:
            cover = read_cover(self._store, info)
            if isinstance(cover, Cover):  # what could not be read may be readable the next time
                self._covers.put(info, cover, len(cover.covers) + 1)
        return cover

    def _by_day(self, prefix: str, zone: layout.Zone) -> dict[Partition, list[ObjectInfo]]:
        """The objects under a prefix, by partition and key; strangers' files are passed over."""
        parse = SeriesObject.parse if zone == layout.SERIES else DecodedObject.parse
        days: dict[Partition, list[ObjectInfo]] = {}
        for info in self._store.list_objects(prefix):
            try:
                days.setdefault(parse(info.key).partition, []).append(info)
            except BadKey:
                continue
        return {day: sorted(objects, key=lambda info: info.key) for day, objects in days.items()}


def is_series(info: ObjectInfo) -> bool:
    """Whether an object is a series object."""
    return info.key.startswith(f"{layout.SERIES}/")


def partition_of(info: ObjectInfo) -> Partition:
    """The vehicle-day that an object holds rows of."""
    return (SeriesObject if is_series(info) else DecodedObject).parse(info.key).partition
