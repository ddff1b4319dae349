"""The days of a range together: what follows from all of them is found once, and holds until one of them changes.

What says that a day changed is `objects`' business; what is in its objects is not known here.
"""

import datetime as dt
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, overload

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import DayNote
from telemetry_pipeline.query.listing import Infos
from telemetry_pipeline.series.whole_days import WholeDays


@dataclass(eq=False)
class Day:
    """What a vehicle-day's rows are in.

    Attributes:
        partition: Which one.
        series: The name of the series object that holds all of its rows; None where other objects hold some, too.
        stamp: What said so.
        listed: Its objects; None: the series object, which nobody has asked for yet.
        note: What the overview says of it as long as that series object counts; None where it says nothing.
    """

    partition: Partition
    series: str | None
    stamp: object
    listed: Infos | None
    note: DayNote | None = None


class Days(Sequence[Day]):
    """Days of one vehicle, oldest first. Each lookup that finds the very same ones gives the very same value.

    Args:
        days: The days.
    """

    def __init__(self, days: Iterable[Day]) -> None:
        self._days: Final = tuple(days)
        self._doubtful: tuple[Day, ...] | None = None

    @overload
    def __getitem__(self, index: int) -> Day: ...
    @overload
    def __getitem__(self, index: slice) -> "Days": ...
    def __getitem__(self, index: int | slice) -> "Day | Days":
        return Days(self._days[index]) if isinstance(index, slice) else self._days[index]

    def __iter__(self) -> Iterator[Day]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)

    def are(self, days: Sequence[Day]) -> bool:
        """Whether these are the very same."""
        return self._days == tuple(days)  # a day is equal to itself alone

    def between(self, first: dt.date, last: dt.date) -> "Days":
        """Those of them from one date to another, both included."""
        low = bisect_left(self._days, first, key=lambda day: day.partition.date)
        return self[low : bisect_right(self._days, last, key=lambda day: day.partition.date)]

    @cached_property
    def partitions(self) -> frozenset[Partition]:
        """Which vehicle-days they are."""
        return frozenset(day.partition for day in self._days)

    @cached_property
    def whole(self) -> WholeDays:
        """Those that a series object holds whole."""
        return WholeDays({day.partition: day.series for day in self._days if day.series is not None})

    def beside(self, whole: WholeDays, missing: Collection[Partition]) -> Sequence[Day]:
        """Those that are not among some of `whole`, or whose rows turned out to be missing all the same."""
        if len(whole) == len(self._days) and not missing:
            return ()
        lost = set(missing)
        return [day for day in self._days if day.partition not in whole or day.partition in lost]

    def doubtful(self, span: tuple[int, int], note: Callable[[Day], DayNote | None]) -> list[Day]:
        """Those that may hold rows of a range whose times are not in the day.

        Args:
            span: The range.
            note: Says what the overview knows of a day.
        """
        if (known := self._doubtful) is None:
            known = tuple(
                day for day in self._days if (said := note(day)) is None or said.outside is not None
            )
            # what nobody knows of a compacted day may be known the next time
            if all(day.series is None or note(day) is not None for day in known):
                self._doubtful = known
        return [day for day in known if _reaches(note(day), span)]


def _reaches(note: DayNote | None, span: tuple[int, int]) -> bool:
    if note is None:
        return True
    return note.outside is not None and note.outside[0] < span[1] and note.outside[1] >= span[0]
