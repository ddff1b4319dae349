"""Rows of an overview equal what plain arithmetic says, and merge in any grouping."""

import math
from dataclasses import fields
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.series.tiers import (
    TierRows,
    aligned,
    concatenate,
    empty_rows,
    merge,
    merge_all,
    sample_rows,
)

values = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.floats(-1e9, 1e9),
    st.sampled_from([0.0, -0.0, 1.0, 400.001, 400.002, 1e12, 1e12 + 1, math.nan]),
)
samples = st.lists(st.tuples(st.integers(-5_000, 5_000), values), min_size=1, max_size=60).map(
    lambda found: (
        np.array(sorted(t for t, _ in found), np.int64),
        np.array([v for _, v in found], np.float64),
    )
)
EXACT = [field.name for field in fields(TierRows) if not field.name.startswith("sum_")]


def assert_same(one: TierRows, other: TierRows) -> None:
    """Equal in all that is exact; sums within what float64 can say of them."""
    for name in EXACT:
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)
    for name in ("sum_above_min", "sum_sq_dev"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-11, atol=1e-300)


def assert_right(row: TierRows, t, v) -> None:
    """One row against its samples, in exact arithmetic."""
    assert len(row) == 1
    good = np.isfinite(v)
    assert (row.count[0], row.nonfinite[0]) == (len(t), len(t) - good.sum())
    assert (row.t_first[0], row.t_last[0]) == (t[0], t[-1])
    np.testing.assert_array_equal([row.first[0], row.last[0]], [v[0], v[-1]])
    intervals = np.diff(t)
    assert row.longest[0] == max(intervals, default=0)
    if len(intervals):
        assert row.t_longest[0] == t[int(intervals.argmax())]
    if not good.any():
        assert np.isnan([row.min[0], row.max[0], row.sum[0], row.mean[0]]).all()
        assert (row.t_min[0], row.t_max[0]) == (0, 0)
        return
    finite, times = v[good], t[good]
    assert (row.min[0], row.max[0]) == (finite.min(), finite.max())
    assert row.t_min[0] == times[int(finite.argmin())]
    assert row.t_max[0] == times[int(finite.argmax())]
    exact = [Fraction(float(value)) for value in finite]
    mean = sum(exact) / len(exact)
    scale = float(max(map(abs, exact)))
    assert row.sum[0] == pytest.approx(float(sum(exact)), rel=1e-12, abs=1e-13 * scale * len(exact) + 1e-300)
    assert row.mean[0] == pytest.approx(float(mean), rel=1e-12, abs=1e-13 * scale + 1e-300)
    squares = float(sum((value - mean) ** 2 for value in exact))
    assert row.sum_sq_dev[0] == pytest.approx(squares, rel=1e-12, abs=1e-300)


@settings(max_examples=300)
@given(samples)
def test_all_samples_as_one_bucket(found):
    t, v = found
    assert_right(sample_rows(t + 10_000, v, 1_000_000), t + 10_000, v)


@settings(max_examples=300)
@given(samples, st.integers(1, 700), st.integers(1, 9))
def test_wider_buckets_are_merged_narrower_ones(found, width, times):
    t, v = found
    narrow = sample_rows(t, v, width)
    wide = sample_rows(t, v, width * times)
    assert_same(merge(narrow, width * times), wide)
    for at in range(len(wide)):
        inside = (t >= wide.bucket[at]) & (t < wide.bucket[at] + width * times)
        assert_right(wide[at : at + 1], t[inside], v[inside])
    assert_right(merge_all(narrow), t, v)


@settings(max_examples=200)
@given(samples, st.lists(st.integers(0, 60), max_size=6), st.data())
def test_merging_is_associative(found, cuts, data):
    """However the samples are cut into parts, and in whichever order neighbours are merged."""
    t, v = found
    edges = sorted({0, len(t), *(cut for cut in cuts if cut < len(t))})
    parts = [sample_rows(t[a:b], v[a:b], 10**6) for a, b in pairwise(edges)]
    parts = [merge_all(part) for part in parts]
    while len(parts) > 1:
        at = data.draw(st.integers(0, len(parts) - 2))
        parts[at : at + 2] = [merge_all(concatenate(parts[at : at + 2]))]
    (row,) = parts
    assert_right(row, t, v)


def test_a_small_spread_around_a_large_value_survives():
    """A sum of squares about zero would have nothing left of it."""
    random = np.random.default_rng(3)
    t = np.arange(2_000_000, dtype=np.int64) * 10_000_000
    v = 1e9 + random.normal(0, 1e-3, len(t))
    row = merge_all(sample_rows(t, v, 10**10))
    # exact to what the values themselves are: multiples of 2**-23
    exact = (v - 1e9).astype(np.longdouble)
    assert row.mean[0] == pytest.approx(1e9 + float(exact.mean()), rel=1e-15)
    squares = float(((exact - exact.mean()) ** 2).sum())
    assert row.sum_sq_dev[0] == pytest.approx(squares, rel=1e-12)


def test_no_samples_are_no_rows():
    none = np.empty(0, np.int64), np.empty(0)
    assert len(sample_rows(*none, 10)) == len(merge(empty_rows(), 10)) == len(merge_all(empty_rows())) == 0


@given(st.integers(-(10**6), 10**6), st.integers(0, 10**5), st.integers(1, 10**4))
def test_a_range_is_whole_buckets_and_two_edges(start, length, width):
    first, stop = aligned(start, start + length, width)
    assert start <= first <= stop <= start + length
    if first < stop:
        assert first % width == stop % width == 0
        assert first - start < width
        assert start + length - stop < width
    else:
        assert first == start + length
