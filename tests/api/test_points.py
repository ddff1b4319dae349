"""Points out of buckets: real samples, none twice, and columns about as narrow as they may be."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from api.points import busiest_stretch, columns_of_rows, columns_of_samples, m4_points
from telemetry_pipeline.series.tiers import sample_rows
from tests.query import plain_answers as plain
from tests.series.test_tiers import assert_same

S = 1_000_000_000
values = st.one_of(st.floats(-9, 9, width=16), st.sampled_from([np.nan, np.inf, -np.inf, 0.0, 1.0]))
samples = st.lists(st.tuples(st.integers(0, 400), values), min_size=1, max_size=60)


def arrays(drawn):
    drawn = sorted(drawn, key=lambda pair: pair[0])
    return np.array([t for t, _ in drawn]) * S + 7, np.array([v for _, v in drawn], np.float64)


@given(samples, st.integers(1, 900))
def test_points_are_first_smallest_largest_and_last_of_each_bucket(drawn, width):
    t, v = arrays({time: (time, value) for time, value in drawn}.values())
    found, expected = m4_points(sample_rows(t, v, width * S)), plain.m4(t, v, width * S)
    assert found.t.tolist() == expected.t
    np.testing.assert_array_equal(found.v, expected.v)
    assert found.of_row.tolist() == expected.of_row


@given(samples, st.integers(1, 900))
def test_samples_of_one_time_are_all_there_and_in_order(drawn, width):
    t, v = arrays(drawn)
    rows = sample_rows(t, v, width * S)
    found = m4_points(rows)
    assert np.all(np.diff(found.t) >= 0)
    assert found.of_row.min() >= 1
    assert found.of_row.max() <= 4
    there = {(time, str(value)) for time, value in zip(t.tolist(), v.tolist(), strict=True)}
    points = [(time, str(value)) for time, value in zip(found.t.tolist(), found.v.tolist(), strict=True)]
    assert {(time, value.replace("-0.0", "0.0")) for time, value in points} <= {
        (time, value.replace("-0.0", "0.0")) for time, value in there
    }


@given(samples, st.integers(2, 40), st.integers(1, 50))
def test_columns_fit_and_are_about_as_narrow_as_they_may_be(drawn, columns, width):
    t, v = arrays(drawn)
    rows, found = columns_of_samples(t, v, columns)
    assert_same(rows, sample_rows(t, v, found))
    assert len(rows) <= columns
    buckets = sample_rows(t, v, width * S)
    rows, found = columns_of_rows(buckets, width * S, columns)
    assert found % (width * S) == 0
    assert_same(rows, sample_rows(t, v, found))
    assert len(rows) <= columns
    narrower = found - width * S
    assert narrower == 0 or len(sample_rows(t, v, narrower)) > columns


@given(samples, st.integers(1, 300), st.data())
def test_the_busiest_stretch_is_that_of_a_plain_search(drawn, width, data):
    t, v = arrays(drawn)
    rows = sample_rows(t, v, width * S)
    gain = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows))), np.int64)
    gain[-1] += 1
    wanted = data.draw(st.integers(1, int(gain.sum())))
    first, last = busiest_stretch(rows, gain, wanted)
    moves = np.nan_to_num(rows.max - rows.min)
    best = max(
        moves[one : other + 1].sum()
        for one in range(len(rows))
        for other in range(one, len(rows))
        if gain[one : other + 1].sum() >= wanted > gain[one:other].sum()
    )
    assert gain[first : last + 1].sum() >= wanted
    assert abs(moves[first : last + 1].sum() - best) < 1e-9
