"""One series of samples against one rule: vectorised, exact, and a pure function of both.

What is not a number is no measurement: such samples are as if they were not there.
"""

import numpy as np

from telemetry_pipeline.rules.interval import Interval, Series
from telemetry_pipeline.rules.rows import Times, Values
from telemetry_pipeline.rules.rule import Rule


def series_of(rule: Rule, message: str, signal: str, channel: str) -> Series:
    """What a rule judges on one channel."""
    return Series(
        rule.name,
        rule.severity,
        rule.description,
        str(rule.condition),
        rule.duration_ns,
        rule.max_hole_ns,
        message,
        signal,
        channel,
    )


def find_intervals(rule: Rule, series: Series, unit: str, times: Times, values: Values) -> list[Interval]:
    """The intervals in which a rule's condition held, as far as they matter.

    An interval that is too short and has a sample on either side for which the condition did not hold will never be
    an event, whatever other objects hold: it is left out.

    Args:
        rule: The rule.
        series: What is judged.
        unit: The signal's unit.
        times: Ascending nanoseconds since the epoch, shape (n,); equal ones in the order of the samples.
        values: As many values.
    """
    if (strange := np.isnan(values)).any():
        times, values = times[~strange], values[~strange]
    holds = rule.condition.holds(values)
    if not holds.any():
        return []
    # ascending times differ by less than 2^64 even where int64 overflows
    silent = np.diff(times).view(np.uint64) > np.uint64(rule.max_hole_ns)
    begins, ends = holds.copy(), holds.copy()
    begins[1:] &= ~holds[:-1] | silent
    ends[:-1] &= ~holds[1:] | silent
    first, last = np.flatnonzero(begins), np.flatnonzero(ends)
    open_start = np.append(True, silent)[first]
    open_end = np.append(silent, True)[last]
    spans = (times[last] - times[first]).view(np.uint64)
    matters = (spans >= np.uint64(rule.duration_ns)) | open_start | open_end
    found = []
    for number in np.flatnonzero(matters).tolist():
        begin, end = int(first[number]), int(last[number])
        worst = begin + int(np.argmax(rule.condition.depth(values[begin : end + 1])))
        found.append(
            Interval(
                series,
                unit,
                int(times[begin]),
                int(times[end]),
                float(values[worst]),
                int(times[worst]),
                end - begin + 1,
                bool(open_start[number]),
                bool(open_end[number]),
            )
        )
    return found
