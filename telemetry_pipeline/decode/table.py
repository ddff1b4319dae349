"""The decoded table and the statistics of its signals, from the values of each.

Decides neither what decodes nor in which order; it is given sorted blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.message_plan import SignalPlan
from telemetry_pipeline.decode.report import SignalStats
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import schema

Times = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int16]

_CODES_MAX: Final = 32_767


@dataclass(frozen=True)
class Stamps:
    """When, on which vehicle and on which channel: what the signals of a frame share.

    Attributes:
        times: Nanoseconds since 1970 UTC, shape (n,).
        vehicles: Positions of the vehicles among their texts, shape (n,), or None when all are the first.
        channels: The same for the channels.
    """

    times: Times
    vehicles: Codes | None
    channels: Codes | None

    @cached_property
    def span(self) -> tuple[int, int]:
        """The first and the last time, of which there is at least one."""
        return int(self.times[0]), int(self.times[-1])

    def take(self, rows: npt.NDArray[np.intp]) -> "Stamps":
        """The stamps of some rows, in their order."""
        return Stamps(
            self.times[rows],
            None if self.vehicles is None else self.vehicles[rows],
            None if self.channels is None else self.channels[rows],
        )


@dataclass(frozen=True)
class Block:
    """The rows of one signal, in time order, without their values."""

    message: str
    signal: SignalPlan
    stamps: Stamps


def encode_labels(column: pa.ChunkedArray) -> tuple[list[str], Codes | None]:
    """The distinct texts of a column, with "" for null, and each row's position among them (None: all the first).

    Raises:
        BadRaw: More distinct texts than the schema's dictionaries hold.
    """
    if not pa.types.is_dictionary(column.type):
        if len(column) and not column.null_count and pc.all(pc.equal(column, column[0])).as_py():
            return [
                column[0].as_py()
            ], None  # most columns hold one text, and this is the cheap way to see it
        column = column.dictionary_encode()
    column = column.unify_dictionaries()
    if not column.num_chunks:
        return [""], None
    texts = [text or "" for text in column.chunk(0).dictionary.to_pylist()]
    if (column.null_count or not texts) and "" not in texts:
        texts.append("")
    if len(texts) == 1:
        return texts, None
    _check(texts)
    codes = [
        chunk.indices.fill_null(texts.index("") if chunk.null_count else 0).to_numpy()
        for chunk in column.chunks
    ]
    return texts, np.concatenate(codes).astype(np.int16)


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
    stamps = [block.stamps for block in blocks]
    counts = np.array([len(stamp.times) for stamp in stamps], np.intp)
    rows = len(values)
    times = {
        id(stamp): pa.Array.from_buffers(
            schema.TIMESTAMP, len(stamp.times), [None, pa.py_buffer(stamp.times)]
        )
        for stamp in {id(stamp): stamp for stamp in stamps}.values()
    }
    columns = [
        pa.chunked_array([times[id(stamp)] for stamp in stamps], schema.TIMESTAMP),
        _coded(vehicles, _joined([stamp.vehicles for stamp in stamps], rows)),
        _named([block.message for block in blocks], counts),
        _named([block.signal.name for block in blocks], counts),
        pa.Array.from_buffers(pa.float64(), rows, [None, pa.py_buffer(values)]),
        _named([block.signal.unit for block in blocks], counts),
        _coded(channels, _joined([stamp.channels for stamp in stamps], rows)),
    ]
    return pa.table(columns, schema=schema.DECODED)


def describe(blocks: Sequence[Block], values: Values) -> list[SignalStats]:
    """The statistics of signals whose values lie one after the other, at least one of each."""
    if not blocks:
        return []
    bounds = np.cumsum([0, *(len(block.stamps.times) for block in blocks)])
    totals, smallest, largest = (
        operation.reduceat(values, bounds[:-1]).tolist() for operation in (np.add, np.minimum, np.maximum)
    )
    found = []
    for number, block in enumerate(blocks):
        signal, total, low, high = block.signal, totals[number], smallest[number], largest[number]
        within = (signal.minimum is None or low >= signal.minimum) and (
            signal.maximum is None or high <= signal.maximum
        )
        start, end = bounds[number], bounds[number + 1]
        if within and isfinite(total):  # which it is of finite values only
            first, last = block.stamps.span
            found.append(
                SignalStats(
                    block.message, signal.name, signal.unit, int(end - start), first, last, low, high, total
                )
            )
        else:
            found.append(_describe_closely(block, values[start:end]))
    return found


def _describe_closely(block: Block, values: Values) -> SignalStats:
    """The statistics of one signal with values that are not finite or out of range."""
    signal, times = block.signal, block.stamps.times
    (first, last), rows = block.stamps.span, len(values)
    total = float(np.add.reduce(values))
    if not isfinite(total):
        finite = np.isfinite(values)
        values, times = values[finite], times[finite]
        total = float(np.add.reduce(values))
    nonfinite = rows - len(values)
    if nonfinite == rows:
        return SignalStats(
            block.message, signal.name, signal.unit, rows, first, last, None, None, None, nonfinite
        )
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
        message=block.message,
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


def _named(names: Sequence[str], counts: npt.NDArray[np.intp]) -> pa.DictionaryArray:
    texts = sorted(set(names))
    _check(texts)
    position = {text: code for code, text in enumerate(texts)}
    codes = np.frombuffer(pa.allocate_buffer(2 * int(counts.sum())), np.int16)
    start = 0
    for name, count in zip(names, counts.tolist(), strict=True):  # many times faster than np.repeat
        codes[start : start + count] = position[name]
        start += count
    return _coded(texts, codes)


def _joined(parts: Sequence[Codes | None], rows: int) -> Codes:
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else np.zeros(rows, np.int16)


def _coded(texts: Sequence[str], codes: Codes) -> pa.DictionaryArray:
    _check(texts)
    indices = pa.Array.from_buffers(pa.int16(), len(codes), [None, pa.py_buffer(codes)])
    return pa.DictionaryArray.from_arrays(indices, pa.array(texts, pa.string()), safe=False)


def _check(texts: Sequence[str]) -> None:
    if len(texts) > _CODES_MAX:
        raise BadRaw(f"{len(texts)} distinct names in one object, at most {_CODES_MAX} fit", texts[0])
