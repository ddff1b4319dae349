"""Whatever is asked of whatever lake: the answer is that of a plain computation over every decoded row."""

import datetime as dt
from itertools import pairwise
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.query import Memory, Question, ask
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query import plan
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.series.compact import compact_day
from telemetry_pipeline.series.tiers import S_NS
from tests.decoded_lake import put_decoded
from tests.query import plain_answers as plain

V = "VIN1"
FIRST = Partition(V, dt.date(2026, 12, 30))
DAYS = 4
SPEED, GEAR, RARE = ("Drive", "Speed"), ("Drive", "Gear"), ("Body", "Rare")


def drives(rng):
    """When the vehicle is driven: some days not at all, often over midnight."""
    begin = FIRST.start_ns + int(rng.uniform(0, 12 * 3600)) * S_NS
    while begin < FIRST.start_ns + DAYS * 86_400 * S_NS:
        length = int(rng.choice([60, 1200, 5400]))
        yield begin, min(begin + length * S_NS, FIRST.start_ns + DAYS * 86_400 * S_NS)
        begin += (length + int(rng.choice([90, 400, 9_000, 40_000]))) * S_NS


def cyclic(rng, begin, end):
    """Every two seconds or so, and now and then nothing for a while."""
    t = begin + np.cumsum((2e9 * rng.uniform(0.8, 1.2, int((end - begin) // (2 * S_NS)))).astype(np.int64))
    for at in rng.integers(0, len(t), rng.integers(0, 6)) if len(t) else ():
        from_t = t[min(at, len(t) - 1)]
        t = t[(t <= from_t) | (t > from_t + int(rng.uniform(8, 40)) * S_NS)]
    return t[t < end]


def on_change(rng, begin, end, mean):
    t = begin + np.cumsum(
        (rng.exponential(mean * 1e9, int((end - begin) / (mean * 1e9)) + 3)).astype(np.int64)
    )
    return t[t < end]


def values(rng, n):
    """A walk with spikes and, often, values that are none."""
    v = 400 + np.cumsum(rng.normal(size=n)) * rng.choice([1e-3, 1.0, 50.0])
    if n and rng.random() < 0.7:
        for at in rng.integers(0, n, rng.integers(1, 6)):
            v[at : at + rng.integers(1, 30)] = rng.choice([np.nan, np.inf, -np.inf])
    return v


def fill(store, rng):
    """A lake in any state: objects of an hour or two, duplicates, late ones, a wrong clock, some days compacted."""
    signals = {SPEED: [], GEAR: [], RARE: []}
    for begin, end in drives(rng):
        signals[SPEED].append(cyclic(rng, begin, end))
        signals[GEAR].append(on_change(rng, begin, end, 9.0))
        signals[RARE].append(on_change(rng, begin, end, 900.0))
    late = []
    for name, parts in signals.items():
        t = np.concatenate(parts)
        signals[name] = np.unique(t), values(rng, len(np.unique(t)))
    for number in range(DAYS):
        day = FIRST.shifted(number)
        edges = np.unique(np.concatenate(([0, 86_400], rng.integers(0, 86_400, 12)))) * S_NS + day.start_ns
        for low, high in pairwise(edges):
            held = {}
            for name, (t, v) in signals.items():
                first, stop = np.searchsorted(t, [low, high])
                held[name] = t[first:stop].tolist(), v[first:stop].tolist()
            if rng.random() < 0.03 and held[RARE][0]:  # a clock that is days off
                moved = [t + int(rng.integers(-3, 4)) * 86_400 * S_NS + 7 for t in held[RARE][0]]
                held[RARE] = moved, held[RARE][1]
            if any(t for t, _ in held.values()):
                stem = f"{low:020d}"
                copies = [stem] + ([f"{stem}-again"] if rng.random() < 0.1 else [])
                for copy in copies:
                    if rng.random() < 0.15:
                        late.append((day, copy, held))
                    else:
                        put_decoded(store, day, copy, held)
        if rng.random() < 0.7 and any(store.list_objects(day.prefix("decoded"))):
            compact_day(store, day)
    for day, stem, held in late:
        put_decoded(store, day, stem, held)


def ranges(rng, rows):
    """Ranges of any length, some whose ends are on buckets or on samples, some of nothing."""
    low, high = FIRST.start_ns, FIRST.start_ns + DAYS * 86_400 * S_NS
    yield low, high
    start, end = sorted(rng.integers(low - 3600 * S_NS, high + 3600 * S_NS, 2).tolist())
    yield start, end + 1
    t = rows["t"].to_numpy()
    one, other = sorted(rng.choice(t, 2).tolist())
    yield one, other + int(rng.integers(1, 3))
    yield low + 86_400 * S_NS - 600 * S_NS, low + 86_400 * S_NS + int(rng.integers(1, 9)) * 600 * S_NS


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_any_question_is_answered_as_by_a_plain_computation(tmp_path_factory, seed):
    rng = np.random.default_rng(seed)
    store = Store.open(tmp_path_factory.mktemp("lake").as_uri())
    fill(store, rng)
    if not any(store.list_objects("decoded/")):
        return
    rows = plain.all_rows(store, V)
    names = [name for name in (SPEED, GEAR, RARE) if (rows["signal_name"] == name[1]).any()]
    reader, memory = ParquetReader(store), Memory()
    # few rows are enough to be many
    with patch.object(plan, "EAGER_ROWS", 300), patch.object(plan, "RAW_ROWS", 900):
        for span in ranges(rng, rows):
            pauses = plain.recorded(rows, *span)
            truth = {name: Truth.of(*plain.samples(rows, name, *span), pauses) for name in names}
            for method in ("lttb", "minmaxlttb", "m4", "raw"):
                points = int(rng.choice([10, 40, 150, 600, 2500]))
                question = Question(V, names, *span, points, method, ("stats", "gaps", "envelope"))
                result = ask(reader, question, memory=memory)
                assert result.skipped_objects == 0
                for name, drawn in zip(names, result.series, strict=True):
                    check(drawn, question, truth[name])


class Truth(NamedTuple):
    t: np.ndarray
    v: np.ndarray
    statistics: dict
    gaps: list

    @classmethod
    def of(cls, t, v, pauses):
        return cls(t, v, plain.statistics(t, v), plain.gaps(t, pauses))


def check(drawn, question, truth):
    t, v = truth.t, truth.v
    assert drawn.source.points == len(t)
    check_statistics(drawn.stats, truth)
    assert drawn.gaps.complete
    assert [tuple(edge) for edge in drawn.gaps.edges.tolist()] == truth.gaps
    check_envelope(drawn.envelope, question, t, v)
    thinned = question.method != "raw" and len(t) > question.max_points
    assert drawn.method == (question.method if thinned else "raw")
    tier = None if drawn.source.origin == "raw" else int(drawn.source.origin[5:-1]) * S_NS
    if not thinned:
        assert tier is None
        expected = list(zip(t.tolist(), v.tolist(), strict=True))
    elif question.method == "m4":
        width = drawn.column_ns
        assert tier is None or width % tier == 0
        assert len(np.unique(t // width)) <= question.max_points // 4
        found = plain.m4(t, v, width)
        expected = list(zip(found.t, found.v, strict=True))
    else:
        assert len(drawn.t) == question.max_points
        near, of = (t, v) if tier is None else plain.candidates(t, v, tier, question.max_points)
        # of samples that are there twice both have the same triangle, and either may be taken
        if question.method == "minmaxlttb" or len(np.unique(near)) < len(near):
            assert set(drawn.t.tolist()) <= set(near.tolist())
            assert drawn.t[[0, -1]].tolist() == near[[0, -1]].tolist() or not np.isfinite(of[[0, -1]]).all()
            return
        chosen = plain.lttb(near, of, question.max_points, truth.gaps)
        expected = [(near[at].item(), of[at].item()) for at in chosen]
    assert drawn.t.tolist() == [time for time, _ in expected]
    np.testing.assert_array_equal(drawn.v, np.array([value for _, value in expected], np.float64))


def check_statistics(found, truth):
    finite = truth.v[np.isfinite(truth.v)]
    scale = np.abs(finite).max(initial=0)
    spread = np.ptp(finite) if len(finite) else 0
    for key, value in truth.statistics.items():
        if key in ("mean", "std") and value is not None:
            allowed = 1e-12 * (scale if key == "mean" else spread)
            assert getattr(found, key) == pytest.approx(value, rel=1e-12, abs=allowed)
        else:
            assert getattr(found, key) == value, key


def check_envelope(envelope, question, t, v):
    finite = np.isfinite(v)
    t, v = t[finite], v[finite]
    assert len(envelope.t) <= min(question.max_points, 2000)
    part = np.searchsorted(envelope.t, t, side="right") - 1
    for number in range(len(envelope.t)):
        inside = v[part == number]
        assert (envelope.low[number], envelope.high[number]) == (inside.min(), inside.max())
