"""What an event is, written down a second time: sample by sample, in plain Python, over the whole series at once."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from telemetry_pipeline.rules.interval import Interval
from telemetry_pipeline.rules.rule import Rule
from tests.rules.test_condition import PLAIN

Sample = tuple[int, float]


@dataclass
class Run:
    first: int
    last: int
    worst: float
    worst_at: int
    samples: int


def reference(rule: Rule, samples: Iterable[Sample]) -> list[Run]:
    """The events of a series of samples in order of time."""
    condition = rule.condition
    runs: list[Run] = []
    current: Run | None = None
    for t, v in samples:
        if math.isnan(v):
            continue
        if current is not None and t - current.last > rule.max_hole_ns:
            current = None
        if not PLAIN[condition.operator](v, condition.low, condition.high):
            current = None
        elif current is None:
            current = Run(t, t, v, t, 1)
            runs.append(current)
        else:
            current.last = t
            current.samples += 1
            if _depth(rule, v) > _depth(rule, current.worst):
                current.worst, current.worst_at = v, t
    return [run for run in runs if run.last - run.first >= rule.duration_ns]


def _depth(rule: Rule, value: float) -> float:
    low, high = rule.condition.low, rule.condition.high
    return {
        ">": value,
        ">=": value,
        "<": -value,
        "<=": -value,
        "==": 0.0,
        "!=": abs(value - low),
        "outside": max(low - value, value - high),
        "inside": min(value - low, high - value),
    }[rule.condition.operator]


def as_runs(intervals: Iterable[Interval]) -> list[Run]:
    """Those intervals that are events, in the reference's form."""
    return [Run(i.first_ns, i.last_ns, i.worst, i.worst_ns, i.samples) for i in intervals if i.long_enough]
