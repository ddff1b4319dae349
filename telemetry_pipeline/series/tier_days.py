"""Which days the overview holds: what its objects are called, and what their footers say."""

import datetime as dt
from typing import Final

from telemetry_pipeline.errors import BadRaw, NotFound
from telemetry_pipeline.lake.compacted import OverviewMonth, overview_name
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.overview_file import read_index
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.series.tiers import TIERS_S

DAILY: Final = TIERS_S[:1]
"""Tiers with an object for each day: they serve hours to days, and a month of them would be rewritten every day."""


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


def date_of(partition: Partition, day: str) -> Partition:
    """The vehicle-day that a footer calls `2026-11-22`."""
    return Partition(partition.vehicle_id, dt.date.fromisoformat(day))
