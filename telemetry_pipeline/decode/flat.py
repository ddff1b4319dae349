"""All values of a small recording at once, whatever their message: every operand is repeated for each of its values.

A call of NumPy for each message costs more than the work in it when a message has few frames. What is too much for the
cache, in several piles, or decoded by cantools goes through `parts`.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Values, Words
from telemetry_pipeline.decode.lanes import Lanes
from telemetry_pipeline.decode.message import Outcome
from telemetry_pipeline.decode.payload import Rows
from telemetry_pipeline.decode.pile import Pile
from telemetry_pipeline.decode.signal_plan import Reading
from telemetry_pipeline.decode.signals import Signals
from telemetry_pipeline.decode.table import Listing, describe, labelled, rows_of
from telemetry_pipeline.lake.memory import empty
from telemetry_pipeline.lake.row_group import RowGroup

VALUES_MAX: Final = 1 << 17
"""Values whose operands the second-level cache holds."""


def only_pile(outcomes: Sequence[Outcome]) -> Pile | None:
    """The pile that all values can be read from at once; None if they cannot."""
    if not outcomes or sum(sum(outcome.counts) for outcome in outcomes) > VALUES_MAX:
        return None
    pile = outcomes[0].frames.only_pile
    fit = all(outcome.frames.only_pile is pile and not outcome.known_values for outcome in outcomes)
    return pile if fit else None


def fill_flat(
    pile: Pile, outcomes: Sequence[Outcome], vehicles: Sequence[str], channels: Sequence[str]
) -> tuple[RowGroup, Signals]:
    """All values, and the statistics of their signals.

    Args:
        pile: Where all frames are.
        outcomes: What became of them, each with signals, in the table's order.
        vehicles: The texts behind the vehicle codes.
        channels: The texts behind the channel codes.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    layout = _lay_out(tuple([outcome.reading for outcome in outcomes]))
    counts = np.array([count for outcome in outcomes for count in outcome.counts], np.intp)
    ends = np.cumsum(counts)
    starts = ends - counts
    frames = _frames(outcomes, counts, starts)
    values = _read_together(pile, layout.operands, counts, frames)
    for outcome, row, number in layout.beyond:
        own = outcomes[outcome]
        out = values[starts[number] : ends[number]]
        own.reading.lanes.read_alone(row, own.frames, own.carried[row][1], out)
    times = pile.times.take(frames)
    signals = describe(
        layout.listing,
        counts,
        values,
        (times.take(starts), times.take(ends - 1)),
        lambda number: times[starts[number] : ends[number]],
    )
    labels = (
        labelled(texts, codes if isinstance(codes, int) else codes.take(frames), len(values))
        for texts, codes in ((vehicles, pile.vehicles), (channels, pile.channels))
    )
    return rows_of(layout.listing, counts, values, [times], (next(labels), next(labels))), signals


class _Operands(NamedTuple):
    """What the arithmetic of each signal needs, shape (signals,) each; see `Lanes`."""

    swaps: npt.NDArray[np.bool_]
    up: Words
    down: npt.NDArray[np.int64]
    mask: Words
    scale: Values
    offset: Values

    @classmethod
    def of(cls, lanes: Sequence[Lanes]) -> "_Operands":
        """Those of all signals one after the other."""

        def joined(operands: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
            return np.concatenate(operands).reshape(-1)

        return cls(
            swaps=joined([own.swaps for own in lanes]),
            up=joined([own.up for own in lanes]),
            down=joined([own.down for own in lanes]).view(np.int64),
            mask=joined([own.mask for own in lanes]),
            scale=joined([own.scale for own in lanes]),
            offset=joined([own.offset for own in lanes]),
        )


class _Layout(NamedTuple):
    """What is known of all signals before any value is read.

    Attributes:
        listing: The signals.
        operands: How they are read.
        beyond: Those that are read by themselves: the number of their message, of the signal in it, and in all.
    """

    listing: Listing
    operands: _Operands
    beyond: list[tuple[int, int, int]]


@lru_cache(maxsize=64)
def _lay_out(readings: tuple[Reading, ...]) -> _Layout:
    """Objects of one vehicle have the same signals again and again."""
    lanes = [reading.lanes for reading in readings]
    beyond = []
    first = 0
    for number, reading in enumerate(readings):
        beyond += [(number, row, first + row) for row in reading.lanes.beyond]
        first += len(reading.signals)
    listing = Listing(
        [reading.message for reading in readings for _ in reading.signals],
        [signal for reading in readings for signal in reading.signals],
    )
    return _Layout(listing, _Operands.of(lanes), beyond)


def _frames(outcomes: Sequence[Outcome], counts: Rows, starts: Rows) -> Rows:
    """For each value the position of its frame in the pile."""
    first: list[int] = []
    chosen: list[int] = []
    rows: list[Rows] = []
    for outcome in outcomes:
        start, order = outcome.frames.place()
        if order is not None or not outcome.is_plain:
            for number, (_, own) in enumerate(outcome.carried, len(first)):
                own = own if order is None else order if own is None else order[own]  # noqa: PLW2901
                if own is not None:
                    chosen.append(number)
                    rows.append(own)
        first += [start] * len(outcome.carried)
    begin = np.array(first, np.intp)
    frames = _counted(begin - starts, counts)
    if chosen:
        sizes = counts[chosen]
        behind = np.cumsum(sizes)
        picked = np.concatenate(rows)
        picked += np.repeat(begin[chosen], sizes)
        frames[_counted(starts[chosen] - behind + sizes, sizes)] = picked
    return frames


def _counted(offsets: Rows, counts: Rows) -> Rows:
    """Each offset as often as its count says, plus 0, 1, 2 and so on over all of them."""
    counted: Rows = np.repeat(offsets, counts)
    counted += np.arange(len(counted))
    return counted


def _read_together(pile: Pile, operands: _Operands, counts: Rows, frames: Rows) -> Values:
    """The values of all signals; those of signals beyond the first word are of no meaning."""
    words = pile.words
    if operands.swaps.any():
        words = np.concatenate([words, words.byteswap()])
        frames = frames + np.repeat(operands.swaps * np.intp(len(pile.words)), counts)
    raw = words.take(frames)
    np.left_shift(raw, np.repeat(operands.up, counts), raw)
    whole = raw.view(np.int64)
    np.right_shift(whole, np.repeat(operands.down, counts), whole)
    np.bitwise_and(raw, np.repeat(operands.mask, counts), raw)
    values: Values = empty(len(raw), np.float64)
    values[...] = whole  # below 2**63, and the signed conversion is the cheap one
    np.multiply(values, np.repeat(operands.scale, counts), values)
    # adding 0 changes no value but -0.0, and that one as it should
    np.add(values, np.repeat(operands.offset, counts), values)
    return values
