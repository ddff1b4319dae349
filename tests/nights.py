"""Days that are over, as a compaction of every night meets them."""

import datetime as dt
from functools import cache
from typing import Final

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from tests.decoded_lake import put_decoded

SPEED: Final = ("Drive", "Speed")
LEVEL: Final = ("Battery", "Level")
QUIET: Final = ("--quiet", "1ms")


@cache
def yesterday() -> dt.date:
    """The same day for the whole module, whatever midnight it runs over."""
    return dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)


def days(count: int = 3) -> list[Partition]:
    """Days of two vehicles that are over, and of the last weeks."""
    return [
        Partition(vehicle, yesterday() - dt.timedelta(days=ago))
        for vehicle in ("EV_1", "EV_2")
        for ago in range(count)
    ]


def fill(store: Store, partitions: list[Partition]) -> None:
    """Two decoded objects a day, the same bytes wherever they are put."""
    for partition in partitions:
        start = partition.start_ns
        for number in range(2):
            times = [start + (number * 1_000 + step) * 1_000_000_000 for step in range(200)]
            values = [float(step) for step in range(200)]
            put_decoded(store, partition, f"{number}", {SPEED: (times, values), LEVEL: (times, values)})
