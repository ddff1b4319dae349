"""Where a series has nothing to show: found in all of its samples, before any are dropped.

A cyclic signal has a gap where the interval between two samples is far above its usual one. A signal that is sent
on change has no usual interval: silence is what it looks like when nothing changes, so the only gaps it has are
those in which the vehicle recorded nothing at all.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

GAP_FACTOR: Final = 5
GAP_FLOOR_NS: Final = 200_000_000
"""An interval is a gap above `GAP_FACTOR` times the median, but never below the floor: schedulers jitter."""

_REGULAR: Final = 3
_REGULAR_SHARE: Final = 0.95
_ENOUGH: Final = 8
"""Cyclic is what has at least 8 intervals, 95 % of them at most 3 times the median. Of intervals that are spread
exponentially, as those of random changes are, 87.5 % are that short."""


def breaks_of(t: NDArray[np.int64], recorded: Callable[[], NDArray[np.int64]]) -> NDArray[np.intp]:
    """Find the gaps of a series.

    Args:
        t: Times of all samples, int64 nanoseconds, ascending.
        recorded: Gives the stretches in which the vehicle recorded, shape (k, 2), first and last nanosecond; it
            is asked only for signals that are not cyclic.

    Returns:
        Index of the first sample after each gap, ascending; the gap is between it and the sample before.
    """
    intervals = np.diff(t)
    if not len(intervals):
        return np.empty(0, np.intp)
    median = float(np.median(intervals))
    regular = np.count_nonzero(intervals <= _REGULAR * median) / len(intervals)
    if len(intervals) >= _ENOUGH and median > 0 and regular >= _REGULAR_SHARE:
        return np.flatnonzero(intervals > max(GAP_FACTOR * median, GAP_FLOOR_NS)) + 1
    stretches = recorded()
    after = np.unique(np.searchsorted(t, stretches[1:, 0]))
    return after[(after > 0) & (after < len(t))]


def gaps_of(t: NDArray[np.int64], breaks: NDArray[np.intp]) -> NDArray[np.int64]:
    """The times of the samples on both sides of each gap, shape (k, 2)."""
    return np.stack((t[breaks - 1], t[breaks]), axis=1)
