"""Which objects hold the rows of a vehicle-day, each row exactly once: its series object and what that does not cover.

A day is looked at again whenever it may have changed: in a folder by the times of its folders, in a bucket by listing.
What is in the objects is not known here.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import DecodedObject, Partition, Zone
from telemetry_pipeline.lake.ours import ours
from telemetry_pipeline.lake.overview_file import DayNote
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.listing import MAX_AGE_S, Infos, Listings
from telemetry_pipeline.query.moment import looked_up
from telemetry_pipeline.query.places import Place, Places, month_of, prefixes_of
from telemetry_pipeline.query.vehicle_days import Day, Days
from telemetry_pipeline.series.state import Cover, read_cover, series_name, state_of

_COVER_BYTES: Final = 16 << 20
_COVERED: Final = 200
_LISTING_BYTES: Final = 48 << 20
_BUCKET_BYTES: Final = 96 << 20
"""Listings of a bucket are remembered to be compared: those of folders only until a day is known."""

_SEEN_BYTES: Final = 16 << 20
_RANGE_BYTES: Final = 4 << 20
_INFO_BYTES: Final = 400

_FEW_DAYS: Final = 3
"""Up to so many days of a month are listed one by one in a bucket; of more, the month is."""

_FEW_MONTHS: Final = 36
"""A longer range of a bucket is asked which months there are."""

_ZONES: Final[tuple[Zone, Zone]] = (layout.DECODED, layout.SERIES)

_Stamp = tuple[int | None, ...]
"""When the folders of a day last changed."""


class Gone(Exception):
    """A series object was replaced, or turned out to be broken, after it was listed: the question begins anew."""


class DayObjects:
    """Lists the objects to read, by vehicle-day. Safe to use from several threads.

    Args:
        store: The lake.
        spread: Applies a function to each of some items, several at a time.
        note: What the overview says of a day, by the name of its series object; None where it says nothing.
        max_age_s: How old a listing of a bucket may be.
    """

    def __init__(
        self,
        store: Store,
        spread: Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]],
        note: Callable[[Partition, str], DayNote | None] = lambda *_: None,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._store = store
        self._spread = spread
        self._note = note
        self._listings = Listings(store, _LISTING_BYTES if store.root else _BUCKET_BYTES, max_age_s)
        self._covers: WeightedCache[ObjectInfo, Cover] = WeightedCache(_COVER_BYTES)
        self._broken: WeightedCache[str, ObjectInfo] = WeightedCache(_COVER_BYTES)
        self._seen: WeightedCache[str, Day] = WeightedCache(_SEEN_BYTES)
        self._ranges: WeightedCache[tuple[str, dt.date, dt.date], tuple[object, Days]] = WeightedCache(
            _RANGE_BYTES
        )
        self._disregarded = 0
        self._places = Places(self._listings)
        self._sorted_out: WeightedCache[str, tuple[Infos, dict[Partition, Infos]]] = WeightedCache(
            _SEEN_BYTES
        )

    def days(self, vehicle_id: str, start_ns: int, end_ns: int) -> Days:
        """The days that [start_ns, end_ns) touches and that have decoded objects, oldest first.

        Raises:
            BadKey: It is not a vehicle id.
            TransientError: The store does not answer.
        """
        layout.check_vehicle_id(vehicle_id)
        if end_ns <= start_ns:
            return Days(())
        first, last = (Partition.containing(vehicle_id, ns).date for ns in (start_ns, end_ns - 1))
        return looked_up(self, vehicle_id, first, last, lambda: self._looked_at(vehicle_id, first, last))

    def in_range(self, vehicle_id: str, start_ns: int, end_ns: int) -> dict[Partition, list[ObjectInfo]]:
        """The objects of the days that [start_ns, end_ns) touches.

        Raises:
            BadKey: It is not a vehicle id.
            Gone: A series object was replaced meanwhile.
            TransientError: The store does not answer.
        """
        return {day.partition: self.objects(day) for day in self.days(vehicle_id, start_ns, end_ns)}

    def of_vehicle(self, vehicle_id: str) -> dict[Partition, list[ObjectInfo]]:
        """The objects of all days of a vehicle; raises as `in_range`."""
        layout.check_vehicle_id(vehicle_id)
        found = self._looked_at(vehicle_id, dt.date.min, dt.date.max)
        return {day.partition: objects for day in found if (objects := self.objects(day))}

    def objects(self, day: Day) -> list[ObjectInfo]:
        """The objects of a day: its series object first, if it has one that counts.

        Raises:
            Gone: The series object was replaced meanwhile.
            TransientError: The store does not answer.
        """
        if day.listed is None:
            series = self._listings.objects(day.partition.prefix(layout.SERIES))
            if [info.key for info in series] != [SeriesObject(day.partition, str(day.series)).key]:
                raise Gone(f"{day.partition.vehicle_id} {day.partition.date}")
            day.listed = series
        return list(day.listed)

    def note(self, day: Day) -> DayNote | None:
        """What the overview says of a day whose rows its series object holds; None where it says nothing.

        Raises:
            TransientError: The store does not answer.
        """
        if day.note is None and day.series is not None:
            day.note = self._note(day.partition, day.series)
        return day.note

    def disregard(self, info: ObjectInfo) -> None:
        """A series object is broken: from now on the decoded objects answer in its place."""
        self._broken.put(info.key, info, _INFO_BYTES)
        self._disregarded += 1
        day = partition_of(info)
        self._seen.put(prefixes_of(day)[0], Day(day, None, None, ()), _INFO_BYTES)

    def forget(self, info: ObjectInfo) -> None:
        """An object that was listed is not there any more, or has other bytes: its day is listed again."""
        for prefix in prefixes_of(partition_of(info)):
            self._listings.forget(prefix)
            self._listings.forget(month_of(prefix))

    def _looked_at(self, vehicle_id: str, first: dt.date, last: dt.date) -> Days:
        """The days of a vehicle from one to another, both included."""
        key, look = (vehicle_id, first, last), None
        known_look, known = self._ranges.get(key) or (None, Days(()))
        if self._store.root is None:
            found = self._from_bucket(vehicle_id, first, last)
        else:
            months = self._places.months(vehicle_id, first, last)
            places = [p for month in months for p in self._places.of(month) if first <= p.day.date <= last]
            changes = self._listings.changes([p for place in places for p in (place.decoded, place.series)])
            stamps = list(zip(changes[::2], changes[1::2], strict=True))
            look = (self._disregarded, places, stamps)
            if look == known_look:
                return known
            found = [self._in_folders(*item) for item in zip(places, stamps, strict=True)]
            if not all(self._listings.keeps(changed) for stamp in stamps for changed in stamp):
                look = None
        days = known if known.are(found) else Days(found)
        self._ranges.put(key, (look, days), _INFO_BYTES * (len(found) + 1))
        return days

    def _in_folders(self, place: Place, stamp: _Stamp) -> Day:
        known = self._seen.get(place.decoded)  # its hash is remembered, a day's is not
        if known is not None and known.stamp == stamp:
            return known
        if (found := self._noted(place, stamp)) is None:
            decoded, series = (
                self._ours(zone, self._listings.objects(prefix))
                for zone, prefix in zip(_ZONES, (place.decoded, place.series), strict=True)
            )
            found = self._chosen(place.day, stamp, decoded, series)
        if all(self._listings.keeps(changed) for changed in stamp):
            self._seen.put(place.decoded, found, _INFO_BYTES * (len(found.listed or ()) + 1))
        return found

    def _noted(self, place: Place, stamp: _Stamp) -> Day | None:
        """A day whose decoded objects have not changed since they were compacted: known without listing them."""
        names = self._listings.names(place.series)
        key = place.series + names[0] if len(names) == 1 else ""
        if self._broken.get(key) is not None or (name := SeriesObject.name_of(key)) is None:
            return None
        note = self._note(place.day, name)
        if note is None or note.covered_ns is None or note.covered_ns != stamp[0]:
            return None
        return Day(place.day, name, stamp, None, note)

    def _from_bucket(self, vehicle_id: str, first: dt.date, last: dt.date) -> list[Day]:
        asked = [
            (zone, prefix)
            for prefixes in self._bucket_prefixes(vehicle_id, first, last)
            for zone, prefix in zip(_ZONES, prefixes, strict=True)
        ]
        by_day = self._spread(lambda item: self._by_day(*item), asked)
        return [
            self._from_listing(day, decoded[day], series.get(day, ()))
            for decoded, series in zip(by_day[::2], by_day[1::2], strict=True)
            for day in decoded
            if first <= day.date <= last
        ]

    def _bucket_prefixes(self, vehicle_id: str, first: dt.date, last: dt.date) -> list[tuple[str, str]]:
        """What to list: days, or whole months where several days of them are asked for."""
        if (last - first).days > _FEW_MONTHS * 31:
            months = self._places.months(vehicle_id, first, last)
            return [(f"{month}/", f"{layout.SERIES}/{month.partition('/')[2]}/") for month in months]
        found: list[tuple[str, str]] = []
        dates = (dt.date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1))
        for _, group in groupby(dates, key=lambda date: (date.year, date.month)):
            prefixes = [prefixes_of(Partition(vehicle_id, date)) for date in group]
            if len(prefixes) > _FEW_DAYS:
                decoded, series = prefixes[0]
                prefixes = [(month_of(decoded), month_of(series))]
            found += prefixes
        return found

    def _by_day(self, zone: Zone, prefix: str) -> dict[Partition, Infos]:
        """Our objects under a prefix by day, oldest first."""
        infos = self._listings.objects(prefix)
        known = self._sorted_out.get(prefix)
        if known is not None and known[0] is infos:
            return known[1]
        by_day: dict[Partition, list[ObjectInfo]] = {}
        for info in self._ours(zone, infos):
            by_day.setdefault(partition_of(info), []).append(info)
        found = {day: tuple(by_day[day]) for day in sorted(by_day)}
        self._sorted_out.put(prefix, (infos, found), _COVERED * len(infos) + _INFO_BYTES)
        return found

    def _from_listing(self, day: Partition, decoded: Infos, series: Infos) -> Day:
        prefix, _ = prefixes_of(day)
        known = self._seen.get(prefix)
        if known is not None and known.stamp == (decoded, series):  # most often the very same tuples
            return known
        found = self._chosen(day, (decoded, series), decoded, series)
        self._seen.put(prefix, found, _INFO_BYTES * (len(decoded) + len(series) + 1))
        return found

    def _chosen(self, day: Partition, stamp: object, decoded: Infos, series: Infos) -> Day:
        series = tuple(info for info in series if self._broken.get(info.key) != info)
        if not series or not decoded:
            return Day(day, None, stamp, decoded)
        # the name of a series object tells what it is made from: if that is all there is, its footer need not be read
        whole = series_name({DecodedObject.parse(info.key).stem: info.etag for info in decoded}, {})
        for info in series:
            if SeriesObject.parse(info.key).name == whole:
                return Day(day, whole, stamp, (info,))
        state = state_of(day, decoded, [self._cover(info) for info in series])
        if state.series is None:
            return Day(day, None, stamp, decoded)
        covered = {info.key for info in state.covered}
        rest = tuple(info for info in decoded if info.key not in covered)
        name = None if rest else SeriesObject.parse(state.series.key).name
        return Day(day, name, stamp, (state.series, *rest))

    def _cover(self, info: ObjectInfo) -> Cover | ObjectInfo:
        if (cover := self._covers.get(info)) is None:
            found = read_cover(self._store, info)
            if not isinstance(found, Cover):  # what could not be read may be readable the next time
                return found
            cover = found
            self._covers.put(info, cover, _COVERED * (len(cover.covers) + 1))
        return cover

    def _ours(self, zone: Zone, infos: Iterable[ObjectInfo]) -> Infos:
        """Those objects of a listing that are ours; strangers' files are passed over."""
        parse = SeriesObject.parse if zone == layout.SERIES else DecodedObject.parse
        return tuple([info for _, info in ours(parse, infos)])


def is_series(info: ObjectInfo) -> bool:
    """Whether an object is a series object."""
    return info.key.startswith(f"{layout.SERIES}/")


def partition_of(info: ObjectInfo) -> Partition:
    """The vehicle-day that an object holds rows of."""
    return (SeriesObject if is_series(info) else DecodedObject).parse(info.key).partition
