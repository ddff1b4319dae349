"""Where a series has nothing to show: found in all of its samples, before any are dropped.

A cyclic signal has a gap where the interval between two samples is far above its usual one. A signal that is sent
on change has no usual interval: silence is what it looks like when nothing changes, so the only gaps it has are
those in which the vehicle recorded nothing at all.

The rhythm of a signal is that of a stretch of the range which is as busy as most of it. So it is found in a few
thousand samples of any range, and is the same whether all samples are at hand or only the counts of wide buckets.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

GAP_FACTOR: Final = 5
GAP_FLOOR_NS: Final = 200_000_000
"""An interval is a gap above `GAP_FACTOR` times the median, but never below the floor: schedulers jitter."""

RHYTHM_NS: Final = 600_000_000_000
"""How busy a range is, is counted in buckets of this width."""

_RHYTHM_SAMPLES: Final = 1_000
_REGULAR: Final = 3
_REGULAR_SHARE: Final = 0.95
_ENOUGH: Final = 8
"""Cyclic is what has at least 8 intervals, 95 % of them at most 3 times the median. Of intervals that are spread
exponentially, as those of random changes are, 87.5 % are that short."""


def breaks_of(t: Times, recorded: Callable[[], Times]) -> NDArray[np.intp]:
    """Find the gaps of a series.

    Args:
        t: Times of all samples, int64 nanoseconds, ascending.
        recorded: Gives the stretches in which the vehicle recorded, shape (k, 2), first and last nanosecond; it
            is asked only for signals that are not cyclic.

    Returns:
        Index of the first sample after each gap, ascending; the gap is between it and the sample before.
    """
    if len(t) < 2:
        return np.empty(0, np.intp)
    if (limit := limit_of(t[_rhythm(t)])) is not None:
        return np.flatnonzero(np.diff(t) > limit) + 1
    after = np.unique(np.searchsorted(t, recorded()[1:, 0]))
    return after[(after > 0) & (after < len(t))]


def gaps_of(t: Times, breaks: NDArray[np.intp]) -> Times:
    """The times of the samples on both sides of each gap, shape (k, 2)."""
    return np.stack((t[breaks - 1], t[breaks]), axis=1)


def limit_of(t: Times) -> float | None:
    """The interval in nanoseconds above which a cyclic signal has a gap; None for one that is not cyclic.

    Args:
        t: Times of its samples in a stretch that shows its rhythm, ascending.
    """
    intervals = np.diff(t)
    if len(intervals) < _ENOUGH:
        return None
    median = float(np.median(intervals))
    regular = np.count_nonzero(intervals <= _REGULAR * median) / len(intervals)
    cyclic = median > 0 and regular >= _REGULAR_SHARE
    return max(GAP_FACTOR * median, GAP_FLOOR_NS) if cyclic else None


def rhythm_window(count: NDArray[np.int64]) -> tuple[int, int]:
    """Which buckets show the rhythm: from the one that the middle sample is in when the busiest come last.

    Args:
        count: Samples of each bucket of `RHYTHM_NS` that has any, in order of time.

    Returns:
        The first of the buckets, and the first that is none of them any more: they hold 1,000 samples or more,
        where there are so many.
    """
    upto = np.cumsum(count)
    order = np.argsort(count, kind="stable")
    middle = int(order[np.searchsorted(2 * np.cumsum(count[order]), upto[-1])])
    stop = int(np.searchsorted(upto, upto[middle] - count[middle] + _RHYTHM_SAMPLES)) + 1
    if stop <= len(count):
        return middle, stop
    first = int(np.searchsorted(upto - count, upto[-1] - _RHYTHM_SAMPLES, side="right")) - 1
    return min(max(first, 0), middle), len(count)


def _rhythm(t: Times) -> slice:
    """The samples that show the rhythm of a series."""
    if len(t) <= _RHYTHM_SAMPLES:
        return slice(None)
    first, last = int(t[0]) // RHYTHM_NS + 1, int(t[-1]) // RHYTHM_NS
    if last - first < len(t):  # looking for the edges of few buckets beats dividing every time
        starts = np.searchsorted(t, np.arange(first, last + 1) * RHYTHM_NS)
        starts = np.unique(np.concatenate(([0], starts)))
    else:
        starts = np.flatnonzero(np.diff(t // RHYTHM_NS, prepend=first - 2))
    ends = np.append(starts[1:], len(t))
    low, high = rhythm_window(ends - starts)
    return slice(int(starts[low]), int(ends[high - 1]))
