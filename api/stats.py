"""Statistics of several signals over one or more ranges, from buckets alone. Nothing here knows HTTP or JSON."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from api.reading import Reading, batches
from api.summary import Statistics, statistics_of_rows
from telemetry_pipeline.query.moment import one_moment
from telemetry_pipeline.query.plan import tier_for_totals
from telemetry_pipeline.query.reader import SignalName, SignalReader
from telemetry_pipeline.series.tiers import S_NS

Span = tuple[int, int]


@dataclass(frozen=True)
class SignalStatistics:
    """One signal over one range."""

    name: SignalName
    unit: str
    statistics: Statistics


@dataclass(frozen=True)
class StatsResult:
    """Statistics in the order of the question, and what they took.

    Attributes:
        ranges: By range, by signal.
        rows_scanned: Rows that were decompressed.
        bytes_scanned: Compressed bytes of those.
        skipped_objects: The most objects of one range that could not be read.
        duration_ns: How long it took.
    """

    ranges: list[list[SignalStatistics]]
    rows_scanned: int
    bytes_scanned: int
    skipped_objects: int
    duration_ns: int


def sum_up(
    reader: SignalReader, vehicle_id: str, signals: Sequence[SignalName], spans: Sequence[Span]
) -> StatsResult:
    """Sum up signals of one vehicle over ranges.

    Args:
        reader: Where the numbers come from.
        vehicle_id: The vehicle.
        signals: The signals.
        spans: Half-open ranges of int64 nanoseconds; they may overlap.

    Raises:
        BadKey: The vehicle id is not one.
        NotFound: No such vehicle or signal.
        TransientError: The store does not answer.
    """
    begun = time.perf_counter_ns()
    readings = [Reading(reader, vehicle_id, span) for span in spans]
    ranges = []
    for reading in readings:
        with one_moment():
            ranges.append(_over(reading, signals))
    return StatsResult(
        ranges,
        sum(reading.rows_scanned for reading in readings),
        sum(reading.bytes_scanned for reading in readings),
        max(reading.skipped_objects for reading in readings),
        time.perf_counter_ns() - begun,
    )


def _over(reading: Reading, signals: Sequence[SignalName]) -> list[SignalStatistics]:
    tier = tier_for_totals(reading.span[1] - reading.span[0])
    names = list(dict.fromkeys(signals))
    found: dict[SignalName, SignalStatistics] = {}
    for batch in batches(reading.bucket_weights(names, tier)):
        buckets = reading.buckets(batch, tier * S_NS)
        for name in batch:
            found[name] = SignalStatistics(name, buckets.units[name], statistics_of_rows(buckets.rows[name]))
    return [found[name] for name in signals]
