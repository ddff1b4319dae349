"""Buckets of any range, exactly: whole buckets from the overview, and from samples what the overview does not hold.

Which tier a question wants, and what is drawn of it, is the callers' business.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from telemetry_pipeline.errors import TooLarge
from telemetry_pipeline.lake.layout import Partition, days_between
from telemetry_pipeline.query.reader import Answer, Buckets, SignalName
from telemetry_pipeline.query.rows import Samples, cut, merge
from telemetry_pipeline.query.vehicle_days import Days
from telemetry_pipeline.series import tiers
from telemetry_pipeline.series.tier_reader import TierAnswer, TierReader, in_order
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, TierRows, aligned, empty_rows, sample_rows

if TYPE_CHECKING:
    from telemetry_pipeline.query.parquet_reader import ParquetReader

Range = tuple[int, int]
"""A half-open range of int64 nanoseconds."""

PIECE_ROWS: Final = 3_000_000
"""So many samples are held at a time, and about as much again in copies: a day of 1,440 objects has ten times as many."""

_NONE: Final[Samples] = (np.empty(0, np.int64), np.empty(0, np.float64))


def read_buckets(
    reader: "ParquetReader",
    overview: TierReader,
    asked: tuple[str, Sequence[SignalName]],
    span: Range,
    width_ns: int,
) -> Buckets:
    """Buckets of any width: from the widest tier that divides it, else from samples (see `SignalReader.buckets`)."""
    tier = max((tier for tier in TIERS_S if width_ns % (tier * S_NS) == 0), default=None)
    found = _read(reader, overview, asked, span, (tier * S_NS if tier else width_ns, tier))
    if found.width_ns == width_ns:
        return found
    rows = {name: tiers.merge(part, width_ns) for name, part in found.rows.items()}
    return replace(found, rows=rows, width_ns=width_ns)


def _read(
    reader: "ParquetReader",
    overview: TierReader,
    asked: tuple[str, Sequence[SignalName]],
    span: Range,
    grid: tuple[int, int | None],
) -> Buckets:
    """Buckets of a width, from a tier of that width or, where there is none, all of them from samples."""
    vehicle_id, names = asked
    width, tier = grid
    days = reader.objects.days.days(vehicle_id, *span)
    whole = days.whole
    found = overview.read(whole, names, tier) if tier else TierAnswer({}, {}, list(whole))
    strays = _strays(reader, days, asked, span)
    first, stop = aligned(*span, width)
    samples = [(span[0], first), (stop, span[1])]
    samples += [_within(day.partition, first, stop) for day in days.beside(whole, found.missing)]
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
    counts = np.array([found.rows_scanned, found.bytes_scanned, 0])
    # day by day: a range of several days would hold the strays among them already
    pieces: list[tuple[Partition | None, Range]] = [
        (day, _within(day, *stretch)) for stretch in stretches for day in days_between(vehicle_id, *stretch)
    ]
    pieces.append((None, (span[0], span[0])))  # of nothing: what is not there is refused, and units are known
    for day, (low, high) in pieces:
        # a day without an object: but those of others may have samples of it
        if day is not None and day not in days.partitions:
            for name, (t, v) in strays.items():
                parts[name].append(sample_rows(*cut((t, v), low, high), width))
            continue
        wanted = list(names) if low < high else [name for name in names if name not in units]
        if not wanted:
            continue
        for first_ns, end_ns, answer in _in_pieces(reader, vehicle_id, wanted, (low, high)):
            counts += (answer.rows_scanned, answer.bytes_scanned, answer.skipped_objects)
            for name, series in zip(wanted, answer.series, strict=True):
                units[name] = series.unit
                t, v = merge([(series.t, series.v), cut(strays.get(name, _NONE), first_ns, end_ns)])
                parts[name].append(sample_rows(t, v, width))
    # a bucket over midnight, or over the border of two pieces, is in two parts
    rows = {name: tiers.merge_equal(in_order(found)) for name, found in parts.items()}
    return Buckets(rows, units, width, *counts.tolist())


def _strays(
    reader: "ParquetReader",
    days: Days,
    asked: tuple[str, Sequence[SignalName]],
    span: Range,
) -> dict[SignalName, Samples]:
    """Samples that a wrong clock left among the objects of another day; where there are none, no object is opened."""
    listings = iter([days])

    def read() -> dict[SignalName, Samples]:
        # asked again, the days are as they are by then
        found = next(listings, None) or reader.objects.days.days(asked[0], *span)
        suspects = found.doubtful(span, reader.objects.days.note)
        objects = {day.partition: reader.objects.days.objects(day) for day in suspects}
        return reader.objects.strays(objects, asked[1], span)

    return reader.objects.again(read)


def _in_pieces(
    reader: "ParquetReader", vehicle_id: str, names: Sequence[SignalName], span: Range
) -> Iterator[tuple[int, int, Answer]]:
    """The samples of a range in as many pieces as one answer each takes, in order of time."""
    low, high = span
    try:
        answer = reader.piece(vehicle_id, names, span, PIECE_ROWS)
    except TooLarge:
        if high - low < 2:
            raise
        middle = (low + high) // 2
        yield from _in_pieces(reader, vehicle_id, names, (low, middle))
        yield from _in_pieces(reader, vehicle_id, names, (middle, high))
    else:
        yield low, high, answer


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
    return rows.where(keep)
