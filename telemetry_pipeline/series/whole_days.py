"""Days that series objects hold whole, as one value: what is remembered of hundreds of days is found without naming them.

Which days those are is `query`'s business, what the overview says of them `tier_reader`'s.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Final

from telemetry_pipeline.lake.compacted import OverviewMonth
from telemetry_pipeline.lake.layout import Partition


class WholeDays(Mapping[Partition, str]):
    """Days of one vehicle, oldest first, with the names of the series objects that hold all of their rows.

    Equal ones hash alike, and the hash is made once.

    Args:
        days: The days; they are not changed any more.
    """

    def __init__(self, days: Mapping[Partition, str]) -> None:
        self._days: Final = dict(days)

    @classmethod
    def of(cls, days: Mapping[Partition, str]) -> "WholeDays":
        """The same days; nothing is copied where they are such already."""
        return days if isinstance(days, cls) else cls(days)

    def __getitem__(self, day: Partition) -> str:
        return self._days[day]

    def __iter__(self) -> Iterator[Partition]:
        return iter(self._days)

    def __len__(self) -> int:
        return len(self._days)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return self._days == other._days if isinstance(other, WholeDays) else NotImplemented

    def __hash__(self) -> int:
        return self._hash

    def without(self, others: Collection[Partition]) -> "WholeDays":
        """The same without some days; itself where it has none of those."""
        if not any(day in self._days for day in others):
            return self
        return WholeDays({day: name for day, name in self._days.items() if day not in others})

    @cached_property
    def _hash(self) -> int:
        return hash(frozenset(self._days.items()))

    @cached_property
    def _prefixes(self) -> dict[int, tuple[str, ...]]:
        return {}

    def prefixes(self, tier: int) -> tuple[str, ...]:
        """The prefixes of the months of a tier that the days are of, oldest first."""
        if (known := self._prefixes.get(tier)) is None:
            firsts = {(day.date.year, day.date.month): day for day in reversed(self._days)}
            known = self._prefixes[tier] = tuple(
                OverviewMonth.containing(tier, firsts[month]).prefix for month in sorted(firsts)
            )
        return known
