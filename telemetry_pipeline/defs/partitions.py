"""Partitions as Dagster knows them: a date and a vehicle id, and nothing else says "partition key"."""

import datetime as dt
from typing import Final

import dagster as dg

from telemetry_pipeline.lake.layout import Partition

VEHICLES: Final = dg.DynamicPartitionsDefinition(name="vehicle_id")

TRACKED_DAYS: Final = 90
SMALL_FLEET: Final = 50
LONG_AGO: Final = dt.date(2015, 1, 1)


def first_tracked_day(today: dt.date, vehicles: int) -> dt.date:
    """The first day that Dagster tracks when nobody says otherwise; older data stays in the lake, untracked.

    Dagster's pages stay quick to about 100,000 partitions: a few vehicles may bring recordings of any age, a fleet
    gets a window.
    """
    return LONG_AGO if vehicles <= SMALL_FLEET else today - dt.timedelta(days=TRACKED_DAYS)


def vehicle_days(first: dt.date) -> dg.MultiPartitionsDefinition:
    """Date × vehicle id from a first day on; today exists from midnight, because objects land while a day is open."""
    days = dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone="UTC", end_offset=1)
    return dg.MultiPartitionsDefinition({"date": days, "vehicle_id": VEHICLES})


def to_key(partition: Partition) -> str:
    """The partition key of a partition: Dagster sorts dimensions by name, so the date comes first."""
    return str(dg.MultiPartitionKey({"date": partition.date.isoformat(), "vehicle_id": partition.vehicle_id}))


def from_key(key: str) -> Partition:
    """The partition of a partition key.

    Raises:
        BadKey: The vehicle id is not one.
    """
    date, _, vehicle_id = key.partition("|")
    return Partition(vehicle_id, dt.date.fromisoformat(date))
