"""Reading the overview: the rows of whole days in a tier, as far as the tier holds them.

Which tier is right for a question, and what becomes of days that it does not hold, is `query`'s business.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake.compacted import OverviewMonth, overview_name
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import Columns, OverviewIndex, read_columns, read_index
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.series.tiers import TIERS_S, TierRows, concatenate

DAILY: Final = TIERS_S[:1]
"""Tiers with an object for each day: they serve hours to days, and a month of them would be rewritten every day."""

COLUMNS: Final = tuple(field.name for field in fields(TierRows))

_INDEXED_SIGNALS: Final = 100_000
"""Signals of overview objects whose footers are remembered: about 5 kB each."""

_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class TierAnswer:
    """Rows of some days.

    Attributes:
        rows: By signal, in order of time; signals without rows are left out.
        units: Units of those signals.
        missing: The days that the tier does not hold: their rows have to be made from samples.
    """

    rows: Mapping[SignalName, TierRows]
    units: Mapping[SignalName, str]
    missing: Sequence[Partition]


@dataclass
class _Found:
    """What was read so far."""

    parts: dict[SignalName, list[TierRows]]
    units: dict[SignalName, str]


class TierReader:
    """Reads the overview of a lake; footers are remembered. Safe to use from several threads.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._indexes: WeightedCache[ObjectInfo, OverviewIndex] = WeightedCache(_INDEXED_SIGNALS)

    def read(self, days: Mapping[Partition, str], names: Sequence[SignalName], tier: int) -> TierAnswer:
        """Read signals of whole days of one vehicle.

        Args:
            days: The days, with the names of the series objects that hold all of their rows: only what was made from
                these counts.
            names: The signals.
            tier: The width of a bucket in seconds, one of `TIERS_S`.

        Raises:
            TransientError: The store does not answer.
        """
        found = _Found({}, {})
        months: dict[OverviewMonth, dict[Partition, str]] = {}
        for day, series in days.items():
            months.setdefault(OverviewMonth.containing(tier, day), {})[day] = series
        missing: list[Partition] = []
        for _, wanted in sorted(months.items()):
            missing += self._read_month(wanted, names, tier, found)
        rows = {name: in_order(parts) for name, parts in found.parts.items()}
        return TierAnswer(rows, found.units, sorted(missing))

    def _read_month(
        self,
        wanted: Mapping[Partition, str],
        names: Sequence[SignalName],
        tier: int,
        found: _Found,
    ) -> list[Partition]:
        """Add a month's rows; returns the days that are not there."""
        left = dict(wanted)
        month = OverviewMonth.containing(tier, next(iter(wanted)))
        daily = {daily_name(day, series) for day, series in wanted.items()}
        for _ in range(_ATTEMPTS):
            try:
                for info in list_overview(self._store, month):
                    if tier not in DAILY or overview_name(info.key) in daily:
                        self._read_object(info, left, names, found)
                break
            except NotFound:  # replaced since it was listed; days that were read are not in `left` any more
                continue
        return list(left)

    def _read_object(
        self,
        info: ObjectInfo,
        left: dict[Partition, str],
        names: Sequence[SignalName],
        found: _Found,
    ) -> None:
        with self._store.open_file(info.key) as file:
            try:
                if (index := self._indexes.get(info)) is None:
                    index = read_index(file, info.key)
                    self._indexes.put(info, index, len(index.units) + 10)
                held = [day for day, series in left.items() if index.days.get(day.date.isoformat()) == series]
                if not held:
                    return
                columns_of = read_columns(file, index, names, info.key)
            except BadRaw:
                return  # its days count as missing, and are made again with the next one
        for name, columns in columns_of.items():
            found.parts.setdefault(name, []).append(of_days(rows_of(columns), held))
            found.units[name] = index.units[name]
        for day in held:
            del left[day]


def list_overview(store: Store, month: OverviewMonth) -> list[ObjectInfo]:
    """The overview objects of a month in one tier, sorted by key; strangers' files are passed over."""
    found = [info for info in store.list_objects(month.prefix) if overview_name(info.key) is not None]
    return sorted(found, key=lambda info: info.key)


def daily_name(day: Partition, series: str) -> str:
    """The name of the object that holds one day of a tier."""
    return f"{day.date:%d}-{series}"


def days_of(store: Store, partition: Partition, tier: int) -> dict[str, str]:
    """The days that a tier holds in a day's month (`2026-11-22`), with the names of the series objects they are from.

    Where objects disagree, the day counts from the last of them.
    """
    days: dict[str, str] = {}
    for info in list_overview(store, OverviewMonth.containing(tier, partition)):
        if tier in DAILY:
            number, _, series = str(overview_name(info.key)).partition("-")
            days[f"{partition.date:%Y-%m}-{number}"] = series
            continue
        try:
            with store.open_file(info.key) as file:
                days |= read_index(file, info.key).days
        except (BadRaw, NotFound):
            continue  # what cannot be read holds no day, and is replaced with the next one
    return days


def rows_of(columns: Columns) -> TierRows:
    """Columns of an overview object as rows."""
    return TierRows(*(columns[name] for name in COLUMNS))  # type: ignore[arg-type]


def of_days(rows: TierRows, days: Iterable[Partition]) -> TierRows:
    """Those rows whose buckets lie in some days."""
    keep = np.zeros(len(rows), np.bool_)
    for day in days:
        first, stop = np.searchsorted(rows.bucket, [day.start_ns, day.end_ns])
        keep[first:stop] = True
    return rows[keep]


def in_order(parts: Sequence[TierRows]) -> TierRows:
    """Rows of different days as one, in order of time."""
    rows = concatenate([part for part in parts if len(part)])
    return rows[np.argsort(rows.bucket, kind="stable")]


def date_of(partition: Partition, day: str) -> Partition:
    """The vehicle-day that a footer calls `2026-11-22`."""
    return Partition(partition.vehicle_id, dt.date.fromisoformat(day))
