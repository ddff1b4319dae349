"""Which samples of a series are drawn: indices into it, never new values.

Every method works on the stretches between gaps one by one, so that both edge samples of a gap stay and no line is
drawn across it. Samples that are no number (NaN, infinities) are represented by the first of each run of them,
where the line breaks.

LTTB: Steinarsson, "Downsampling Time Series for Visual Representation", University of Iceland, 2013; tsdownsample
takes the middle of a bucket's times for their mean, else follows it. MinMaxLTTB: Van Der Donckt et al., IEEE VIS
2023. M4 (Jugel et al., VLDB 2014) chooses by columns of time instead: see `points`.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from tsdownsample import LTTBDownsampler, MinMaxDownsampler

Method = Literal["lttb", "minmaxlttb", "m4", "raw"]
Indices = NDArray[np.intp]
Times = NDArray[np.int64]
Values = NDArray[np.float64]

_lttb: Final = LTTBDownsampler().rust_mod.sequential.downsample_i64_f64
"""The function behind `downsample`, whose checks of types take 40 times as long as a short stretch does."""

_MINMAX_RATIO: Final = 4
_BREAK_SHARE: Final = 8
"""At most one point in so many marks a break; of more breaks only the longest are kept."""


def select(t: Times, v: Values, n_out: int, method: Method, breaks: Indices) -> Indices:
    """Choose samples to draw.

    Args:
        t: Times, int64 nanoseconds, ascending.
        v: Values, as many.
        n_out: How many samples to keep, at least 10: exactly that many where there are more.
        method: How to choose: `lttb` or `minmaxlttb`.
        breaks: Indices of the first sample after each gap, ascending.

    Returns:
        Ascending indices.
    """
    if len(t) <= n_out:
        return np.arange(len(t))
    bad = ~np.isfinite(v)
    if not bad.any():
        return _select_finite(t, v, n_out, method, breaks)
    holes = np.flatnonzero(bad & ~np.concatenate(([False], bad[:-1])))
    if len(holes) > n_out // _BREAK_SHARE:
        holes = holes[:0]
    finite = np.flatnonzero(~bad)
    budget = n_out - len(holes)
    if len(finite) <= budget:
        rest = np.setdiff1d(np.flatnonzero(bad), holes)
        return np.sort(np.concatenate((finite, holes, rest[: budget - len(finite)])))
    after = np.searchsorted(finite, np.concatenate((breaks, holes)))
    inner = np.unique(after[(after > 0) & (after < len(finite))])
    chosen = _select_finite(t[finite], v[finite], budget, method, inner)
    return np.sort(np.concatenate((finite[chosen], holes)))


def _select_finite(t: Times, v: Values, n_out: int, method: Method, breaks: Indices) -> Indices:
    if len(breaks) > n_out // _BREAK_SHARE:
        lengths = t[breaks] - t[breaks - 1]
        longest = np.argsort(-lengths, kind="stable")[: n_out // _BREAK_SHARE]
        breaks = np.sort(breaks[longest])
    starts = np.concatenate(([0], breaks)).astype(np.intp)
    ends = np.append(breaks, len(t)).astype(np.intp)
    budgets = _budgets(ends - starts, n_out)
    # relative to each stretch: float64 holds nanoseconds of an epoch only to 256 ns
    x = t - (np.repeat(t[starts], ends - starts) if len(starts) > 1 else t[0])
    v = np.ascontiguousarray(v)
    chosen = np.empty(n_out, np.intp)
    filled = 0
    for start, end, points in zip(starts.tolist(), ends.tolist(), budgets.tolist(), strict=True):
        found = _stretch(x[start:end], v[start:end], points, method)
        chosen[filled : filled + points] = found
        filled += points
    return chosen + np.repeat(starts, budgets)


def _budgets(lengths: NDArray[np.intp], total: int) -> NDArray[np.intp]:
    """Share `total` points among stretches: their two edges, and the rest by length (largest remainders)."""
    base = np.minimum(lengths, 2)
    spare = lengths - base
    rest = total - int(base.sum())
    shares, remainders = np.divmod(spare * rest, max(int(spare.sum()), 1))
    largest = np.argsort(-remainders, kind="stable")[: rest - int(shares.sum())]
    shares[largest] += 1
    return np.asarray(base + shares, dtype=np.intp)


def _stretch(x: Times, v: Values, points: int, method: Method) -> Indices:
    if points >= len(x):
        return np.arange(len(x))
    if points <= 2:
        return np.array([0, len(x) - 1][:points], dtype=np.intp)
    if method == "minmaxlttb" and len(x) > points * _MINMAX_RATIO:
        # preselect by number of samples, not by time: then there are always enough of them for exactly `points`
        preselected = MinMaxDownsampler().downsample(v, n_out=points * _MINMAX_RATIO)
        kept = np.unique(np.concatenate(([0], preselected.astype(np.intp), [len(x) - 1])))
        return np.asarray(kept[_lttb(x[kept], v[kept], points)])
    found: Indices = _lttb(x, v, points)
    return found
