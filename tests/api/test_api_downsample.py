"""Points that stand for many samples: what each method promises, gaps, statistics and envelopes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.downsample import select
from api.gaps import GAP_FLOOR_NS, breaks_of, gaps_of
from api.points import columns_of_samples, m4_points
from api.summary import envelope_of, statistics_of

NONE = np.empty(0, np.intp)
S = 1_000_000_000
EPOCH = 1_795_000_000 * S


def drawn_by_m4(t, v, n_out):
    columns, _ = columns_of_samples(t, v, n_out // 4)
    return m4_points(columns)


def middle(x):
    return (x[0] + x[-1]) / 2


def reference_lttb(x, y, n_out, centre=np.mean):
    """LTTB as its author wrote it: Steinarsson 2013, section 4.2, with buckets of equal numbers of samples."""
    every = (len(x) - 2) / (n_out - 2)
    chosen, a = [0], 0
    for bucket in range(n_out - 2):
        begin, end = int(every * bucket) + 1, int(every * (bucket + 1)) + 1
        after = min(int(every * (bucket + 2)) + 1, len(x))
        mean_x, mean_y = centre(x[end:after]), np.mean(y[end:after])
        areas = np.abs((x[a] - mean_x) * (y[begin:end] - y[a]) - (x[a] - x[begin:end]) * (mean_y - y[a]))
        a = begin + int(np.argmax(areas))
        chosen.append(a)
    return [*chosen, len(x) - 1]


def walk(n, seed, jitter=0.2):
    rng = np.random.default_rng(seed)
    t = EPOCH + np.cumsum((1e8 * (1 + jitter * rng.uniform(-1, 1, n))).astype(np.int64))
    return t, np.cumsum(rng.normal(size=n))


series = st.builds(walk, st.integers(1, 3000), st.integers(0, 2**32), st.floats(0, 0.9))


@given(st.integers(60, 2000), st.integers(10, 50), st.integers(0, 2**32), st.sampled_from([0.0, 0.9]))
def test_lttb_is_the_published_algorithm(n, n_out, seed, jitter):
    t, v = walk(n, seed, jitter)
    x = (t - t[0]).astype(float)
    # the library takes the middle of the next bucket's times for their mean, which differs where they jitter
    expected = reference_lttb(x, v, n_out, middle if jitter else np.mean)
    assert select(t, v, n_out, "lttb", NONE).tolist() == expected


@given(series, st.integers(10, 400), st.sampled_from(["lttb", "minmaxlttb"]), st.data())
def test_every_method_keeps_its_promise(drawn, n_out, method, data):
    t, v = drawn
    n = len(t)
    v = v.copy()
    for at, length in data.draw(st.lists(st.tuples(st.integers(0, n - 1), st.integers(1, 40)), max_size=4)):
        v[at : at + length] = data.draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    breaks = np.array(sorted(data.draw(st.sets(st.integers(1, max(n - 1, 1)), max_size=6))), dtype=np.intp)
    breaks = breaks[breaks < n]
    t = t.copy()
    for at in breaks:
        t[at:] += 100 * S
    chosen = select(t, v, n_out, method, breaks)
    assert np.all(np.diff(chosen) > 0)
    assert np.all((chosen >= 0) & (chosen < n))
    assert len(chosen) == min(n, n_out)
    if n <= n_out:
        return
    if len(breaks) <= n_out // 8 and np.isfinite(v).all():
        assert {0, n - 1, *breaks, *(breaks - 1)} <= set(chosen.tolist())


@pytest.mark.parametrize("method", ["lttb", "minmaxlttb"])
def test_a_hole_without_numbers_stays_a_hole(method):
    t, v = walk(10_000, 1)
    v[4000:5000] = np.nan
    chosen = select(t, v, 200, method, NONE)
    assert {3999, 4000, 5000} <= set(chosen.tolist())
    assert not set(range(4001, 5000)) & set(chosen.tolist())


@pytest.mark.parametrize("method", ["lttb", "minmaxlttb"])
def test_hostile_series_are_drawn_too(method):
    n = 5000
    same_time = np.full(n, EPOCH)
    alternating = np.where(np.arange(n) % 2, np.nan, 1.0)
    all_nan = np.full(n, np.nan)
    huge = np.where(np.arange(n) % 3, 1e308, -1e308)
    t = EPOCH + np.arange(n) * S
    for times, values in (
        (same_time, np.arange(n, dtype=float)),
        (t, alternating),
        (t, all_nan),
        (t, huge),
        (t, np.zeros(n)),
        (np.sort(np.concatenate((same_time[: n // 2], t[n // 2 :]))), np.arange(n, dtype=float)),
    ):
        for breaks in (NONE, np.arange(1, n, dtype=np.intp), np.array([1, 2, n - 1])):
            chosen = select(times, values, 100, method, breaks)
            assert len(chosen) == 100
            assert np.all(np.diff(chosen) > 0)


def test_minmaxlttb_and_m4_keep_a_lone_spike():
    t, v = walk(100_000, 3)
    v[54_321] = 1e6
    assert 54_321 in select(t, v, 1000, "minmaxlttb", NONE)
    assert t[54_321] in drawn_by_m4(t, v, 1000).t


def never():
    raise AssertionError("a cyclic signal does not ask when the vehicle recorded")


def test_gaps_of_a_cyclic_signal_are_its_long_intervals():
    t, _ = walk(2000, 5)
    t[1000:] += 2 * S
    t[1500:] += int(0.45 * S)
    breaks = breaks_of(t, never)
    assert breaks.tolist() == [1000, 1500]
    assert gaps_of(t, breaks).tolist() == [[t[999], t[1000]], [t[1499], t[1500]]]


def test_short_hiccups_of_a_fast_signal_are_no_gaps():
    t = EPOCH + np.arange(5000) * 1_000_000
    t[2000:] += GAP_FLOOR_NS - 1_000_000
    assert not len(breaks_of(t, never))
    t[3000:] += GAP_FLOOR_NS
    assert breaks_of(t, never).tolist() == [3000]


@pytest.mark.parametrize("seed", range(5))
def test_a_signal_sent_on_change_has_only_the_gaps_of_the_recording(seed):
    rng = np.random.default_rng(seed)
    t = EPOCH + np.cumsum((rng.exponential(3.0, 4000) * S).astype(np.int64))
    whole = np.array([[t[0], t[-1]]])
    assert not len(breaks_of(t, lambda: whole))
    t[2500:] += 900 * S
    parts = np.array([[t[0] - S, t[2499] + 1], [t[2500] - 1, t[-1]]])
    assert breaks_of(t, lambda: parts).tolist() == [2500]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_few_samples_have_no_rhythm_to_miss(n):
    t = EPOCH + np.array([0, 1, 1000, 1001, 90_000], dtype=np.int64)[:n] * S
    assert not len(breaks_of(t, lambda: np.empty((0, 2), np.int64)))


@given(st.lists(st.floats(-1e6, 1e6) | st.sampled_from([float("nan"), float("inf")])))
def test_statistics_are_those_of_the_finite_values(values):
    v = np.array(values, dtype=float)
    finite = [value for value in values if np.isfinite(value)]
    stats = statistics_of(EPOCH + np.arange(len(v)) * 7 * S, v)
    assert stats.nulls == len(values) - len(finite)
    assert stats.count == len(finite)
    if finite:
        mean = sum(finite) / len(finite)
        assert (stats.min, stats.max) == (min(finite), max(finite))
        assert stats.mean == pytest.approx(mean, abs=1e-6)
        assert stats.std == pytest.approx(
            (sum((x - mean) ** 2 for x in finite) / len(finite)) ** 0.5, abs=1e-4
        )
    else:
        assert (stats.min, stats.max, stats.mean, stats.std) == (None, None, None, None)


@given(series, st.integers(1, 50))
def test_the_envelope_encloses_every_sample(drawn, buckets):
    t, v = drawn
    start, end = int(t[0]) - 7, int(t[-1]) + 1
    envelope = envelope_of(t, v, start, end, buckets)
    assert len(envelope.t) <= buckets
    bucket = np.searchsorted(envelope.t, t, side="right") - 1
    for number in range(len(envelope.t)):
        inside = v[bucket == number]
        assert (envelope.low[number], envelope.high[number]) == (inside.min(), inside.max())


def test_two_opposite_spikes_side_by_side_are_both_kept():
    for seed in range(200):
        t, v = walk(20_000, seed)
        at = 1 + seed * 97
        v[at : at + 2] = 1e6, -1e6
        assert {t[at], t[at + 1]} <= set(drawn_by_m4(t, v, 1000).t.tolist())
        envelope = envelope_of(t, v, int(t[0]), int(t[-1]) + 1, 500)
        assert (envelope.high.max(), envelope.low.min()) == (1e6, -1e6)
