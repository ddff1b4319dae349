"""Where the rows of a range lie for Athena, each exactly once: told by the lake's listing, object by object.

A day that is compacted is read from `signal_series`, by the path of the one object that counts, and what that does not
cover from `decoded_signals`, by the paths of the late objects. Every other day is a whole partition of
`decoded_signals`. What a partition holds besides (a series object that is being replaced) is in no answer.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.athena.clause import Clause, all_of, among, none_of
from telemetry_pipeline.query.athena.pruning import Days
from telemetry_pipeline.query.objects import is_series

LATE_MAX: Final = 20
"""Late objects of a day that are named one by one; where there are more, the day's partition is read instead."""

PATH: Final = '"$path"'
"""The hidden column with the address of the object that a row is from."""


@dataclass(frozen=True)
class Sources:
    """The objects of a range.

    Attributes:
        vehicle_id: The vehicle.
        range_days: The first and the last day that the range touches.
        series: By day that is compacted, the key of its series object.
        late: Keys of decoded objects that no series object covers, by day.
        decoded: Days that are read whole from their decoded objects.
        broken: Keys of objects that cannot be read; they are left out.
    """

    vehicle_id: str
    range_days: tuple[Partition, Partition]
    series: Mapping[Partition, str]
    late: Mapping[Partition, Sequence[str]]
    decoded: Sequence[Partition]
    broken: Collection[str]

    @property
    def closed(self) -> bool:
        """Whether every row of the range is compacted: the same question has the same answer later on."""
        return bool(self.series) and not (self.late or self.decoded or self.broken)

    @property
    def days(self) -> set[Partition]:
        """Every day that has rows."""
        return {*self.series, *self.decoded}

    def series_clause(self, url: str) -> Clause | None:
        """The condition that finds the rows in `signal_series`; None where there are none."""
        if not self.series:
            return None
        paths = [f"{url}/{key}" for _, key in sorted(self.series.items())]
        return all_of([self._days(self.series, self.decoded), among(PATH, paths)])

    def late_clause(self, url: str) -> Clause | None:
        """The condition that finds the rows of late objects in `decoded_signals`; None where there are none."""
        if not self.late:
            return None
        paths = [f"{url}/{key}" for _, keys in sorted(self.late.items()) for key in keys]
        return all_of([self._days(self.late, self.days - set(self.late)), among(PATH, paths)])

    def decoded_clause(self, url: str) -> Clause | None:
        """The condition that finds the rows of whole days in `decoded_signals`; None where there are none."""
        if not self.decoded:
            return None
        clauses = [self._days(self.decoded, self.series)]
        if self.broken:
            clauses.append(none_of(PATH, [f"{url}/{key}" for key in sorted(self.broken)]))
        return all_of(clauses)

    def _days(self, wanted: Collection[Partition], others: Collection[Partition]) -> Clause:
        first, last = (day.date for day in self.range_days)
        return Days(first, last, {day.date for day in wanted}, {day.date for day in others}).clause(
            self.vehicle_id
        )


def choose(
    vehicle_id: str,
    range_days: tuple[Partition, Partition],
    listed: Mapping[Partition, Sequence[ObjectInfo]],
    broken: Collection[str],
    without_series: Collection[Partition] = (),
) -> Sources:
    """Choose where the rows of some days are read.

    Args:
        vehicle_id: The vehicle.
        range_days: The first and the last day that the range touches.
        listed: The objects that hold their rows, a series object first (see `DayObjects`).
        broken: Keys of those that cannot be read.
        without_series: Days whose series object Athena does not know.
    """
    series: dict[Partition, str] = {}
    late: dict[Partition, Sequence[str]] = {}
    decoded: list[Partition] = []
    for day, objects in sorted(listed.items()):
        good = [info.key for info in objects if info.key not in broken]
        compacted = bool(good) and is_series(objects[0]) and day not in without_series
        if compacted and len(good) <= 1 + LATE_MAX:
            series[day] = good[0]
            if len(good) > 1:
                late[day] = good[1:]
        elif good:
            decoded.append(day)
    partitions = set(decoded)
    left_out = {
        info.key
        for day, objects in listed.items()
        if day in partitions
        for info in objects
        if info.key in broken
    }
    return Sources(vehicle_id, range_days, series, late, decoded, left_out)
