"""Keys of what vehicle-days are compacted into: series objects and overview objects."""

from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.ours import parse_ours

OVERVIEW: Final = "overview/"

_SERIES_END: Final = "_series.parquet"
_OVERVIEW_END: Final = "_overview.parquet"


@dataclass(frozen=True, order=True)
class SeriesObject:
    """One series object: a whole vehicle-day, named after the decoded objects that it covers."""

    partition: Partition
    name: str

    @classmethod
    def parse(cls, key: str) -> "SeriesObject":
        """Read a series key.

        Raises:
            BadKey: The key is not one of a series object.
        """
        head, _, name = key.rpartition("/")
        partition = layout.partition_of(head, layout.SERIES)
        if partition is None or not head.startswith(layout.SERIES) or not name.endswith(_SERIES_END):
            raise BadKey("not the key of a series object", key)
        return cls(partition, name.removesuffix(_SERIES_END))

    @classmethod
    def name_of(cls, key: str) -> str | None:
        """The name in the key of a series object, or None if it is not one."""
        found = parse_ours(cls.parse, key)
        return found.name if found else None

    @property
    def key(self) -> str:
        """`series/…/{name}_series.parquet`."""
        return f"{self.partition.prefix(layout.SERIES)}{self.name}{_SERIES_END}"


@dataclass(frozen=True, order=True)
class OverviewMonth:
    """One vehicle's month in one tier: where its overview objects lie.

    Attributes:
        tier: The width of a bucket in seconds.
        first: The first day of the month.
    """

    tier: int
    first: Partition

    @classmethod
    def containing(cls, tier: int, partition: Partition) -> "OverviewMonth":
        """The month of a tier that a vehicle-day belongs to."""
        return cls(tier, partition.shifted(1 - partition.date.day))

    @property
    def prefix(self) -> str:
        """The key prefix of the month's objects, with its trailing slash."""
        day = self.first.prefix(layout.SERIES).removeprefix(f"{layout.SERIES}/").rstrip("/")
        return f"{OVERVIEW}tier={self.tier}/{day.rpartition('/')[0]}/"

    def key(self, name: str) -> str:
        """`overview/…/{name}_overview.parquet`."""
        return f"{self.prefix}{name}{_OVERVIEW_END}"


def overview_name(key: str) -> str | None:
    """The name in the key of an overview object, or None if it is not one."""
    name = key.rpartition("/")[2]
    return name.removesuffix(_OVERVIEW_END) if name.endswith(_OVERVIEW_END) else None
