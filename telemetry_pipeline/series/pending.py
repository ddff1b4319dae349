"""Which vehicle-days wait to be compacted: those that are over, quiet and not settled, or not in the overview."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.series.state import SeriesState, read_cover, state_of
from telemetry_pipeline.series.tier_days import days_of
from telemetry_pipeline.series.tiers import TIERS_S

AT_ONCE: Final = 16
"""Vehicles that are looked at at the same time: looking is waiting for listings."""


def days_to_compact(
    store: Store,
    *,
    quiet_for_ns: int,
    now_ns: int,
    vehicles: Iterable[str] | None = None,
    first: dt.date = dt.date.min,
) -> Iterator[Partition]:
    """The vehicle-days for which `compact_day` has something to do, vehicle by vehicle and oldest first.

    Args:
        store: The lake.
        quiet_for_ns: A day is quiet when no decoded object of it was written for so long.
        now_ns: The present, int64 nanoseconds since the epoch. A day that is not over does not wait.
        vehicles: Only these; None: all with decoded objects.
        first: Days before this are not looked at, and months before it cost nothing: a month costs a listing for each
            thousand of its decoded objects, five more and two footers, each day with a series object a footer.

    Raises:
        TransientError: The store does not answer.
    """

    def of_vehicle(vehicle_id: str) -> list[Partition]:
        return [
            state.partition
            for month in ledger.months(store, vehicle_id, layout.DECODED, first)
            for state in _waiting(store, month, first, now_ns, now_ns - quiet_for_ns)
        ]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for days in pool.map(
            of_vehicle, ledger.vehicles(store, layout.DECODED) if vehicles is None else vehicles
        ):
            yield from days


def _waiting(
    store: Store, month: Partition, first: dt.date, over_ns: int, quiet_ns: int
) -> Iterator[SeriesState]:
    """The days of one month that wait, oldest first."""
    decoded = _by_day(store, month.month_prefix(layout.DECODED), DecodedObject.parse)
    series = _by_day(store, month.month_prefix(layout.SERIES), SeriesObject.parse)
    overview: list[dict[str, str]] = []
    for partition in sorted(decoded):
        late = max(info.modified_ns for info in decoded[partition]) > quiet_ns
        if partition.date < first or partition.end_ns > over_ns or late:
            continue
        covers = [read_cover(store, info) for info in series[partition]]
        state = state_of(partition, decoded[partition], covers)
        if state.settled:
            overview = overview or [days_of(store, month, tier) for tier in TIERS_S]
            if _holds(overview, state):
                continue
        yield state


def _by_day(
    store: Store, prefix: str, parse: Callable[[str], DecodedObject | SeriesObject]
) -> dict[Partition, list[ObjectInfo]]:
    """The objects of a month, by day and sorted by key; strangers' files are passed over."""
    found: dict[Partition, list[ObjectInfo]] = defaultdict(list)
    for item, info in ours(parse, sorted(store.list_objects(prefix), key=lambda info: info.key)):
        found[item.partition].append(info)
    return found


def _holds(overview: list[dict[str, str]], state: SeriesState) -> bool:
    """Whether all tiers hold a settled day as its series object has it."""
    if state.series is None:
        return True
    name = SeriesObject.parse(state.series.key).name
    return all(days.get(state.partition.date.isoformat()) == name for days in overview)
