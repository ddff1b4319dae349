"""The gaps of a series of which only buckets are at hand: the same ones, at the same times, as in all of its samples.

A bucket knows the longest of its intervals and where that lies, and neighbours know the one between them. Only where a
bucket may hide a second gap beside its longest are its samples looked at.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from api.gaps import GAP_FLOOR_NS, RHYTHM_NS, Times, limit_of, rhythm_window
from api.reading import Look
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.series.tiers import TierRows

_MOST_LOOKS: Final = 32
"""So many stretches are looked at for hidden gaps; beyond it the answer says that there may be more."""

_NEAR_SAMPLES: Final = 130_000
"""Buckets with no more samples between them are looked at together: reading those is no dearer than beginning anew."""

_LOOK_SAMPLES: Final = 2_000_000


@dataclass(frozen=True)
class Gaps:
    """Gaps of a series.

    Attributes:
        edges: The samples on both sides of each, int64 nanoseconds of shape (k, 2), ascending.
        complete: Whether they are all; if not, of every bucket that may have further ones its longest is there.
    """

    edges: Times
    complete: bool


def gaps_of_rows(rows: TierRows, recorded: Callable[[], Times], look: Look, *, hidden: bool) -> Gaps:
    """Find the gaps of a series (see `api.gaps`).

    Args:
        rows: All its buckets, of a width that divides `RHYTHM_NS`.
        recorded: Gives the stretches in which the vehicle recorded, shape (k, 2).
        look: Looks at its samples.
        hidden: Whether to look for gaps that are hidden beside longer ones.
    """
    between = rows.t_first[1:] - rows.t_last[:-1]
    if max(rows.longest.max(initial=0), between.max(initial=0)) <= GAP_FLOOR_NS:
        return Gaps(np.empty((0, 2), np.int64), complete=True)
    if (limit := _limit(rows, look)) is not None:
        return _long_intervals(rows, limit, look if hidden else None)
    return _pauses(rows, recorded(), look)


def _limit(rows: TierRows, look: Look) -> float | None:
    """The interval above which a signal has a gap; None for one that is not cyclic."""
    buckets = rows.t_first // RHYTHM_NS
    starts = np.flatnonzero(np.diff(buckets, prepend=buckets[0] - 1))
    counts = np.add.reduceat(rows.count, starts)
    low, high = rhythm_window(counts)
    last = starts[high] - 1 if high < len(starts) else -1
    count = int(counts[low:high].sum())
    return look.find(int(rows.t_first[starts[low]]), int(rows.t_last[last]), count, limit_of, "limit")


def _long_intervals(rows: TierRows, limit: float, look: Look | None) -> Gaps:
    """The gaps of a cyclic signal; those that are hidden beside longer ones only with a look."""
    between = rows.t_first[1:] - rows.t_last[:-1] > limit
    inside = rows.longest > limit
    edges = np.concatenate(
        (
            np.stack((rows.t_last[:-1][between], rows.t_first[1:][between]), axis=1),
            np.stack((rows.t_longest[inside], (rows.t_longest + rows.longest)[inside]), axis=1),
        )
    )
    hiding = np.flatnonzero(inside & (rows.t_last - rows.t_first - rows.longest > limit))
    if look is None:
        return Gaps(_sorted(edges), complete=not len(hiding))
    looks = list(_looks(rows, hiding))
    for first, last in looks[:_MOST_LOOKS]:
        low, high = int(rows.t_first[first]), int(rows.t_last[last])
        count = int(rows.count[first : last + 1].sum())
        found = look.find(low, high, count, lambda t: _above(t, limit), "gaps", limit)
        known = (edges[:, 0] >= low) & (edges[:, 1] <= high)
        edges = np.concatenate((edges[~known], found))
    return Gaps(_sorted(edges), complete=len(looks) <= _MOST_LOOKS)


def _pauses(rows: TierRows, recorded: Times, look: Look) -> Gaps:
    """The gaps of a signal without a rhythm: those in which the vehicle recorded nothing."""
    found = []
    for begin in recorded[1:, 0].tolist():
        row = int(np.searchsorted(rows.t_first, begin)) - 1
        if row < 0:
            continue
        first, last = int(rows.t_first[row]), int(rows.t_last[row])
        longest = int(rows.t_longest[row]), int(rows.t_longest[row] + rows.longest[row])
        if last < begin:
            if row + 1 < len(rows):
                found.append((last, int(rows.t_first[row + 1])))
        elif longest[0] < begin <= longest[1]:
            found.append(longest)
        else:  # a wrong clock may leave samples in a pause
            found.append(look.find(first, last, int(rows.count[row]), partial(_around, begin), "at", begin))
    return Gaps(np.array(sorted(set(found)), np.int64).reshape(-1, 2), complete=True)


def _above(t: Times, limit: float) -> Times:
    """Intervals above a limit, shape (k, 2)."""
    at = np.flatnonzero(np.diff(t) > limit)
    return np.stack((t[at], t[at + 1]), axis=1)


def _around(instant: int, t: Times) -> tuple[int, int]:
    """The last sample before an instant, and the first that is not; the first of all samples is before it."""
    after = int(np.searchsorted(t, instant))
    if not 0 < after < len(t):
        raise TransientError("its samples changed while they were read", remedy="Ask again")
    return int(t[after - 1]), int(t[after])


def _looks(rows: TierRows, hiding: np.ndarray) -> Iterator[tuple[int, int]]:
    """Stretches of rows to look at: first and last of each."""
    if not len(hiding):
        return
    upto = np.cumsum(rows.count)
    first = last = int(hiding[0])
    for row in hiding[1:].tolist():
        near = upto[row - 1] - upto[last] <= _NEAR_SAMPLES
        if not near or upto[row] - upto[first] + rows.count[first] > _LOOK_SAMPLES:
            yield first, last
            first = row
        last = row
    yield first, last


def _sorted(edges: Times) -> Times:
    return edges[np.argsort(edges[:, 0], kind="stable")]
