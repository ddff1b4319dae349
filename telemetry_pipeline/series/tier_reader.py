"""Reading the overview: the rows of whole days in a tier, as far as the tier holds them.

Which tier is right for a question, and what becomes of days that it does not hold, is `query`'s business.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake.compacted import OverviewMonth, overview_name
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import Columns, DayNote, OverviewIndex, read_columns, read_index
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.listing import MAX_AGE_S, Listings
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.source import Source, open_source
from telemetry_pipeline.series.tier_days import DAILY, daily_name
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, TierRows, concatenate
from telemetry_pipeline.series.whole_days import WholeDays

COLUMNS: Final = tuple(column.name for column in fields(TierRows))

_INDEX_BYTES: Final = 48 << 20
_INDEXED: Final = 6000
"""About what a signal of an overview object's footer takes in memory."""

_ROW_BYTES: Final = 48 << 20
_ANSWER_BYTES: Final = 16 << 20
"""Rows of many days are remembered together, too: putting a year together takes longer than drawing it."""

_ROW: Final = 8 * len(COLUMNS)
_ENTRY: Final = 2000
_LISTING_BYTES: Final = 8 << 20

_ATTEMPTS: Final = 5


@dataclass(frozen=True)
class TierAnswer:
    """Rows of some days.

    Attributes:
        rows: By signal, in order of time; signals without rows are left out.
        units: Units of those signals.
        missing: The days that the tier does not hold: their rows have to be made from samples.
        rows_scanned: Rows that were decompressed for it.
        bytes_scanned: Compressed bytes of those.
    """

    rows: Mapping[SignalName, TierRows]
    units: Mapping[SignalName, str]
    missing: Sequence[Partition]
    rows_scanned: int = 0
    bytes_scanned: int = 0


@dataclass
class _Month:
    """What was read of one month so far."""

    left: dict[Partition, str]
    parts: dict[SignalName, list[TierRows]] = field(default_factory=dict)
    units: dict[SignalName, str] = field(default_factory=dict)
    rows_scanned: int = 0
    bytes_scanned: int = 0


