"""The decoded rows and the statistics of their signals, from the values of each.

Decides neither what decodes nor in which order; it is given sorted blocks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import inf, isfinite

import numpy as np

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.labels import Codes, check_names
from telemetry_pipeline.decode.payload import Rows
from telemetry_pipeline.decode.pile import Times
from telemetry_pipeline.decode.signal_plan import SignalPlan
from telemetry_pipeline.decode.signals import Columns, Signals, Unusual
from telemetry_pipeline.lake.row_group import RowGroup, Texts


@dataclass(frozen=True, eq=False)
class Listing:
    """Which signals a table has, in its order, whatever their rows.

    Attributes:
        messages: The name of each one's message.
        signals: The signal.
    """

    messages: Sequence[str]
    signals: Sequence[SignalPlan]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each."""
        return tuple([signal.name for signal in self.signals])

    @cached_property
    def units(self) -> tuple[str, ...]:
        """The unit of each, "" where it has none."""
        return tuple([signal.unit for signal in self.signals])

    @cached_property
    def limits(self) -> tuple[Values, Values]:
        """The smallest and the largest value that the database allows of each, shape (signals,) both."""
        lowest = [-inf if signal.minimum is None else signal.minimum for signal in self.signals]
        highest = [inf if signal.maximum is None else signal.maximum for signal in self.signals]
        return np.array(lowest), np.array(highest)


def rows_of(
    listing: Listing,
    counts: Rows,
    values: Values,
    times: Sequence[Times],
    labels: tuple[Texts, Texts],
) -> RowGroup:
    """The rows of a table.

    Args:
        listing: Its signals.
        counts: How many rows each has, shape (signals,), at least one each.
        values: Their values one after the other, shape (rows,).
        times: The rows' times in pieces, of which the same may be there several times; they are not copied.
        labels: The rows' vehicles and their channels.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    vehicles, channels = labels
    texts = {
        "vehicle_id": vehicles,
        "message_name": Texts(*_listed(tuple(listing.messages)), counts),
        "signal_name": Texts(*_listed(listing.names), counts),
        "unit": Texts(*_listed(listing.units), counts),
        "channel": channels,
    }
    return RowGroup(times, values, texts)


def labelled(texts: Sequence[str], codes: Codes | int, rows: int) -> Texts:
    """A column of labels, given by each row's code, shape (rows,), or the one that all have."""
    return Texts.same(texts[codes], rows) if isinstance(codes, int) else Texts(texts, codes)


def describe(
    listing: Listing,
    counts: Rows,
    values: Values,
    spans: tuple[Times, Times],
    times_of: Callable[[int], Times],
) -> Signals:
    """The statistics of each signal.

    Args:
        listing: The signals.
        counts: How many rows each has, shape (signals,).
        values: Their values one after the other, shape (rows,).
        spans: The first and the last time of each, shape (signals,) both.
        times_of: Gives the times of one of them, by its number.
    """
    if not len(counts):
        return Signals()
    ends = np.cumsum(counts)
    starts = ends - counts
    totals, lows, highs = (
        operation.reduceat(values, starts) for operation in (np.add, np.minimum, np.maximum)
    )
    lowest, highest = listing.limits
    minimum, maximum, total = lows.tolist(), highs.tolist(), totals.tolist()
    unusual: dict[int, Unusual] = {}
    # a sum is finite of finite values only
    fine = (lows >= lowest) & (highs <= highest) & np.isfinite(totals)
    for at in np.flatnonzero(~fine).tolist():
        close = _describe_closely(listing.signals[at], times_of(at), values[starts[at] : ends[at]])
        (minimum[at], maximum[at], total[at]), counted = close
        if any(counted):
            unusual[at] = counted
    names = listing.messages, listing.names, listing.units
    first, last = spans
    return Signals(
        Columns(*names, counts.tolist(), first.tolist(), last.tolist(), minimum, maximum, total), unusual
    )


def _describe_closely(
    signal: SignalPlan, times: Times, values: Values
) -> tuple[tuple[float | None, float | None, float | None], Unusual]:
    """Minimum, maximum and total of a signal with values that are not finite or out of range, and what else it has."""
    rows = len(values)
    total = float(np.add.reduce(values))
    if not isfinite(total):
        finite = np.isfinite(values)
        values, times = values[finite], times[finite]
        total = float(np.add.reduce(values))
    nonfinite = rows - len(values)
    if nonfinite == rows:
        return (None, None, None), Unusual(nonfinite)
    smallest, largest = float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
    low = -inf if signal.minimum is None else signal.minimum
    high = inf if signal.maximum is None else signal.maximum
    outside, first_outside, worst = 0, None, None
    if smallest < low or largest > high:
        mask = (values < low) | (values > high)
        outside = int(np.count_nonzero(mask))
        first_outside = int(times[mask.argmax()])
        worst = smallest if low - smallest > largest - high else largest
    ordinary = smallest, largest, total if isfinite(total) else None
    return ordinary, Unusual(nonfinite, outside, first_outside, worst)


@lru_cache(maxsize=64)
def _listed(names: tuple[str, ...]) -> tuple[list[str], Codes]:
    """The sorted texts among some names, and the position of each name among them.

    Objects of one vehicle have the same names again and again.
    """
    texts = sorted(set(names))
    check_names(texts)
    position = {text: code for code, text in enumerate(texts)}
    return texts, np.array([position[name] for name in names], np.int16)
