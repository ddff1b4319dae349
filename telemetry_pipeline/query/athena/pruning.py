"""Which partitions a range touches, as conditions that Athena prunes by: whole years, whole months, then days.

Grouping keeps the text short: a year is one condition, not 365. A group is taken whole only if all of it is wanted.
"""

import calendar
import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from telemetry_pipeline.query.athena.clause import Clause, all_of, among, any_of, equals


@dataclass(frozen=True)
class Days:
    """Days of a range that are wanted of one table, and those that are not.

    Attributes:
        first: The first day of the range.
        last: The last one, itself part of it.
        wanted: The days to be found.
        others: Days of the range that must not be found. What is neither has no rows.
    """

    first: dt.date
    last: dt.date
    wanted: Collection[dt.date]
    others: Collection[dt.date] = ()

    def clause(self, vehicle_id: str) -> Clause:
        """The condition on the partition columns that finds the wanted days of a vehicle, at least one."""
        parts = [among("year", [f"{year:04d}" for year in years])] if (years := self._years()) else []
        left = sorted(day for day in self.wanted if day.year not in years)
        months = {(day.year, day.month) for day in left if self._whole_month(day)}
        for year in sorted({year for year, _ in months}):
            named = [f"{month:02d}" for of_year, month in sorted(months) if of_year == year]
            parts.append(all_of([equals("year", f"{year:04d}"), among("month", named)]))
        left = [day for day in left if (day.year, day.month) not in months]
        for year, month in sorted({(day.year, day.month) for day in left}):
            named = [f"{day.day:02d}" for day in left if (day.year, day.month) == (year, month)]
            parts.append(
                all_of([equals("year", f"{year:04d}"), equals("month", f"{month:02d}"), among("day", named)])
            )
        return all_of([equals("vehicle_id", vehicle_id), any_of(parts)])

    def _years(self) -> list[int]:
        return [
            year
            for year in sorted({day.year for day in self.wanted})
            if self._whole(dt.date(year, 1, 1), dt.date(year, 12, 31))
        ]

    def _whole_month(self, day: dt.date) -> bool:
        days = calendar.monthrange(day.year, day.month)[1]
        return self._whole(*(dt.date(day.year, day.month, number) for number in (1, days)))

    def _whole(self, first: dt.date, last: dt.date) -> bool:
        inside = self.first <= first and last <= self.last
        return inside and not any(first <= other <= last for other in self.others)
