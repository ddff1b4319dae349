"""Rows of an overview: what a bucket of time says of a signal, and how buckets become wider ones.

Merging is associative: buckets merged in any grouping give the same row, as if it had been made from the samples.
Counts, times, values and intervals are exact. Sums are kept relative to the bucket's minimum, and squares relative to
its mean, so that nothing cancels: a voltage of 400 V that moves by a millivolt keeps its standard deviation.

An interval between two samples belongs to the bucket that holds both; the one between two rows is `t_first` of the
later less `t_last` of the earlier. So gaps have their exact lengths at every zoom.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.series.buckets import Buckets, Float, Int, first_equal

TIERS_S: Final = (10, 60, 600)
"""Widths of buckets in seconds; each is a multiple of the one before."""

S_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class TierRows:
    """Buckets of one signal that have samples, in order of time. Times are int64 nanoseconds, values float64.

    Attributes:
        bucket: Where the bucket begins; a multiple of its width.
        count: Samples, at least 1.
        nonfinite: How many of them are NaN or infinite.
        first: The first sample's value, whatever it is.
        last: The last one's.
        t_first: The first sample's time.
        t_last: The last one's.
        min: Smallest finite value, NaN where there is none, as for all that follow up to `sum_sq_dev`.
        max: Largest finite value.
        t_min: When the smallest was first met; 0 where there is none.
        t_max: When the largest was first met; 0 where there is none.
        sum_above_min: Sum of the finite values less `min`.
        sum_sq_dev: Sum of the squared differences of the finite values to their mean.
        longest: The longest interval between two neighbouring samples within the bucket; 0 where there is but one.
        t_longest: The sample that the first interval of that length begins with.
    """

    bucket: Int
    count: Int
    nonfinite: Int
    first: Float
    last: Float
    t_first: Int
    t_last: Int
    min: Float
    max: Float
    t_min: Int
    t_max: Int
    sum_above_min: Float
    sum_sq_dev: Float
    longest: Int
    t_longest: Int

    def __len__(self) -> int:
        return len(self.bucket)

    def __getitem__(self, rows: slice | NDArray[np.bool_] | NDArray[np.intp]) -> "TierRows":
        return TierRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    def where(self, keep: NDArray[np.bool_]) -> "TierRows":
        """Some of the rows; those that follow each other are not copied."""
        kept = np.flatnonzero(keep)
        if len(kept) == len(self):
            return self
        if len(kept) and kept[-1] - kept[0] + 1 == len(kept):
            return self[int(kept[0]) : int(kept[-1]) + 1]
        return self[kept]

    @property
    def finite(self) -> Int:
        """Finite samples of each bucket."""
        return self.count - self.nonfinite

    @property
    def mean(self) -> Float:
        """Mean of the finite values of each bucket, NaN where there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.min + self.sum_above_min / np.maximum(self.finite, 1)

    @property
    def sum(self) -> Float:
        """Sum of the finite values of each bucket, NaN where there is none."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.min * self.finite + self.sum_above_min


def empty_rows() -> TierRows:
    """No bucket at all."""
    i, f = np.empty(0, np.int64), np.empty(0, np.float64)
    return TierRows(i, i, i, f, f, i, i, f, f, i, i, f, f, i, i)


def tier_rows_of(buckets: Buckets, v: Float) -> TierRows:
    """Sum up samples by bucket.

    Args:
        buckets: The buckets of their times.
        v: Their values, as many as times.
    """
    t, starts, ends = buckets.t, buckets.starts, buckets.ends
    count = ends - starts
    finite = np.isfinite(v)
    if finite.all():
        nonfinite = np.zeros(len(starts), np.int64)
        low, high, t_low, t_high, above, squares = _summed(t, v, starts, ends)
    else:
        nonfinite = count - np.add.reduceat(finite.astype(np.int64), starts)
        some = nonfinite < count
        kept = np.flatnonzero(finite)
        own_starts = np.searchsorted(kept, starts[some])
        own_ends = np.append(own_starts[1:], len(kept))
        found = _summed(t[kept], v[kept], own_starts, own_ends) if len(kept) else ()
        full = [np.full(len(starts), np.nan) for _ in range(4)]
        times = [np.zeros(len(starts), np.int64) for _ in range(2)]
        low, high, t_low, t_high, above, squares = full[0], full[1], *times, full[2], full[3]
        for whole, part in zip((low, high, t_low, t_high, above, squares), found, strict=False):
            whole[some] = part
    return TierRows(
        buckets.bucket,
        count,
        nonfinite,
        v[starts],
        v[ends - 1],
        t[starts],
        t[ends - 1],
        low,
        high,
        t_low,
        t_high,
        above,
        squares,
        buckets.longest,
        buckets.t_longest,
    )


def sample_rows(t: Int, v: Float, width_ns: int) -> TierRows:
    """Samples as buckets of any width; no samples are no rows.

    Args:
        t: int64 nanoseconds, ascending.
        v: Values, as many.
        width_ns: The width of a bucket.
    """
    return tier_rows_of(Buckets.of(t, width_ns), v) if len(t) else empty_rows()


def aligned(start_ns: int, end_ns: int, width_ns: int) -> tuple[int, int]:
    """The largest range of whole buckets within [start_ns, end_ns); where there is none, both ends are equal.

    What is left of the range on both sides, [start_ns, first) and [stop, end_ns), is the business of the samples.
    """
    first = -(-start_ns // width_ns) * width_ns
    stop = end_ns // width_ns * width_ns
    return (first, stop) if first < stop else (end_ns, end_ns)


def _summed(t: Int, v: Float, starts: Int, ends: Int) -> tuple[Float, Float, Int, Int, Float, Float]:
    low, high = np.minimum.reduceat(v, starts), np.maximum.reduceat(v, starts)
    t_low, t_high = t[first_equal(v, low, starts, ends)], t[first_equal(v, high, starts, ends)]
    count = ends - starts
    with np.errstate(over="ignore", invalid="ignore"):
        relative = v - np.repeat(low, count)
        above = np.add.reduceat(relative, starts)
        relative -= np.repeat(above / count, count)
        rest = np.add.reduceat(relative, starts)
        np.multiply(relative, relative, out=relative)
        squares = np.add.reduceat(relative, starts) - rest * rest / count
    return low, high, t_low, t_high, above, np.maximum(squares, 0.0)


def concatenate(parts: Sequence[TierRows]) -> TierRows:
    """Rows of several stretches one after another, as they are."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return empty_rows()
    return TierRows(*(np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(TierRows)))


