"""All values of a small recording at once, whatever their message: every operand is repeated for each of its values.

A call of NumPy for each message costs more than the work in it when a message has few frames. What is too much for the
cache, in several piles, or decoded by cantools goes through `parts`.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.lanes import Lanes
from telemetry_pipeline.decode.memory import empty
from telemetry_pipeline.decode.message import Outcome
from telemetry_pipeline.decode.payload import Rows
from telemetry_pipeline.decode.pile import Pile
from telemetry_pipeline.decode.report import SignalStats
from telemetry_pipeline.decode.table import Labelled, Listing, build_table, describe

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
) -> tuple[pa.Table, list[SignalStats]]:
    """All values as a table (schema `DECODED`), and the statistics of its signals.

    Args:
        pile: Where all frames are.
        outcomes: What became of them, each with signals, in the table's order.
        vehicles: The texts behind the vehicle codes.
        channels: The texts behind the channel codes.

    Raises:
        BadRaw: More distinct names than the schema's dictionaries hold.
    """
    listing = Listing([], [], [])
    for outcome in outcomes:
        listing.messages.extend([outcome.message.name] * len(outcome.carried))
        listing.signals.extend([signal for signal, _ in outcome.carried])
        listing.counts.extend(outcome.counts)
    counts = np.array(listing.counts, np.intp)
    ends = np.cumsum(counts)
    frames = _frames(outcomes, counts, ends)
    values = _values(pile, outcomes, counts, frames)
    times = pile.times.take(frames)
    spans = list(zip(times[ends - counts].tolist(), times[ends - 1].tolist(), strict=True))
    labels = (
        Labelled(
            texts, np.full(len(values), codes, np.int16) if isinstance(codes, int) else codes.take(frames)
        )
        for texts, codes in ((vehicles, pile.vehicles), (channels, pile.channels))
    )
    signals = describe(
        listing, values, spans, lambda number: times[ends[number] - counts[number] : ends[number]]
    )
    return build_table(listing, values, [times], *labels), signals


def _frames(outcomes: Sequence[Outcome], counts: Rows, ends: Rows) -> Rows:
    """For each value the position of its frame in the pile."""
    first: list[int] = []
    chosen: list[tuple[int, Rows]] = []
    for outcome in outcomes:
        start, order = outcome.frames.place()
        if order is not None or not outcome.is_plain:
            for number, (_, rows) in enumerate(outcome.carried, len(first)):
                own = rows if order is None else order if rows is None else order[rows]
                if own is not None:
                    chosen.append((number, start + own))
        first += [start] * len(outcome.carried)
    frames = np.repeat(np.array(first, np.intp) - ends + counts, counts)
    frames += np.arange(len(frames))
    for number, rows in chosen:
        frames[ends[number] - counts[number] : ends[number]] = rows
    return frames


def _values(pile: Pile, outcomes: Sequence[Outcome], counts: Rows, frames: Rows) -> Values:
    lanes = [
        outcome.message.lanes(tuple(signal.name for signal, _ in outcome.carried)) for outcome in outcomes
    ]
    values = _read_together(pile, lanes, counts, frames)
    start = 0
    for outcome, own in zip(outcomes, lanes, strict=True):
        if own.beyond:
            ends = start + np.cumsum(outcome.counts)
            for row in own.beyond:
                out = values[ends[row] - outcome.counts[row] : ends[row]]
                own.read_alone(row, outcome.frames, outcome.carried[row][1], out)
        start += sum(outcome.counts)
    return values


def _read_together(pile: Pile, lanes: Sequence[Lanes], counts: Rows, frames: Rows) -> Values:
    """The values of all signals; those of signals beyond the first word are of no meaning."""

    def each(operands: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.repeat(np.concatenate(operands).reshape(-1), counts)

    words = pile.words
    swaps = np.concatenate([own.swaps for own in lanes])
    if swaps.any():
        words = np.concatenate([words, words.byteswap()])
        frames = frames + np.repeat(swaps * np.intp(len(pile.words)), counts)
    raw = words.take(frames)
    np.left_shift(raw, each([own.up for own in lanes]), raw)
    whole = raw.view(np.int64)
    np.right_shift(whole, each([own.down for own in lanes]).view(np.int64), whole)
    np.bitwise_and(raw, each([own.mask for own in lanes]), raw)
    values: Values = empty(len(raw), np.float64)
    values[...] = whole  # below 2**63, and the signed conversion is the cheap one
    np.multiply(values, each([own.scale for own in lanes]), values)
    # adding 0 changes no value but -0.0, and that one as it should
    np.add(values, each([own.offset for own in lanes]), values)
    return values
