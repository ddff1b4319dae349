"""What the compaction of every night costs: how long its task runs, and what it asks of S3 and Glue.

The task waits for S3 by one day after the other when it compacts, and for several vehicles at once when it looks.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any, Final

from telemetry_pipeline.series.pending import AT_ONCE
from telemetry_pipeline.series.tiers import TIERS_S

VCPU: Final = 1
MEMORY_GB: Final = 4
DISK_GB: Final = 50
"""The task, as the stacks make it."""

BEGIN_WITHIN_H: Final = 6
"""No day is begun later."""

FREE_DISK_GB: Final = 20
NIGHTS: Final = 30
START_S: Final = 60
"""Until a task works its image is fetched, which is paid for, too."""

MONTHS: Final = 2
"""Months that the last four weeks touch."""

LISTED: Final = 1_000
"""Objects of one page of S3."""


def lists_of_a_night(measured: Mapping[str, Any], habits: Mapping[str, float]) -> float:
    """LIST requests of looking which days of one vehicle wait: its years, its months, and of each month four prefixes.

    The decoded objects of a month come by the thousand.
    """
    objects = habits["driving_hours"] * measured["objects"] * 3600 / measured["seconds"]
    return 2 + MONTHS * (ceil(objects / LISTED) + 1 + len(TIERS_S))


def footers_of_a_night(habits: Mapping[str, float]) -> float:
    """GET requests of the same look: a footer for each day that is compacted, and of each month for two tiers."""
    return habits["driving_days"] + MONTHS * (len(TIERS_S) - 1)


def requests_of_compaction(measured: Mapping[str, Any], habits: Mapping[str, float]) -> dict[str, float]:
    """Requests of compacting a vehicle's month: those of a day by day, those of an object by object."""
    counted = measured["requests_of_a_compaction"]
    objects = habits["driving_hours"] * measured["objects"] * 3600 / measured["seconds"]
    return {
        "write": habits["driving_days"] * counted["write"],
        "read": objects * counted["read"] / measured["objects"],
    }


def hours_of_a_month(vehicles: int, measured: Mapping[str, Any], habits: Mapping[str, float]) -> float:
    """How long the tasks of a month run."""
    wait = habits["s3_wait_seconds"]
    look = (lists_of_a_night(measured, habits) + footers_of_a_night(habits)) * wait / AT_ONCE
    waits = sum(requests_of_compaction(measured, habits).values()) * wait
    works = habits["driving_hours"] * 3600 / measured["seconds"] * measured["cpu_seconds_of_a_compaction"]
    return (NIGHTS * (START_S + vehicles * look) + vehicles * (waits + works)) / 3600
