"""The decoded table part by part: which signals, or which rows of one, go into each, and their values.

What a table looks like is `table`'s business, how values are read is `lanes`'.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.message import Outcome
from telemetry_pipeline.decode.payload import Rows
from telemetry_pipeline.decode.pile import Codes, Times
from telemetry_pipeline.decode.selected import Selected
from telemetry_pipeline.decode.signal_plan import SignalPlan
from telemetry_pipeline.decode.signals import Signals
from telemetry_pipeline.decode.table import Listing, describe, rows_of
from telemetry_pipeline.lake.memory import empty
from telemetry_pipeline.lake.row_group import RowGroup, Texts

_DESCRIBED: Final = 65_536
"""Values after which their statistics are taken, while they are still in the cache."""


class Section(NamedTuple):
    """Values of one message: some of its signals whole, or some values of one signal.

    Attributes:
        outcome: Its frames.
        first: Position of the first signal among those that the frames carry.
        last: Position behind the last.
        span: Which values of a signal that is not whole.
    """

    outcome: Outcome
    first: int
    last: int
    span: slice | None = None


def cut_parts(outcomes: Iterable[Outcome], sizes: Iterable[int]) -> Iterator[list[Section]]:
    """The values of all signals in parts of so many rows each; a signal is cut where a part ends within it."""
    rest = _Rest(outcomes)
    for size in sizes:
        yield list(rest.take(size))


class _Rest:
    """The values that are in no part yet."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        self._outcomes = list(outcomes)[::-1]
        self._first = 0
        self._start = 0

    def take(self, size: int) -> Iterator[Section]:
        """The next `size` values, of which there are so many."""
        while size:
            outcome = self._outcomes[-1]
            counts, first = outcome.counts, self._first
            if self._start or counts[first] > size:
                rows = min(counts[first] - self._start, size)
                yield Section(outcome, first, first + 1, slice(self._start, self._start + rows))
                self._start += rows
                if self._start == counts[first]:
                    self._start, self._first = 0, first + 1
                size -= rows
            else:
                last = first
                while last < len(counts) and counts[last] <= size:
                    size -= counts[last]
                    last += 1
                yield Section(outcome, first, last)
                self._first = last
            if self._first == len(counts):
                self._outcomes.pop()
                self._first = 0


class Stamps(NamedTuple):
    """When, on which vehicle and on which channel: what the signals of a frame share.

    Attributes:
        times: Nanoseconds since 1970 UTC, shape (n,), ascending.
        vehicles: Positions of the vehicles among their texts, shape (n,), or the one that all have.
        channels: The same for the channels.
    """

    times: Times
    vehicles: Codes | int
    channels: Codes | int

    def take(self, rows: Rows) -> "Stamps":
        """The stamps of some rows, in their order."""
        vehicles, channels = (
            label if isinstance(label, int) else label[rows] for label in (self.vehicles, self.channels)
        )
        return Stamps(self.times[rows], vehicles, channels)


class Block(NamedTuple):
    """Signals of one message one after the other, each with a row for each of the stamps; without the values."""

    message: str
    signals: tuple[SignalPlan, ...]
    stamps: Stamps

    @property
    def rows(self) -> int:
        """Rows of all of them."""
        return len(self.signals) * len(self.stamps.times)


