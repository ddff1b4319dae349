"""Intervals of many objects as one: what an object's border cut, late or early, is put together again.

The result does not depend on the order in which objects came. Reading them is the caller's business.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from telemetry_pipeline.lake.layout import DecodedObject
from telemetry_pipeline.rules.condition import Condition
from telemetry_pipeline.rules.interval import Interval, Series

Found = tuple[DecodedObject, Interval]
"""An interval, and the decoded object that it was found in."""

Between = Callable[[DecodedObject, DecodedObject, Series, int, int], bool]
"""Whether an object other than the two given has, from one time to another, both included, a sample of the series for
which its condition does not hold."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What became one interval, and the objects in which it was first and last seen."""

    interval: Interval
    first_in: DecodedObject
    last_in: DecodedObject


def merge(found: Iterable[Found], between: Between) -> list[Merged]:
    """Put intervals together, also such as are too short to be events, in order of time.

    Two become one where they overlap (objects that cover the same time are each judged by their own samples), or
    where neither has a sample on the near side for which the condition did not hold, the silence between them is
    not above the rule's hole, and no other object has a sample in it that speaks against it.
    """
    by_series: dict[Series, list[Found]] = {}
    for source, interval in found:
        by_series.setdefault(interval.series, []).append((source, interval))
    merged = [item for items in by_series.values() for item in _merge_series(items, between)]
    return sorted(merged, key=_order)


def _order(merged: Merged) -> tuple[int, int, str, str, str, str]:
    interval, series = merged.interval, merged.interval.series
    return interval.first_ns, interval.last_ns, series.rule, series.message, series.signal, series.channel


def _merge_series(items: list[Found], between: Between) -> list[Merged]:
    items.sort(key=lambda item: (item[1].first_ns, item[0], item[1].last_ns))
    condition = Condition.parse(items[0][1].series.condition)
    result: list[Merged] = []
    source, current = items[0]
    first_in = source
    for other_source, other in items[1:]:
        if other.last_ns <= current.last_ns or other.first_ns < current.last_ns:
            joined = True
        else:
            joined = (
                current.open_end
                and other.open_start
                and other.first_ns - current.last_ns <= current.series.max_hole_ns
                and not between(source, other_source, current.series, current.last_ns, other.first_ns)
            )
        if not joined:
            result.append(Merged(current, first_in, source))
            source, current = other_source, other
            first_in = source
            continue
        if other.last_ns >= current.last_ns:
            source = max(source, other_source) if other.last_ns == current.last_ns else other_source
        current = _joined(current, other, condition)
    return [*result, Merged(current, first_in, source)]


def _joined(one: Interval, other: Interval, condition: Condition) -> Interval:
    """Both as one; `other` does not begin before `one`."""
    depths = condition.depth(np.array([one.worst, other.worst]))
    worse = (depths[1], -other.worst_ns) > (depths[0], -one.worst_ns)
    if other.last_ns == one.last_ns:
        open_end = one.open_end and other.open_end
    else:
        open_end = (other if other.last_ns > one.last_ns else one).open_end
    return replace(
        one,
        unit=other.unit or one.unit,
        last_ns=max(one.last_ns, other.last_ns),
        worst=other.worst if worse else one.worst,
        worst_ns=other.worst_ns if worse else one.worst_ns,
        samples=one.samples + other.samples,
        open_start=one.open_start and (other.open_start or other.first_ns > one.first_ns),
        open_end=open_end,
    )
