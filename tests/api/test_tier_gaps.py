"""Gaps out of buckets are those out of samples, with as few looks at samples as that takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import tier_gaps
from api.gaps import breaks_of, gaps_of
from api.reading import Memory, Reading
from api.tier_gaps import gaps_of_rows
from telemetry_pipeline.query.reader import Answer, Series
from telemetry_pipeline.series.tiers import sample_rows

S = 1_000_000_000
EPOCH = 1_795_000_200 * S
NAME = ("Drive", "Speed")


class Samples:
    """A reader of one signal that counts how often it is asked."""

    def __init__(self, t):
        self.t = t
        self.reads = 0

    def look(self, vehicle_id, wanted, start_ns, end_ns):
        self.reads += 1
        t = self.t[(self.t >= start_ns) & (self.t < end_ns)]
        return Answer([Series(*NAME, "", t, np.zeros(len(t)))], len(t), 0)


def both(t, recorded, width_s, memory=None):
    """Gaps out of samples and out of buckets, and how often samples were looked at."""
    reader = Samples(t)
    look = Reading(reader, "VIN1", (0, 2**62), memory).look(NAME)
    rows = sample_rows(t, np.zeros(len(t)), width_s * S)
    found = gaps_of_rows(rows, lambda: recorded, look, hidden=True)
    return gaps_of(t, breaks_of(t, lambda: recorded)).tolist(), found, reader.reads


def cyclic(holes, n=20_000):
    t = EPOCH + np.arange(n) * (S // 10)
    for at, seconds in holes:
        t[at:] += int(seconds * S)
    return t


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 19_999), st.floats(0.05, 900)), max_size=30),
    st.sampled_from([10, 60, 600]),
)
def test_gaps_of_a_cyclic_signal_are_all_found(holes, width_s):
    t = cyclic(holes)
    expected, found, _ = both(t, np.array([[t[0], t[-1]]]), width_s)
    assert found.complete
    assert found.edges.tolist() == expected


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from([10, 60, 600]), st.lists(st.floats(1, 4000), max_size=9))
def test_gaps_of_a_signal_sent_on_change_are_the_pauses_of_the_recording(seed, width_s, pauses):
    rng = np.random.default_rng(seed)
    t = EPOCH + np.cumsum((rng.exponential(3.0, 5000) * S).astype(np.int64))
    for pause in pauses:
        t[int(rng.integers(1, 5000)) :] += int(pause * S)
    # recorded from just before a sample to just after another; the last pause begins anywhere
    cuts = np.unique(rng.integers(1, 4999, 5))
    begins = np.concatenate(([t[0]], t[cuts] - rng.integers(0, 9, len(cuts))))
    recorded = np.stack((begins, np.append(t[cuts - 1], t[-1])), axis=1)
    expected, found, _ = both(t, recorded, width_s)
    assert found.complete
    assert found.edges.tolist() == expected


def test_where_nothing_is_missing_no_sample_is_looked_at():
    _, found, reads = both(cyclic([]), np.empty((0, 2), np.int64), 600)
    assert (len(found.edges), reads) == (0, 0)


def test_a_lone_gap_of_a_bucket_takes_a_look_only_where_it_may_hide_another():
    pause = cyclic([(6_000, 900)])
    expected, found, reads = both(pause, np.array([[pause[0], pause[-1]]]), 10)
    assert (found.edges.tolist(), reads) == (expected, 1)  # the rhythm alone
    dropout = cyclic([(6_050, 3)])
    expected, found, reads = both(dropout, np.array([[dropout[0], dropout[-1]]]), 10)
    assert (found.edges.tolist(), reads) == (expected, 2)


def test_what_was_looked_at_is_remembered_until_there_is_more_of_it():
    memory = Memory()
    t = cyclic([(6_050, 3), (6_060, 4)])
    recorded = np.array([[t[0], t[-1]]])
    first = both(t, recorded, 60, memory)
    again = both(t, recorded, 60, memory)
    assert first[1].edges.tolist() == again[1].edges.tolist() == first[0]
    assert (first[2], again[2]) == (2, 0)
    late = np.sort(np.append(t, t[6_050] - S))
    expected, found, reads = both(late, recorded, 60, memory)
    assert (found.edges.tolist(), reads > 0) == (expected, True)


def test_more_hidden_gaps_than_looks_are_said_not_to_be_all(monkeypatch):
    monkeypatch.setattr(tier_gaps, "_NEAR_SAMPLES", 10)
    t = cyclic([(at + second, 2) for at in range(300, 19_000, 400) for second in (0, 5)])
    expected, found, reads = both(t, np.array([[t[0], t[-1]]]), 10)
    assert not found.complete
    assert reads == 33
    assert {tuple(edge) for edge in found.edges.tolist()} < {tuple(edge) for edge in expected}


@pytest.mark.parametrize("width_s", [10, 60, 600])
def test_no_bucket_has_no_gap(width_s):
    expected, found, reads = both(np.empty(0, np.int64), np.empty((0, 2), np.int64), width_s)
    assert (expected, found.edges.tolist(), found.complete, reads) == ([], [], True, 0)