def _in_turn(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    return [work(item) for item in items]


class TierReader:
    """Reads the overview of a lake; footers and rows are remembered. Safe to use from several threads.

    Args:
        store: The lake.
        spread: Applies a function to each of some items, several at a time.
        max_age_s: How old a listing of a bucket may be.
    """

    def __init__(
        self,
        store: Store,
        spread: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]] = _in_turn,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._store = store
        self._spread = spread
        self._listings = Listings(store, _LISTING_BYTES, max_age_s)
        self._indexes: WeightedCache[ObjectInfo, OverviewIndex] = WeightedCache(_INDEX_BYTES)
        self._rows: WeightedCache[tuple[ObjectInfo, SignalName], TierRows] = WeightedCache(_ROW_BYTES)
        self._answers: WeightedCache[tuple[object, ...], TierAnswer] = WeightedCache(_ANSWER_BYTES)

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
        whole = WholeDays.of(days)
        listed = tuple(map(self._listings.objects, whole.prefixes(tier)))
        key = (tier, tuple(names), whole, listed)
        if (known := self._answers.get(key)) is not None:
            return known
        read = self._months(days, names, tier)
        rows = {}
        for name in names:
            if parts := [part for month in read for part in month.parts.get(name, ())]:
                rows[name] = in_order(parts)
        units = {name: unit for month in read for name, unit in month.units.items()}
        missing = sorted(day for month in read for day in month.left)
        weight = _ENTRY + sum(_ROW * len(part) for part in rows.values())
        if not missing and 2 * weight < _ANSWER_BYTES:
            self._answers.put(key, TierAnswer(rows, units, ()), weight)
        return TierAnswer(
            rows,
            units,
            missing,
            sum(month.rows_scanned for month in read),
            sum(month.bytes_scanned for month in read),
        )

    def count(
        self, days: Mapping[Partition, str], names: Sequence[SignalName], tier: int, span: tuple[int, int]
    ) -> tuple[dict[SignalName, int], Sequence[Partition]]:
        """How many samples lie in buckets that a range touches, of the signals that there are, and what days are missing.

        Args:
            days: As of `read`.
            names: The signals.
            tier: The width of a bucket in seconds.
            span: The range.

        Raises:
            TransientError: The store does not answer.
        """
        read = self.read(days, names, tier)
        counts: dict[SignalName, int] = {}
        for name, rows in read.rows.items():
            first = int(np.searchsorted(rows.bucket, span[0] - tier * S_NS, side="right"))
            stop = int(np.searchsorted(rows.bucket, span[1]))
            counts[name] = int(rows.count[first:stop].sum())
        return counts, read.missing

    def _months(
        self, days: Mapping[Partition, str], names: Sequence[SignalName], tier: int
    ) -> "list[_Month]":
        """Read whole days, month by month."""
        months: dict[tuple[int, int], dict[Partition, str]] = {}
        for day, series in days.items():
            months.setdefault((day.date.year, day.date.month), {})[day] = series
        wanted = [months[month] for month in sorted(months)]
        return self._spread(lambda month: self._read_month(month, names, tier), wanted)

    def note(self, day: Partition, series: str) -> DayNote | None:
        """What is known of a day beside its rows, as long as a series object counts; None where nothing is.

        Raises:
            TransientError: The store does not answer.
        """
        date = day.date.isoformat()
        for info in self._listed(OverviewMonth.containing(TIERS_S[-1], day)):
            index = self._index(info)
            if index is not None and index.days.get(date) == series:
                return index.notes.get(date)
        return None

    def _listed(self, month: OverviewMonth) -> list[ObjectInfo]:
        infos = self._listings.objects(month.prefix)
        return [info for info in infos if overview_name(info.key) is not None]

    def _index(self, info: ObjectInfo) -> OverviewIndex | None:
        """The footer of an overview object; None where it cannot be read: its days are made again with the next one."""
        if (known := self._indexes.get(info)) is not None:
            return known
        try:
            with open_source(self._store, info) as source:
                return self._read_index(source, info)
        except (BadRaw, NotFound, FileNotFoundError):
            return None

    def _read_index(self, source: Source, info: ObjectInfo) -> OverviewIndex:
        if (index := self._indexes.get(info)) is None:
            source.fetch_footer()
            index = read_index(source.arrow, info.key)
            self._indexes.put(info, index, _INDEXED * (len(index.units) + len(index.days)))
        return index

    def _read_month(self, wanted: Mapping[Partition, str], names: Sequence[SignalName], tier: int) -> _Month:
        """The rows of some days of a month."""
        found = _Month(dict(wanted))
        month = OverviewMonth.containing(tier, next(iter(wanted)))
        daily = {daily_name(day, series) for day, series in wanted.items()} if tier in DAILY else set()
        for _ in range(_ATTEMPTS):
            try:
                for info in self._listed(month):
                    if found.left and (tier not in DAILY or overview_name(info.key) in daily):
                        self._read_object(info, names, found)
                break
            except (
                NotFound,
                FileNotFoundError,
            ):  # replaced since it was listed; days that were read are not left
                self._listings.forget(month.prefix)
        return found

    def _read_object(self, info: ObjectInfo, names: Sequence[SignalName], found: _Month) -> None:
        if (index := self._indexes.get(info)) is not None:
            rows = {name: self._rows.get((info, name)) for name in names if name in index.groups}
            if all(part is not None for part in rows.values()):
                _add(found, index, {name: part for name, part in rows.items() if part is not None})
                return
        with open_source(self._store, info) as source:
            try:
                index = self._read_index(source, info)
                if not _held(found, index):
                    return
                known = {name: part for name in names if (part := self._rows.get((info, name))) is not None}
                missing = [name for name in names if name not in known]
                ranges = index.ranges(missing)
                source.fetch(ranges)
                for name, columns in read_columns(source.arrow, index, missing, info.key).items():
                    known[name] = rows_of(columns)
                    found.rows_scanned += len(known[name])
                    self._rows.put((info, name), known[name], _ROW * len(known[name]) + _ENTRY)
                found.bytes_scanned += sum(size for _, size in ranges)
            except BadRaw:
                return  # its days count as missing, and are made again with the next one
        _add(found, index, known)


def _held(found: _Month, index: OverviewIndex) -> list[Partition]:
    """The days that an object holds and that are still looked for."""
    return [day for day, series in found.left.items() if index.days.get(day.date.isoformat()) == series]


def _add(found: _Month, index: OverviewIndex, rows: Mapping[SignalName, TierRows]) -> None:
    if not (held := _held(found, index)):
        return
    all_of_it = len(held) == len(index.days)
    for name, part in rows.items():
        found.parts.setdefault(name, []).append(part if all_of_it else of_days(part, held))
        found.units[name] = index.units[name]
    for day in held:
        del found.left[day]


def rows_of(columns: Columns) -> TierRows:
    """Columns of an overview object as rows."""
    return TierRows(*(columns[name] for name in COLUMNS))  # type: ignore[arg-type]


def of_days(rows: TierRows, days: Iterable[Partition]) -> TierRows:
    """Those rows whose buckets lie in some days."""
    keep = np.zeros(len(rows), np.bool_)
    for day in days:
        first, stop = np.searchsorted(rows.bucket, [day.start_ns, day.end_ns])
        keep[first:stop] = True
    return rows.where(keep)


def in_order(parts: Sequence[TierRows]) -> TierRows:
    """Rows of different days as one, in order of time."""
    rows = concatenate([part for part in parts if len(part)])
    if (np.diff(rows.bucket) >= 0).all():
        return rows
    return rows[np.argsort(rows.bucket, kind="stable")]
