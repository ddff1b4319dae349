"""Numbers about a whole series, from every sample of it: statistics and the envelope behind the line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Statistics:
    """Of the finite values; `std` is the population's. All but `count` are None where there is no value."""

    count: int
    min: float | None
    max: float | None
    mean: float | None
    std: float | None


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


def statistics_of(v: NDArray[np.float64]) -> Statistics:
    """Exact statistics of a series."""
    finite = v[np.isfinite(v)]
    if not len(finite):
        return Statistics(0, None, None, None, None)
    return Statistics(
        len(finite), float(finite.min()), float(finite.max()), float(finite.mean()), float(finite.std())
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