def merge(rows: TierRows, width_ns: int) -> TierRows:
    """Rows of narrower buckets, or of the same width, as buckets of `width_ns`.

    Args:
        rows: In order of time; of two that end up in one bucket, the earlier one's samples all come first.
        width_ns: A multiple of the width that they have.
    """
    if not len(rows):
        return rows
    buckets = rows.bucket - rows.bucket % width_ns
    starts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
    return _merged(rows, buckets[starts], starts, np.append(starts[1:], len(rows)))


def merge_equal(rows: TierRows) -> TierRows:
    """Rows of one width, as `merge` to that width: where each bucket is there once they are what they were."""
    if (rows.bucket[1:] != rows.bucket[:-1]).all():
        return rows
    starts = np.flatnonzero(np.diff(rows.bucket, prepend=rows.bucket[0] - 1))
    return _merged(rows, rows.bucket[starts], starts, np.append(starts[1:], len(rows)))


def merge_all(rows: TierRows) -> TierRows:
    """All rows as one, whose bucket is that of the first; no rows stay none."""
    if len(rows) < 2:
        return rows
    return _merged(rows, rows.bucket[:1], np.array([0]), np.array([len(rows)]))


def _merged(rows: TierRows, bucket: Int, starts: Int, ends: Int) -> TierRows:
    if len(starts) == len(rows):
        return TierRows(bucket, *(getattr(rows, field.name) for field in fields(TierRows)[1:]))
    sizes = ends - starts
    low, high = np.fmin.reduceat(rows.min, starts), np.fmax.reduceat(rows.max, starts)
    # what is NaN has the time 0, whichever of a bucket's rows is taken for it
    t_low, t_high = (
        times[first_equal(_comparable(values), _comparable(best), starts, ends)]
        for values, best, times in ((rows.min, low, rows.t_min), (rows.max, high, rows.t_max))
    )
    count = np.add.reduceat(rows.count, starts)
    nonfinite = np.add.reduceat(rows.nonfinite, starts)
    finite = rows.finite
    with np.errstate(over="ignore", invalid="ignore"):
        above_each = rows.sum_above_min + finite * (rows.min - np.repeat(low, sizes))
        above = np.add.reduceat(np.where(finite == 0, 0.0, above_each), starts)
        # each mean and the common mean, both relative to the common minimum
        common = np.repeat(above / np.maximum(count - nonfinite, 1), sizes)
        apart = above_each / np.maximum(finite, 1) - common
        squares = np.add.reduceat(
            np.where(finite == 0, 0.0, rows.sum_sq_dev + finite * apart * apart), starts
        )
    none = count == nonfinite
    above[none] = squares[none] = np.nan
    longest, t_longest = _longest(rows, starts, ends)
    return TierRows(
        bucket,
        count,
        nonfinite,
        rows.first[starts],
        rows.last[ends - 1],
        rows.t_first[starts],
        rows.t_last[ends - 1],
        low,
        high,
        t_low,
        t_high,
        above,
        squares,
        longest,
        t_longest,
    )


def _comparable(values: Float) -> Float:
    """NaN as infinity, which no minimum or maximum is."""
    return np.where(np.isnan(values), np.inf, values)


def _longest(rows: TierRows, starts: Int, ends: Int) -> tuple[Int, Int]:
    """The longest interval within rows or between two neighbours, and where the first such one begins."""
    between = np.append(rows.t_first[1:] - rows.t_last[:-1], 0)
    between[ends - 1] = 0
    # in order of time: within the first row, between it and the second, within the second …
    lengths = np.stack((rows.longest, between), axis=1).ravel()
    begins = np.stack((rows.t_longest, rows.t_last), axis=1).ravel()
    longest = np.maximum.reduceat(lengths, 2 * starts)
    return longest, begins[first_equal(lengths, longest, 2 * starts, 2 * ends)]
