"""Where a rule's condition held: intervals of one series of samples, and as rows of the lake's events table."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from telemetry_pipeline.lake import schema


@dataclass(frozen=True, slots=True)
class Series:
    """What is judged: the samples of one signal on one channel, and the rule they are judged by, in full.

    Only intervals of equal series are ever merged: what was found by a rule's older wording stays apart.
    """

    rule: str
    severity: str
    description: str
    condition: str
    duration_ns: int
    max_hole_ns: int
    message: str
    signal: str
    channel: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Consecutive samples for which the condition held, with no silence above the rule's hole between them.

    Attributes:
        series: What was judged, and how.
        unit: The signal's unit.
        first_ns: The first of the samples, nanoseconds since the epoch.
        last_ns: The last of them.
        worst: The value furthest into the condition.
        worst_ns: When it was first met.
        samples: How many there are.
        open_start: No sample before them, within the hole, is known for which the condition did not hold.
        open_end: No such sample is known after them.
    """

    series: Series
    unit: str
    first_ns: int
    last_ns: int
    worst: float
    worst_ns: int
    samples: int
    open_start: bool
    open_end: bool

    @property
    def span_ns(self) -> int:
        """From the first to the last sample."""
        return self.last_ns - self.first_ns

    @property
    def long_enough(self) -> bool:
        """Whether it is an event."""
        return self.span_ns >= self.series.duration_ns


_SERIES_COLUMNS = {
    "rule": "rule",
    "severity": "severity",
    "description": "description",
    "condition": "condition",
    "min_duration_ns": "duration_ns",
    "max_hole_ns": "max_hole_ns",
    "message_name": "message",
    "signal_name": "signal",
    "channel": "channel",
}
_COLUMNS = {
    "timestamp": "first_ns",
    "last_timestamp": "last_ns",
    "unit": "unit",
    "worst_value": "worst",
    "worst_timestamp": "worst_ns",
    "samples": "samples",
    "open_start": "open_start",
    "open_end": "open_end",
}


def to_table(intervals: Sequence[Interval], vehicle_id: str) -> pa.Table:
    """Intervals as rows of schema `EVENTS`, in an order that does not depend on how they were found."""
    ordered = sorted(
        intervals,
        key=lambda i: (i.first_ns, i.series.rule, i.series.message, i.series.signal, i.series.channel),
    )
    columns = []
    for field in schema.EVENTS:
        if field.name == "vehicle_id":
            values = [vehicle_id] * len(ordered)
        elif field.name in _SERIES_COLUMNS:
            values = [getattr(interval.series, _SERIES_COLUMNS[field.name]) for interval in ordered]
        else:
            values = [getattr(interval, _COLUMNS[field.name]) for interval in ordered]
        if pa.types.is_dictionary(field.type):
            columns.append(pa.array(values, pa.string()).dictionary_encode().cast(field.type))
        elif pa.types.is_timestamp(field.type):
            columns.append(pa.array(values, pa.int64()).cast(field.type))
        else:
            columns.append(pa.array(values, field.type))
    return pa.table(columns, schema=schema.EVENTS)


def from_table(table: pa.Table) -> list[Interval]:
    """The intervals of an events object, as it is read; the opposite of `to_table`.

    Raises:
        KeyError: A column is missing.
        pyarrow.ArrowException: A column is of another type.
    """
    columns = {}
    for field in schema.EVENTS:
        column = table[field.name]
        if pa.types.is_timestamp(field.type):
            column = column.cast(field.type).cast(pa.int64())
        columns[field.name] = column.to_pylist()
    names = list(_SERIES_COLUMNS)
    found = []
    for row in range(table.num_rows):
        series = Series(**{_SERIES_COLUMNS[name]: columns[name][row] for name in names})
        found.append(Interval(series, **{to: columns[name][row] for name, to in _COLUMNS.items()}))
    return found
