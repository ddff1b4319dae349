"""The decoded table and the statistics of its signals, from the values of each.

Decides neither what decodes nor in which order; it is given sorted blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
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


@dataclass(frozen=True)
class Stamps:
    """When, on which vehicle and on which channel: what the signals of a frame share.

    Attributes:
        times: Nanoseconds since 1970 UTC, shape (n,), ascending.
        vehicles: Positions of the vehicles among their texts, shape (n,), or the one that all have.
        channels: The same for the channels.
    """

    times: Times
    vehicles: Codes | int
    channels: Codes | int

    def take(self, rows: npt.NDArray[np.intp]) -> "Stamps":
        """The stamps of some rows, in their order."""
        return Stamps(self.times[rows], _taken(self.vehicles, rows), _taken(self.channels, rows))


class Block(NamedTuple):
    """Signals of one message one after the other, each with a row for each of the stamps; without the values."""

    message: str
    signals: tuple[SignalPlan, ...]
    stamps: Stamps

    @property
    def rows(self) -> int:
        """Rows of all of them."""
        return len(self.signals) * len(self.stamps.times)


def build_table(
    blocks: Sequence[Block], values: Values, vehicles: Sequence[str], channels: Sequence[str]
) -> pa.Table:
    """The decoded table, schema `DECODED`; only values and codes own memory, times are shared.

    Args:
        blocks: The signals in the table's order.
        values: Their values one after the other.
        vehicles: The texts behind the vehicle codes.
        channels: The texts behind the channel codes.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    columns: list[Any] = [[], [], [], [], []]
    times, messages, names, units, counts = columns
    for message, signals, stamps in blocks:
        size = len(signals)
        buffers = [None, pa.py_buffer(stamps.times)]
        times += [pa.Array.from_buffers(schema.TIMESTAMP, len(stamps.times), buffers)] * size
        counts += [len(stamps.times)] * size
        messages += [message] * size
        names += [signal.name for signal in signals]
        units += [signal.unit for signal in signals]
    sized = [(block.stamps, len(block.signals)) for block in blocks]
    return pa.table(
        [
            pa.chunked_array(times, schema.TIMESTAMP),
            _coded(vehicles, _joined([(stamps.vehicles, len(stamps.times), size) for stamps, size in sized])),
            _named(messages, counts),
            _named(names, counts),
            pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)]),
            _named(units, counts),
            _coded(channels, _joined([(stamps.channels, len(stamps.times), size) for stamps, size in sized])),
        ],
        schema=schema.DECODED,
    )


def describe(blocks: Sequence[Block], values: Values) -> list[SignalStats]:
    """The statistics of signals whose values lie one after the other, at least one of each."""
    if not blocks:
        return []
    signals = [signal for block in blocks for signal in block.signals]
    rows, spans, messages = [], [], []
    for message, own, stamps in blocks:
        rows += [len(stamps.times)] * len(own)
        spans += [(int(stamps.times[0]), int(stamps.times[-1]))] * len(own)
        messages += [message] * len(own)
    ends = np.cumsum(rows).tolist()
    starts = [0, *ends[:-1]]
    totals, lows, highs = (
        operation.reduceat(values, starts) for operation in (np.add, np.minimum, np.maximum)
    )
    lowest = np.array([-inf if signal.minimum is None else signal.minimum for signal in signals])
    highest = np.array([inf if signal.maximum is None else signal.maximum for signal in signals])
    # a sum is finite of finite values only
    fine = (lows >= lowest) & (highs <= highest) & np.isfinite(totals)
    found = [
        SignalStats(message, signal.name, signal.unit, count, first, last, low, high, total)
        for message, signal, count, (first, last), low, high, total in zip(
            messages, signals, rows, spans, lows.tolist(), highs.tolist(), totals.tolist(), strict=True
        )
    ]
    if not fine.all():
        stamps_of = [block.stamps for block in blocks for _ in block.signals]
        for number in np.flatnonzero(~fine).tolist():
            part = values[starts[number] : ends[number]]
            found[number] = _describe_closely(
                messages[number], signals[number], stamps_of[number].times, part
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
    texts = sorted(set(names))
    position = {text: code for code, text in enumerate(texts)}
    check_names(texts)
    return _coded(texts, _runs([position[name] for name in names], counts))


def _runs(codes: Sequence[int], counts: Sequence[int]) -> Codes:
    """Each code as often as its count says."""
    rows = sum(counts)
    if rows < _LONG_RUN * len(counts):
        return np.repeat(np.array(codes, np.int16), counts)
    out: Codes = empty(rows, np.int16)
    start = 0
    for code, count in zip(codes, counts, strict=True):
        out[start : start + count] = code
        start += count
    return out


def _joined(parts: Sequence[tuple[Codes | int, int, int]]) -> Codes:
    """Codes of each block: those of its rows, how many rows, and how often they are repeated."""
    if all(isinstance(codes, int) for codes, _, _ in parts):
        single = [codes for codes, _, _ in parts if isinstance(codes, int)]
        return _runs(single, [rows * times for _, rows, times in parts])
    return np.concatenate(
        [
            np.full(rows * times, codes, np.int16) if isinstance(codes, int) else np.tile(codes, times)
            for codes, rows, times in parts
        ]
    )


def _taken(column: Codes | int, rows: npt.NDArray[np.intp]) -> Codes | int:
    return column if isinstance(column, int) else column[rows]


def _coded(texts: Sequence[str], codes: Codes) -> pa.DictionaryArray:
    indices = pa.Array.from_buffers(pa.int16(), len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()), safe=False)
