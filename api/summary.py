"""Numbers about a whole series, from every sample of it: statistics and the envelope behind the line."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from api.points import columns_of_rows
from telemetry_pipeline.series.tiers import TierRows, merge_all


@dataclass(frozen=True)
class Statistics:
    """Of all samples of a range; times are int64 nanoseconds. What there is no value for is None.

    Attributes:
        count: Finite values.
        nulls: Samples that are no number: NaN and infinities.
        min: Smallest finite value.
        max: Largest finite value.
        mean: Of the finite values.
        std: Their standard deviation, the population's.
        t_min: When the smallest was first met.
        t_max: When the largest was first met.
        first: The first sample's value, None where it is no number.
        last: The last one's.
        t_first: When the first sample was.
        t_last: When the last one was.
    """

    count: int
    nulls: int
    min: float | None = None
    max: float | None = None
    mean: float | None = None
    std: float | None = None
    t_min: int | None = None
    t_max: int | None = None
    first: float | None = None
    last: float | None = None
    t_first: int | None = None
    t_last: int | None = None


@dataclass(frozen=True)
class Envelope:
    """Smallest and largest finite value per bucket of time; buckets without one are left out.

    Attributes:
        t: First instant of each bucket, int64 nanoseconds, ascending.
        low: Smallest values, float64, as many.
        high: Largest values.
    """

    t: NDArray[np.int64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def statistics_of(t: NDArray[np.int64], v: NDArray[np.float64]) -> Statistics:
    """Exact statistics of samples in order of time."""
    if not len(t):
        return Statistics(0, 0)
    finite = np.isfinite(v)
    count = int(np.count_nonzero(finite))
    ends = Statistics(
        count,
        len(t) - count,
        first=_number(v[:1]),
        last=_number(v[-1:]),
        t_first=int(t[0]),
        t_last=int(t[-1]),
    )
    if not count:
        return ends
    if count < len(t):
        t, v = t[finite], v[finite]
    low, high = int(np.argmin(v)), int(np.argmax(v))
    with np.errstate(over="ignore", invalid="ignore"):
        above = v - v[low]  # so that nothing cancels
        mean = above.mean()
        above -= mean
        np.multiply(above, above, out=above)
        deviation = np.sqrt(above.mean())
        mean += v[low]
    return replace(
        ends,
        min=_number(v[low : low + 1]),
        max=_number(v[high : high + 1]),
        mean=_number(mean),
        std=_number(deviation),
        t_min=int(t[low]),
        t_max=int(t[high]),
    )


def statistics_of_rows(rows: TierRows) -> Statistics:
    """Exact statistics of the samples that buckets were made from; the buckets are in order of time."""
    if not len(rows):
        return Statistics(0, 0)
    whole = merge_all(rows)
    count = int(whole.finite[0])
    ends = Statistics(
        count,
        int(whole.nonfinite[0]),
        first=_number(whole.first),
        last=_number(whole.last),
        t_first=int(whole.t_first[0]),
        t_last=int(whole.t_last[0]),
    )
    if not count:
        return ends
    return replace(
        ends,
        min=_number(whole.min),
        max=_number(whole.max),
        mean=_number(whole.mean),
        std=_number(np.sqrt(whole.sum_sq_dev / count)),
        t_min=int(whole.t_min[0]),
        t_max=int(whole.t_max[0]),
    )


def envelope_of(
    t: NDArray[np.int64], v: NDArray[np.float64], start_ns: int, end_ns: int, buckets: int
) -> Envelope:
    """Smallest and largest value of each of `buckets` equal parts of [start_ns, end_ns)."""
    finite = np.isfinite(v)
    t, v = t[finite], v[finite]
    width = max(-(-(end_ns - start_ns) // buckets), 1)
    numbers = (t - start_ns) // width
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    if not len(first):
        return Envelope(np.empty(0, np.int64), np.empty(0), np.empty(0))
    return Envelope(
        start_ns + numbers[first] * width, np.minimum.reduceat(v, first), np.maximum.reduceat(v, first)
    )


def envelope_of_rows(rows: TierRows, width_ns: int, start_ns: int, buckets: int) -> Envelope:
    """Smallest and largest value of at most so many parts, which begin at multiples of their width or at the start."""
    rows = rows[rows.finite > 0]
    if len(rows):
        rows, _ = columns_of_rows(rows, width_ns, buckets)
    return Envelope(np.maximum(rows.bucket, start_ns), rows.min, rows.max)


def _number(value: NDArray[np.float64] | np.float64) -> float | None:
    """A single value, unless it is none."""
    number = float(np.asarray(value).item())
    return number if math.isfinite(number) else None
