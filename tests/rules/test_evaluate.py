"""Vectorised evaluation, and putting together over borders, against the plain reference."""

import datetime as dt
import math
from itertools import pairwise

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.lake.layout import DecodedObject, Partition, RawObject
from telemetry_pipeline.rules.condition import Condition
from telemetry_pipeline.rules.evaluate import find_intervals, series_of
from telemetry_pipeline.rules.interval import Interval, Series, from_table, to_table
from telemetry_pipeline.rules.merge import merge
from telemetry_pipeline.rules.rule import Rule
from tests.rules.reference import Sample, as_runs, reference

MS = 1_000_000
SECOND = 1_000 * MS
MIDNIGHT = Partition("V", dt.date(2026, 2, 24)).start_ns

RULES = st.builds(
    lambda condition, duration, hole: Rule("r", "M.S", Condition.parse(condition), duration, hole),
    st.sampled_from(["> 1", ">= 1", "< 1", "<= 1", "== 1", "!= 1", "outside 0..2", "inside 1..2"]),
    st.integers(0, 8).map(lambda n: n * SECOND // 2),
    st.integers(1, 6).map(lambda n: n * SECOND),
)
STEPS = st.sampled_from([0, 1, SECOND // 2, SECOND, 2 * SECOND, 5 * SECOND, 7 * SECOND])
VALUES = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.0, -1.0, math.nan, math.inf, -math.inf])
SERIES = st.lists(st.tuples(STEPS, VALUES), min_size=1, max_size=40)


def timed(steps: list[tuple[int, float]], start: int = MIDNIGHT - 10 * SECOND) -> list[Sample]:
    samples, at = [], start
    for step, value in steps:
        at += step
        samples.append((at, value))
    return samples


def evaluate(rule: Rule, samples: list[Sample]) -> list[Interval]:
    times = np.array([t for t, _ in samples], dtype=np.int64)
    values = np.array([v for _, v in samples], dtype=np.float64)
    return find_intervals(rule, series_of(rule, "M", "S", "can0"), "V", times, values)


@given(RULES, SERIES)
def test_one_object_gives_what_the_reference_gives(rule, steps):
    samples = timed(steps)
    assert as_runs(evaluate(rule, samples)) == reference(rule, samples)


def test_times_at_both_ends_of_int64():
    rule = Rule("r", "S", Condition.parse("> 0"), 5, 10)
    low, high = -(2**63), 2**63 - 1
    samples = [(low, 1.0), (low + 5, 2.0), (high - 5, 1.0), (high, 1.0)]
    assert as_runs(evaluate(rule, samples)) == reference(rule, samples)


def test_what_can_never_be_an_event_is_not_kept():
    rule = Rule("r", "S", Condition.parse("> 0"), 5 * SECOND, SECOND)
    values = [1, 0, 1, 1, 0, 1]
    found = evaluate(rule, [(n * SECOND, float(v)) for n, v in enumerate(values)])
    assert [(i.first_ns // SECOND, i.last_ns // SECOND, i.open_start, i.open_end) for i in found] == [
        (0, 0, True, False),
        (5, 5, False, True),
    ]


def test_intervals_go_into_a_table_and_back():
    rule = Rule("r", "S", Condition.parse("outside 0..1"), 0, SECOND, "info", ("*",), "said")
    found = evaluate(rule, timed([(0, 2.0), (SECOND, 0.5), (SECOND, math.inf)]))
    assert len(found) == 2
    table = to_table(found[::-1], "V")
    assert from_table(table) == found
    assert table["vehicle_id"].to_pylist() == ["V", "V"]


def objects_of(samples: list[Sample], cuts: list[int]) -> dict[DecodedObject, list[Sample]]:
    """The samples as the decoded objects of raw objects that end at the cuts; what is after midnight is spilled."""
    edges = sorted({0, len(samples), *(cut for cut in cuts if cut < len(samples))})
    taken: dict[RawObject, int] = {}
    objects: dict[DecodedObject, list[Sample]] = {}
    for low, high in pairwise(edges):
        first = RawObject.starting("V", samples[low][0])
        nth = taken[first] = taken.get(first, -1) + 1
        raw = RawObject(first.partition, f"{first.stem}-{nth}" if nth else first.stem)
        for t, v in samples[low:high]:
            days = (t - raw.partition.start_ns) // (86_400 * SECOND)
            item = raw.spill(days) if days else DecodedObject(raw.partition, raw.stem)
            objects.setdefault(item, []).append((t, v))
    return objects


def together(rule: Rule, objects: dict[DecodedObject, list[Sample]], order: list[int]) -> list[Interval]:
    def between(one: DecodedObject, other: DecodedObject, series: Series, last: int, first: int) -> bool:
        condition = Condition.parse(series.condition)
        return any(
            last <= t <= first and not math.isnan(v) and not condition.holds(np.array([v]))[0]
            for item, samples in objects.items()
            if min(one, other) < item < max(one, other)
            for t, v in samples
        )

    found = [(item, interval) for item, samples in objects.items() for interval in evaluate(rule, samples)]
    # in whatever order they came
    found.sort(key=lambda pair: order[hash(pair[0]) % len(order)] if order else 0)
    return [item.interval for item in merge(found, between)]


def apart(samples: list[Sample], cuts: list[int]) -> list[int]:
    """The cuts that do not divide samples of one instant: which of those came first, two objects do not tell."""
    return [cut for cut in cuts if 0 < cut < len(samples) and samples[cut - 1][0] != samples[cut][0]]


@settings(max_examples=300)
@given(RULES, SERIES, st.lists(st.integers(1, 39), max_size=12), st.permutations(list(range(5))))
@example(
    Rule("r", "M.S", Condition.parse("> 1"), SECOND, 6 * SECOND),
    [(SECOND, 2.0)] * 30,
    [5, 9, 10, 11, 20],
    [0],
)
def test_borders_and_midnight_make_no_difference(rule, steps, cuts, order):
    samples = timed(steps)
    objects = objects_of(samples, apart(samples, cuts))
    assert as_runs(together(rule, objects, order)) == reference(rule, samples)


@settings(max_examples=300)
@given(RULES, SERIES, st.lists(st.integers(1, 39), max_size=8), st.sets(st.integers(0, 8)))
def test_objects_that_are_there_twice_make_no_difference(rule, steps, cuts, doubled):
    by_time: dict[int, float] = {}
    samples = [(t, by_time.setdefault(t, v)) for t, v in timed(steps)]
    objects = objects_of(samples, cuts)
    again = {
        DecodedObject(item.partition, f"{item.stem}-again"): own
        for number, (item, own) in enumerate(objects.items())
        if number in doubled
    }
    everything = sorted(
        [sample for own in [*objects.values(), *again.values()] for sample in own],
        key=lambda sample: sample[0],
    )
    assert as_runs(together(rule, objects | again, [])) == reference(rule, everything)
