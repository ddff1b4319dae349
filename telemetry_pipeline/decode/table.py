"""The decoded table and the statistics of its signals, from the values of each.

Decides neither what decodes nor in which order; it is given sorted blocks.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf, isfinite
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.labels import Codes, check_names
from telemetry_pipeline.decode.memory import empty
from telemetry_pipeline.decode.message_plan import SignalPlan
from telemetry_pipeline.decode.pile import Times
from telemetry_pipeline.decode.report import SignalStats
from telemetry_pipeline.lake import schema

_LONG_RUN: Final = 512
"""Rows from which on a run of one code is written faster as a slice than by repetition."""


class Listing(NamedTuple):
    """Which signals a table has, in its order; element by element.

    Attributes:
        messages: The name of each one's message.
        signals: The signal.
        counts: How many rows it has, at least one.
    """

    messages: list[str]
    signals: list[SignalPlan]
    counts: list[int]


class Labelled(NamedTuple):
    """A column of few texts: the texts, and each row's position among them, shape (rows,)."""

    texts: Sequence[str]
    codes: Codes


def build_table(
    listing: Listing,
    values: Values,
    times: Sequence[Times],
    vehicles: Labelled,
    channels: Labelled,
) -> pa.Table:
    """The decoded table, schema `DECODED`.

    Args:
        listing: Its signals.
        values: Their values one after the other, shape (rows,).
        times: The rows' times in pieces, of which the same may be there several times; they are not copied.
        vehicles: The rows' vehicles.
        channels: The rows' channels.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    pieces = {
        id(piece): pa.Array.from_buffers(schema.TIMESTAMP, len(piece), [None, pa.py_buffer(piece)])
        for piece in {id(piece): piece for piece in times}.values()
    }
    return pa.table(
        [
            pa.chunked_array([pieces[id(piece)] for piece in times], schema.TIMESTAMP),
            _coded(vehicles),
            _named(listing.messages, listing.counts),
            _named([signal.name for signal in listing.signals], listing.counts),
            pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)]),
            _named([signal.unit for signal in listing.signals], listing.counts),
            _coded(channels),
        ],
        schema=schema.DECODED,
    )


def describe(
    listing: Listing, values: Values, spans: Sequence[tuple[int, int]], times_of: Callable[[int], Times]
) -> list[SignalStats]:
    """The statistics of each signal.

    Args:
        listing: The signals.
        values: Their values one after the other, shape (rows,).
        spans: The first and the last time of each.
        times_of: Gives the times of one of them, by its number.
    """
    if not listing.counts:
        return []
    ends = np.cumsum(listing.counts).tolist()
    starts = [0, *ends[:-1]]
    totals, lows, highs = (
        operation.reduceat(values, starts) for operation in (np.add, np.minimum, np.maximum)
    )
    lowest = np.array([-inf if signal.minimum is None else signal.minimum for signal in listing.signals])
    highest = np.array([inf if signal.maximum is None else signal.maximum for signal in listing.signals])
    # a sum is finite of finite values only
    fine = (lows >= lowest) & (highs <= highest) & np.isfinite(totals)
    # a tuple's own constructor takes half the time of a named one's
    ordinary = (0, 0, None, None)
    found = [
        tuple.__new__(
            SignalStats, (message, signal.name, signal.unit, count, *span, low, high, total, *ordinary)
        )
        for message, signal, count, span, low, high, total in zip(
            *listing, spans, lows.tolist(), highs.tolist(), totals.tolist(), strict=True
        )
    ]
    for number in np.flatnonzero(~fine).tolist():
        own = values[starts[number] : ends[number]]
        found[number] = _describe_closely(
            listing.messages[number], listing.signals[number], times_of(number), own
        )
    return found


def _describe_closely(message: str, signal: SignalPlan, times: Times, values: Values) -> SignalStats:
    """The statistics of one signal with values that are not finite or out of range."""
    first, last, rows = int(times[0]), int(times[-1]), len(values)
    total = float(np.add.reduce(values))
    if not isfinite(total):
        finite = np.isfinite(values)
        values, times = values[finite], times[finite]
        total = float(np.add.reduce(values))
    nonfinite = rows - len(values)
    if nonfinite == rows:
        return SignalStats(message, signal.name, signal.unit, rows, first, last, None, None, None, nonfinite)
    smallest, largest = float(np.minimum.reduce(values)), float(np.maximum.reduce(values))
    low = -inf if signal.minimum is None else signal.minimum
    high = inf if signal.maximum is None else signal.maximum
    outside, first_outside, worst = 0, None, None
    if smallest < low or largest > high:
        mask = (values < low) | (values > high)
        outside = int(np.count_nonzero(mask))
        first_outside = int(times[mask.argmax()])
        worst = smallest if low - smallest > largest - high else largest
    return SignalStats(
        message=message,
        signal=signal.name,
        unit=signal.unit,
        rows=rows,
        first_ns=first,
        last_ns=last,
        minimum=smallest,
        maximum=largest,
        total=total if isfinite(total) else None,
        nonfinite=nonfinite,
        out_of_range=outside,
        first_out_of_range_ns=first_outside,
        worst_out_of_range=worst,
    )


def _named(names: Sequence[str], counts: Sequence[int]) -> pa.DictionaryArray:
    texts, positions = _listed(tuple(names))
    codes = repeat_codes(positions, counts)
    indices = pa.Array.from_buffers(pa.int16(), len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, texts, safe=False)


@lru_cache(maxsize=64)
def _listed(names: tuple[str, ...]) -> tuple[pa.Array, Codes]:
    """The sorted texts among some names, and the position of each name among them.

    Objects of one vehicle have the same names again and again.
    """
    texts = sorted(set(names))
    check_names(texts)
    position = {text: code for code, text in enumerate(texts)}
    return pa.array(texts, pa.string()), np.array([position[name] for name in names], np.int16)


def repeat_codes(codes: Sequence[int] | Codes, counts: Sequence[int]) -> Codes:
    """Each code as often as its count says."""
    rows = sum(counts)
    if not np.any(codes):  # untouched memory is zero, and costs nothing until somebody looks
        return np.zeros(rows, np.int16)
    if rows < _LONG_RUN * len(counts):
        return np.repeat(np.asarray(codes, np.int16), counts)
    out: Codes = empty(rows, np.int16)
    start = 0
    for code, count in zip(codes, counts, strict=True):
        out[start : start + count] = code
        start += count
    return out


def _coded(column: Labelled) -> pa.DictionaryArray:
    indices = pa.Array.from_buffers(pa.int16(), len(column.codes), [None, pa.py_buffer(column.codes)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(column.texts, pa.string()), safe=False)
