"""Which days of a vehicle there are in a lake, and where their objects lie."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.listing import Listings

_KEPT_BYTES: Final = 16 << 20
_PLACE_BYTES: Final = 800
"""About what a day takes."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the objects of a day lie: the prefixes of its decoded objects and of its series objects."""

    day: Partition
    decoded: str
    series: str


class Places:
    """Finds the days that have decoded objects. Safe to use from several threads.

    Args:
        listings: The lake's.
    """

    def __init__(self, listings: Listings) -> None:
        self._listings = listings
        self._known: WeightedCache[str, tuple[tuple[str, ...], list[Place]]] = WeightedCache(_KEPT_BYTES)

    def months(self, vehicle_id: str, first: dt.date, last: dt.date) -> list[str]:
        """The prefixes of the months with decoded objects that overlap a range, oldest first."""
        names = (first.isoformat()[:7], last.isoformat()[:7])
        found = []
        for year in self._listings.folders(layout.vehicle_prefix(layout.DECODED, vehicle_id)):
            number = _number(year)
            if number is not None and names[0][:4] <= f"{number:04d}" <= names[1][:4]:
                for month in self._listings.folders(f"{year}/"):
                    of_year = _number(month)
                    if of_year is not None and names[0] <= f"{number:04d}-{of_year:02d}" <= names[1]:
                        found.append(month)
        return found

    def of(self, month: str) -> list[Place]:
        """The days of a month's prefix that are there, oldest first."""
        folders = self._listings.folders(f"{month}/")
        known = self._known.get(month)
        if known is not None and known[0] is folders:
            return known[1]
        found = [layout.partition_of(folder, layout.DECODED) for folder in folders]
        places = [Place(day, *prefixes_of(day)) for day in found if day is not None]
        self._known.put(month, (folders, places), _PLACE_BYTES * (len(places) + 1))
        return places


def prefixes_of(day: Partition) -> tuple[str, str]:
    """The prefixes of a day's decoded objects and of its series objects."""
    return day.prefix(layout.DECODED), day.prefix(layout.SERIES)


def month_of(prefix: str) -> str:
    """The prefix of the month that a day's prefix is of."""
    return f"{prefix.rstrip('/').rpartition('/')[0]}/"


def _number(folder: str) -> int | None:
    """The number at the end of a year's or a month's folder."""
    digits = folder.rpartition("=")[2]
    return int(digits) if digits.isdecimal() else None
