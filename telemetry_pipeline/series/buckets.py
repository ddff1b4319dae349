"""Which samples share a bucket of time, and what their times alone say of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Float = NDArray[np.float64]


@dataclass(frozen=True)
class Buckets:
    """Which samples share a bucket: all that depends on times alone, found once for the signals that share them.

    Attributes:
        t: Times of the samples.
        bucket: Where each bucket begins in time.
        starts: Index of the first sample of each.
        ends: Index after the last sample of each.
        longest: See `TierRows`.
        t_longest: Likewise.
    """

    t: Int
    bucket: Int
    starts: Int
    ends: Int
    longest: Int
    t_longest: Int

    @classmethod
    def of(cls, t: Int, width_ns: int) -> "Buckets":
        """Find the buckets of samples.

        Args:
            t: int64 nanoseconds, ascending, at least one.
            width_ns: The width of a bucket.
        """
        first = t[0] - t[0] % width_ns
        edges = (
            np.arange(first + width_ns, t[-1] + 1, width_ns) if t[-1] - first < len(t) * width_ns else None
        )
        if edges is not None:  # few buckets: looking for their edges beats dividing every time
            cuts = np.unique(np.searchsorted(t, edges))
            starts = np.concatenate(([0], cuts)).astype(np.int64)
        else:
            starts = np.flatnonzero(np.diff(t // width_ns, prepend=t[0] // width_ns - 1))
        ends = np.append(starts[1:], len(t))
        intervals = np.zeros(len(t), np.int64)
        np.subtract(t[1:], t[:-1], out=intervals[:-1])
        intervals[ends - 1] = 0
        longest = np.maximum.reduceat(intervals, starts)
        at = first_equal(intervals, longest, starts, ends)
        begin = t[starts]
        return cls(t, begin - begin % width_ns, starts, ends, longest, t[at])


def first_equal(values: NDArray[np.generic], wanted: NDArray[np.generic], starts: Int, ends: Int) -> Int:
    """Index of the first of each part's values that equals the wanted one; every part has one."""
    found = np.flatnonzero(values == np.repeat(wanted, ends - starts))
    return np.asarray(found[np.searchsorted(found, starts)], dtype=np.int64)