def fill_part(
    sections: Sequence[Section], vehicles: Sequence[str], channels: Sequence[str]
) -> tuple[RowGroup, Signals]:
    """One part, and the statistics of its signals.

    Args:
        sections: What is in it, in the table's order.
        vehicles: The texts behind the vehicle codes.
        channels: The texts behind the channel codes.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    size = 0
    for outcome, first, last, span in sections:
        size += sum(outcome.counts[first:last]) if span is None else span.stop - span.start
    values: Values = empty(size, np.float64)
    blocks: list[Block] = []
    signals: list[Signals] = []
    start = described = counted = 0
    for section in sections:
        read = _read_whole if section.span is None else _read_some
        for block in read(section, values[start:]):
            blocks.append(block)
            start += block.rows
        if start - described >= _DESCRIBED:
            signals.append(_describe(blocks[counted:], values[described:start]))
            described, counted = start, len(blocks)
    signals.append(_describe(blocks[counted:], values[described:start]))
    rows = rows_of(
        *_listing(blocks),
        values,
        [block.stamps.times for block in blocks for _ in block.signals],
        (
            _labels(blocks, vehicles, [block.stamps.vehicles for block in blocks]),
            _labels(blocks, channels, [block.stamps.channels for block in blocks]),
        ),
    )
    return rows, Signals.joined(signals)


def _listing(blocks: Sequence[Block]) -> tuple[Listing, Rows]:
    """The signals, and how many rows each has."""
    listing = Listing(
        [block.message for block in blocks for _ in block.signals],
        [signal for block in blocks for signal in block.signals],
    )
    return listing, np.array([len(block.stamps.times) for block in blocks for _ in block.signals], np.intp)


def _describe(blocks: Sequence[Block], values: Values) -> Signals:
    times = [block.stamps.times for block in blocks for _ in block.signals]
    first, last = (np.array([own[at] for own in times], np.int64) for at in (0, -1))
    return describe(*_listing(blocks), values, (first, last), times.__getitem__)


def _labels(blocks: Sequence[Block], texts: Sequence[str], columns: Sequence[Codes | int]) -> Texts:
    """The labels of all rows, from the codes that each signal of a block has."""
    if all(isinstance(codes, int) for codes in columns):
        return Texts(texts, np.array(columns, np.int16), np.array([block.rows for block in blocks]))
    codes = [
        np.full(block.rows, codes, np.int16) if isinstance(codes, int) else np.tile(codes, len(block.signals))
        for block, codes in zip(blocks, columns, strict=True)
    ]
    return Texts(texts, np.concatenate(codes))


def _read_some(section: Section, out: Values) -> list[Block]:
    """Write some values of one signal to `out`."""
    outcome, span = section.outcome, section.span or slice(0)
    signal, rows = outcome.carried[section.first]
    frames = outcome.frames
    frames = frames.between(span.start, span.stop) if rows is None else frames.take(rows[span])
    out = out[: len(frames)]
    if signal.name in outcome.known_values:
        out[...] = outcome.known_values[signal.name][span]
    else:
        outcome.message.lanes((signal.name,)).read(frames, None, out.reshape(1, -1))
    return [Block(outcome.message.name, (signal,), _stamps(frames))]


def _read_whole(section: Section, out: Values) -> list[Block]:
    """Write the values of some signals of one message to `out`, one after the other."""
    outcome = section.outcome
    carried = outcome.carried[section.first : section.last]
    every = _stamps(outcome.frames)
    if outcome.is_plain:
        signals = tuple(signal for signal, _ in carried)
        matrix = out[: len(signals) * len(every.times)].reshape(len(signals), -1)
        outcome.message.lanes(tuple(signal.name for signal in signals)).read(outcome.frames, None, matrix)
        return [Block(outcome.message.name, signals, every)]
    alike: dict[int, list[int]] = {}
    stamps: dict[int, Stamps] = {}
    for number, (_, rows) in enumerate(carried):
        alike.setdefault(id(rows), []).append(number)
        if id(rows) not in stamps:
            stamps[id(rows)] = every if rows is None else every.take(rows)
    ends = np.cumsum(outcome.counts[section.first : section.last]).tolist()
    for numbers in alike.values():
        _read_alike(
            outcome, [carried[number] for number in numbers], [ends[number] for number in numbers], out
        )
    return [
        Block(outcome.message.name, tuple(signal for signal, _ in run), stamps[key])
        for key, run in groupby(carried, key=lambda item: id(item[1]))
    ]


def _read_alike(
    outcome: Outcome, carried: Sequence[tuple[SignalPlan, Rows | None]], ends: Sequence[int], out: Values
) -> None:
    """Write the values of signals that the same frames carry; those of each end in `out` where `ends` says."""
    rows = carried[0][1]
    count = len(outcome.frames) if rows is None else len(rows)
    if outcome.known_values:
        for (signal, _), end in zip(carried, ends, strict=True):
            out[end - count : end] = outcome.known_values[signal.name]
        return
    lanes = outcome.message.lanes(tuple(signal.name for signal, _ in carried))
    size = count * len(carried)
    if ends[-1] - ends[0] == size - count:  # they are neighbours
        lanes.read(outcome.frames, rows, out[ends[0] - count : ends[-1]].reshape(len(carried), count))
        return
    matrix = np.empty((len(carried), count))
    lanes.read(outcome.frames, rows, matrix)
    for values, end in zip(matrix, ends, strict=True):
        out[end - count : end] = values


def _stamps(frames: Selected) -> Stamps:
    return Stamps(frames.times, frames.vehicles, frames.channels)
