"""What was decoded into the last days, registered: for a schedule, whose work must not grow with the years of a lake.

The decoded days of a month are one listing of a vehicle; they are registered in every table that has a partition for a
vehicle and day, and their months in the overview, whether or not there are objects of it yet: a partition without
objects has no rows. Nothing is forgotten here, and nothing older is looked at: comparing the whole lake is `sync`'s
business.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import bring
from telemetry_pipeline.catalog.tables import SIGNAL_OVERVIEW, TABLES, Table
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.compacted import OverviewMonth
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.tiers import TIERS_S

DAYS: Final = 27
"""How far back is looked: what a vehicle sends that was away for four weeks is noticed by itself. With today and the
day after, the window never touches more than two months."""

AT_ONCE: Final = 16
"""Listings that wait for S3 at the same time."""

BY_DAY: Final = tuple(table for table in TABLES if table.keys == layout.DAY_KEYS)
"""The tables with a partition for each vehicle and day."""

_MONTH_KEYS: Final = layout.DAY_KEYS[1:3]


@dataclass
class Looked:
    """What became of one table.

    Attributes:
        table: Its name.
        partitions: How many days of vehicles were found in the window; of the overview: months, by tier.
        created: How many of them the catalogue did not know.
        updated: How many it knew otherwise.
        failed: Those that Glue refused, by prefix, and why.
    """

    table: str
    partitions: int = 0
    created: int = 0
    updated: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def sync_recent(glue: Glue, store: Store, today: dt.date, days: int = DAYS) -> Iterator[Looked]:
    """Register every day of the window that has decoded objects, table by table, the overview's months last.

    Requests: one listing per thousand vehicles, one per vehicle and month that the window touches, and Glue's pages of
    the window's partitions.

    Args:
        glue: The catalogue; its tables are there.
        store: The lake.
        today: The last day of the window, UTC; a day later is looked at, too, for clocks that are ahead.
        days: How many days before that are looked at.

    Raises:
        BadSetting: A table is not there.
        PermanentError: Glue refuses.
        TransientError: Glue or the store does not answer.
    """
    window = window_of(today, days)
    found = decoded_days(store, window)
    for table in BY_DAY:
        yield _register(glue, table, (table.prefix_of(day) for day in found), window)
    months = {OverviewMonth.containing(tier, day).prefix for day in found for tier in TIERS_S}
    yield _register(glue, SIGNAL_OVERVIEW, sorted(months), window)


def window_of(today: dt.date, days: int) -> list[dt.date]:
    """The day after today, today, and so many days before."""
    return [today + dt.timedelta(days=1 - ago) for ago in range(days + 2)]


def decoded_days(store: Store, window: Sequence[dt.date]) -> list[Partition]:
    """The vehicle-days of a window that have decoded objects, sorted.

    Raises:
        TransientError: The store does not answer.
    """
    months = sorted({dt.date(date.year, date.month, 1) for date in window})
    wanted = set(window)

    def days_of(vehicle_id: str) -> list[Partition]:
        return [
            day
            for month in months
            for below in store.list_dirs(Partition(vehicle_id, month).month_prefix(layout.DECODED))
            if (day := layout.partition_of(below, layout.DECODED)) and day.date in wanted
        ]

    with ThreadPoolExecutor(AT_ONCE) as pool:
        listed = pool.map(days_of, ledger.vehicles(store, layout.DECODED))
        return sorted(day for days in listed for day in days)


def _register(glue: Glue, table: Table, prefixes: Iterable[str], window: Sequence[dt.date]) -> Looked:
    months = sorted({(f"{date:%Y}", f"{date:%m}") for date in window})
    known = {
        tuple(item["Values"]): item["StorageDescriptor"]
        for year, month in months
        for item in glue.partitions(table, " AND ".join(map("{}='{}'".format, _MONTH_KEYS, (year, month))))
    }
    wanted = {values: prefix for prefix in prefixes if (values := table.values(prefix))}
    return Looked(table.name, len(wanted), *bring(glue, table, known, wanted))
