"""Events of a vehicle: intervals read from the events objects of the days that matter, put together over borders.

Rules are not needed to read what they found: every row says by which one. What an event is, is `rules`' business.
"""

import logging
import os
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Final

import pyarrow as pa

from telemetry_pipeline.errors import BadRaw, NotFound, NoVehicle, TooLarge
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.neighbours import Neighbours
from telemetry_pipeline.rules.interval import Interval, Series, from_table
from telemetry_pipeline.rules.merge import Found, Merged, merge

_log: Final = logging.getLogger(__name__)

REACH_DAYS: Final = 31
"""How far beyond the range the two ends of an event are looked for; one that reaches further says so by being open."""

MAX_EVENTS: Final = 50_000
"""The most events in one answer."""

_KEPT_INTERVALS: Final = 200_000
_FEW_DAYS: Final = 7
"""Up to so many days are listed one by one; of a longer range all days that exist are listed first."""


@dataclass(frozen=True)
class Events:
    """Events of a vehicle in order of their first samples, and how many events objects could not be read."""

    events: list[Interval]
    skipped_objects: int


class EventReader:
    """Reads the events of a lake; may be called from several threads at once.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        # a folder is bound by the processor, a bucket by its answer times
        workers = min(4, os.cpu_count() or 1) if store.root else 16
        self.pool: Final = ThreadPoolExecutor(workers, thread_name_prefix="events")
        self._objects: WeightedCache[ObjectInfo, tuple[Interval, ...] | BadRaw] = WeightedCache(
            _KEPT_INTERVALS
        )

    def events(
        self,
        vehicle_id: str,
        start_ns: int,
        end_ns: int,
        *,
        severities: Collection[str] = (),
        rules: Collection[str] = (),
    ) -> Events:
        """The events that have a part in [start_ns, end_ns), whole: also what of them lies before and after.

        Args:
            vehicle_id: The vehicle.
            start_ns: The first instant, nanoseconds since the epoch.
            end_ns: The first instant no longer wanted.
            severities: Only these; none for all.
            rules: Only the rules of these names; none for all.

        Raises:
            BadKey: It is not a vehicle id.
            NotFound: There is nothing decoded of it.
            TooLarge: More events than one answer may have.
            TransientError: The store does not answer.
        """
        layout.check_vehicle_id(vehicle_id)
        reading = _Reading(self, self._store, severities, rules)
        days = self._days(vehicle_id, start_ns, end_ns)
        reading.load(days)
        before, after = (
            Partition.containing(vehicle_id, start_ns),
            Partition.containing(vehicle_id, end_ns - 1),
        )
        merged = reading.merged()
        for _ in range(REACH_DAYS):
            near = [
                item.interval
                for item in merged
                if item.interval.last_ns + item.interval.series.max_hole_ns >= start_ns
                and item.interval.first_ns - item.interval.series.max_hole_ns < end_ns
            ]
            further = []
            if any(i.open_start and i.first_ns - i.series.max_hole_ns < before.start_ns for i in near):
                before = before.shifted(-1)
                further.append(before)
            if any(i.open_end and i.last_ns + i.series.max_hole_ns >= after.end_ns for i in near):
                after = after.shifted(1)
                further.append(after)
            if not further:
                break
            reading.load(further)
            merged = reading.merged()
        found = [
            item
            for item in merged
            if item.interval.long_enough
            and item.interval.last_ns >= start_ns
            and item.interval.first_ns < end_ns
        ]
        if len(found) > MAX_EVENTS:
            raise TooLarge(
                f"{len(found):,} events lie in the range, the limit is {MAX_EVENTS:,}",
                remedy="Ask for a shorter range, one severity or one rule",
            )
        if not found and not self._store.list_dirs(layout.vehicle_prefix(layout.DECODED, vehicle_id)):
            raise NoVehicle(
                f"no decoded data of vehicle {vehicle_id}",
                remedy="GET /vehicles lists the vehicles; raw objects have to be decoded first",
            )
        return Events([reading.settled(item) for item in found], reading.skipped)

    def intervals(self, info: ObjectInfo) -> tuple[Interval, ...] | BadRaw:
        """What one events object holds, or why it cannot be read."""
        if (found := self._objects.get(info)) is None:
            try:
                file = parquet.open_object(self._store.get(info.key), info.key)
                found = tuple(from_table(file.read(use_threads=False)))
            except (BadRaw, NotFound, KeyError, pa.ArrowException, OSError, ValueError) as error:
                found = BadRaw(f"its data cannot be read ({str(error).partition(chr(10))[0]})", info.key)
                _log.warning("skipped: %s", found)
            self._objects.put(info, found, 1 if isinstance(found, BadRaw) else len(found) + 1)
        return found

    def _days(self, vehicle_id: str, start_ns: int, end_ns: int) -> list[Partition]:
        if (end_ns - start_ns) // layout.DAY_NS < _FEW_DAYS:
            return list(layout.days_between(vehicle_id, start_ns, end_ns))
        return [
            day
            for day in ledger.partitions(self._store, vehicle_id, layout.EVENTS)
            if day.start_ns < end_ns and day.end_ns > start_ns
        ]


@dataclass
class _Reading:
    """What one question has read so far."""

    reader: EventReader
    store: Store
    severities: Collection[str]
    rules: Collection[str]
    found: list[Found] = field(default_factory=list)
    skipped: int = 0
    neighbours: Neighbours = field(init=False)

    def __post_init__(self) -> None:
        self.neighbours = Neighbours(self.store)

    def load(self, days: Sequence[Partition]) -> None:
        listed = [item for day in self.reader.pool.map(self._listed, days) for item in day]
        read = self.reader.pool.map(self.reader.intervals, [info for _, info in listed])
        for (source, _), intervals in zip(listed, read, strict=True):
            if isinstance(intervals, BadRaw):
                self.skipped += 1
            else:
                self.found += [(source, item) for item in intervals if self._wanted(item.series)]

    def merged(self) -> list[Merged]:
        return merge(self.found, self.neighbours.between)

    def settled(self, item: Merged) -> Interval:
        """An interval whose open ends are closed where another object saw the condition not hold."""
        found, series = item.interval, item.interval.series
        start = found.open_start and not self.neighbours.before(item.first_in, series, found.first_ns)
        end = found.open_end and not self.neighbours.after(item.last_in, series, found.last_ns)
        return replace(found, open_start=start, open_end=end)

    def _wanted(self, series: Series) -> bool:
        return (not self.severities or series.severity in self.severities) and (
            not self.rules or series.rule in self.rules
        )

    def _listed(self, day: Partition) -> list[tuple[DecodedObject, ObjectInfo]]:
        return list(ours(DecodedObject.with_events, self.store.list_objects(day.prefix(layout.EVENTS))))
