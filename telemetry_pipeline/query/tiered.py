"""Buckets of any range, exactly: whole buckets from the overview, and from samples what the overview does not hold.

Which tier a question wants, and what is drawn of it, is the callers' business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from telemetry_pipeline.lake.compacted import SeriesObject
from telemetry_pipeline.lake.layout import Partition, days_between
from telemetry_pipeline.query.objects import is_series
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.rows import Samples, merge
from telemetry_pipeline.series.tier_reader import TierReader, in_order
from telemetry_pipeline.series.tiers import S_NS, TierRows, aligned, empty_rows, sample_rows

Range = tuple[int, int]
"""A half-open range of int64 nanoseconds."""

_NONE: Final[Samples] = (np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(frozen=True)
class Tiered:
    """Buckets of a range.

    Attributes:
        rows: By signal: of the buckets at both ends, only what lies in the range. Empty where there is no sample.
        units: By signal.
        from_samples: The stretches that were made from samples: both ends of the range, days that are not compacted, and
            buckets into which a wrong clock brought samples of another day.
        rows_scanned: Rows that were decompressed for them.
        bytes_scanned: Compressed bytes of those.
        skipped_objects: Objects that could not be read.
    """

    rows: Mapping[SignalName, TierRows]
    units: Mapping[SignalName, str]
    from_samples: Sequence[Range]
    rows_scanned: int
    bytes_scanned: int
    skipped_objects: int


def read_tier(
    reader: ParquetReader,
    overview: TierReader,
    asked: tuple[str, Sequence[SignalName]],
    span: Range,
    tier: int,
) -> Tiered:
    """Buckets of signals, equal to those that all samples of the range would give.

    Args:
        reader: Reads samples.
        overview: Reads the overview of the same lake.
        asked: The vehicle and the signals.
        span: The range.
        tier: The width of a bucket in seconds, one of `TIERS_S`.

    Raises:
        BadKey: It is not a vehicle id.
        NotFound: There is no such vehicle, or it never sent one of the signals.
        TooLarge: More samples have to be read than one answer may have.
        TransientError: The store does not answer.
    """
    vehicle_id, names = asked
    width = tier * S_NS
    listed = reader.objects.days.in_range(vehicle_id, *span)
    whole = {
        day: SeriesObject.parse(objects[0].key).name
        for day, objects in listed.items()
        if len(objects) == 1 and is_series(objects[0])
    }
    found = overview.read(whole, names, tier)
    strays = reader.objects.again(lambda: reader.objects.strays(vehicle_id, names, *span))
    first, stop = aligned(*span, width)
    samples = [(span[0], first), (stop, span[1])]
    samples += [_within(day, first, stop) for day in listed if day not in whole or day in found.missing]
    samples += [
        (max(bucket, span[0]), min(bucket + width, span[1]))
        for t, _ in strays.values()
        for bucket in np.unique(t - t % width).tolist()
    ]
    stretches = _joined(samples)
    parts = {
        name: [_outside(found.rows.get(name, empty_rows()), first, stop, stretches, width)] for name in names
    }
    units = dict(found.units)
    counts = np.zeros(3, np.int64)
    # day by day: a range of several days would hold the strays among them already
    pieces = [_within(day, *stretch) for stretch in stretches for day in days_between(vehicle_id, *stretch)]
    pieces.append((span[0], span[0]))  # of nothing: what is not there is refused, and units are known
    for low, high in pieces:
        wanted = list(names) if low < high else [name for name in names if name not in units]
        if not wanted:
            continue
        answer = reader.read(vehicle_id, wanted, low, high)
        counts += (answer.rows_scanned, answer.bytes_scanned, answer.skipped_objects)
        for name, series in zip(wanted, answer.series, strict=True):
            units[name] = series.unit
            t, v = merge([(series.t, series.v), _cut(strays.get(name, _NONE), low, high)])
            parts[name].append(sample_rows(t, v, width))
    rows = {name: in_order(found) for name, found in parts.items()}
    return Tiered(rows, units, stretches, *counts.tolist())


def _within(day: Partition, first: int, stop: int) -> Range:
    return max(day.start_ns, first), min(day.end_ns, stop)


def _joined(ranges: Iterable[Range]) -> list[Range]:
    """The same stretches, ascending and apart; empty ones are left out."""
    result: list[Range] = []
    for low, high in sorted(found for found in ranges if found[0] < found[1]):
        if result and low <= result[-1][1]:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return result


def _outside(rows: TierRows, first: int, stop: int, stretches: Sequence[Range], width: int) -> TierRows:
    """Whole buckets within [first, stop) that no stretch touches."""
    keep = (rows.bucket >= first) & (rows.bucket < stop)
    for low, high in stretches:
        keep &= (rows.bucket + width <= low) | (rows.bucket >= high)
    return rows[keep]


def _cut(samples: Samples, low: int, high: int) -> Samples:
    first, stop = np.searchsorted(samples[0], [low, high])
    return samples[0][first:stop], samples[1][first:stop]
