"""One message: which of its frames decode, and which frames carry which signal.

Applies multiplexers and short payloads exactly as cantools' `decode(allow_truncated=True)` does. Ids, vehicles and
tables are `frames`' business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Values
from telemetry_pipeline.decode.message_plan import MessagePlan
from telemetry_pipeline.decode.payload import Integers, Rows
from telemetry_pipeline.decode.selected import Selected
from telemetry_pipeline.decode.signal_plan import Reading, SignalPlan

Mask = npt.NDArray[np.bool_]

TOO_SHORT = "frame shorter than its message"
NO_SIGNAL = "frame holds no whole signal"
NO_FIT = "no signal fits in the message"
REFUSED = "refused by cantools"


@dataclass
class Outcome:
    """What became of the frames of one message.

    Attributes:
        message: The message.
        frames: Its frames that decode.
        truncated: How many of them are shorter than the message.
        errors: The others, by reason.
        signal_errors: Decoded frames by (signal, reason), for signals that can never be read.
        carried: The signals with values, and for each the positions in `frames` of those that carry it, or None for
            all; signals of the same frames have the same array.
        known_values: Values that were computed on the way, by signal.
        is_plain: Whether all frames carry all of the signals, whose values are still to be read.
    """

    message: MessagePlan
    frames: Selected
    truncated: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    signal_errors: dict[tuple[str, str], int] = field(default_factory=dict)
    carried: Sequence[tuple[SignalPlan, Rows | None]] = field(default_factory=list)
    known_values: dict[str, Values] = field(default_factory=dict)
    is_plain: bool = False

    @cached_property
    def counts(self) -> list[int]:
        """How many values each of the signals in `carried` has."""
        if self.is_plain:
            return [len(self.frames)] * len(self.carried)
        return [len(self.frames) if rows is None else len(rows) for _, rows in self.carried]

    @cached_property
    def reading(self) -> Reading:
        """How the signals in `carried` are read together, if the same frames carry them."""
        if self.is_plain:
            return self.message.reading_always
        return self.message.reading(tuple([signal.name for signal, _ in self.carried]))


def sort_out(message: MessagePlan, frames: Selected, *, strict: bool) -> Outcome:
    """Decide which frames of a message decode and which signals each carries.

    Args:
        message: The message.
        frames: All its frames.
        strict: Refuse frames shorter than the message.
    """
    outcome = Outcome(message, frames)
    if message.refusal:
        outcome.errors[message.refusal] = len(frames)
        outcome.frames = Selected(())
        return outcome
    lengths = frames.lengths(message.length)
    if lengths is None and message.is_plain:
        outcome.is_plain = True
        outcome.carried = message.carried_always
        for signal in message.unreadable:
            outcome.signal_errors[signal.name, signal.fault] = len(frames)
        return outcome
    if strict and lengths is not None:
        short = lengths < message.length
        outcome.errors[TOO_SHORT] = int(short.sum())
        outcome.frames = frames.take(np.flatnonzero(~short))
        lengths = None
    if message.oracle is not None:
        _ask_cantools(outcome, lengths)
        return outcome
    _sort_out_closely(outcome, lengths)
    return outcome


def _sort_out_closely(outcome: Outcome, lengths: Integers | None) -> None:
    """Look at every frame's multiplexers and length, `lengths` being None where all are long enough."""
    message = outcome.message
    frames = _Frames(message, outcome.frames, lengths)
    bad = frames.bad_values()
    reason = NO_SIGNAL if any(not signal.fault for signal in message.roots) else NO_FIT
    bad.append((reason, frames.empty()))
    keep: Mask | None = None
    for why, mask in bad:
        if mask is None:
            continue
        new = mask if keep is None else mask & keep
        if new.any():
            outcome.errors[why] = int(new.sum())
            keep = ~mask if keep is None else keep & ~mask
    if keep is not None:
        kept = np.flatnonzero(keep)
        outcome.frames = outcome.frames.take(kept)
        lengths = None if lengths is None else lengths[kept]
        frames = _Frames(message, outcome.frames, lengths)
    outcome.truncated = 0 if lengths is None else int((lengths < message.length).sum())
    readable: list[tuple[SignalPlan, Rows | None]] = []
    for signal, carried in frames.carried():
        count = len(outcome.frames) if carried is None else len(carried)
        if signal.fault and count:
            outcome.signal_errors[signal.name, signal.fault] = count
        elif count:
            readable.append((signal, carried))
    outcome.carried = readable


class _Frames:
    """The frames of one message with the multiplexer values among them, computed once."""

    def __init__(self, message: MessagePlan, frames: Selected, lengths: Integers | None) -> None:
        self._message = message
        self._lengths = lengths
        self._count = len(frames)
        self._alive: dict[tuple[int | None, tuple[int, ...]], Mask | None] = {}
        self._values: dict[int, Values] = {}
        self._frames = frames

    def bad_values(self) -> list[tuple[str, Mask | None]]:
        """For each multiplexer the frames whose value of it is none that exists."""
        found: list[tuple[str, Mask | None]] = []
        for position, signal, known in self._message.multiplexers:
            bad = ~_is_in(self._multiplexer(position), known)
            held = self._held(signal)
            found.append((f"unknown value of multiplexer {signal.name}", bad if held is None else bad & held))
        return found

    def empty(self) -> Mask | None:
        """The frames that hold none of the signals that hang on no multiplexer; None when there is no such frame."""
        if not self._message.roots:
            return None
        some = np.zeros(self._count, bool)
        for signal in self._message.roots:
            if signal.fault:
                continue
            held = self._held(signal)
            if held is None:
                return None
            some |= held
        return ~some

    def carried(self) -> list[tuple[SignalPlan, Rows | None]]:
        """For each signal the frames that carry it, or would if it could be read.

        Signals of the same frames get the same array.
        """
        branches = self._message.branches if self._lengths is None else self._message.branches_of_short
        rows: list[Rows | None] = []
        for signal in branches.leads:
            held = self._alive_mask(signal) if signal.fault else self._held(signal)
            rows.append(None if held is None else np.flatnonzero(held))
        return [(signal, rows[number]) for signal, number in branches.signals]

    def _held(self, signal: SignalPlan) -> Mask | None:
        alive = self._alive_mask(signal)
        if self._lengths is None:
            return alive
        whole: Mask = self._lengths >= signal.bytes_needed
        return whole if alive is None else whole & alive

    def _alive_mask(self, signal: SignalPlan) -> Mask | None:
        """The frames in whose branch the signal lives; None for all."""
        if signal.parent is None:
            return None
        key = (signal.parent, signal.ids)
        if key not in self._alive:
            parent = self._message.signals[signal.parent]
            if parent.fault:
                alive = np.zeros(self._count, bool)
            else:
                held = self._held(parent)
                alive = _is_in(self._multiplexer(signal.parent), signal.ids)
                alive = alive if held is None else alive & held
            self._alive[key] = alive
        return self._alive[key]

    def _multiplexer(self, position: int) -> Values:
        """The whole part of a multiplexer's value in every frame; of no meaning in frames without it."""
        if position not in self._values:
            signal = self._message.signals[position]
            values = np.empty((1, self._count))
            if signal.scaling is not None:
                self._message.lanes((signal.name,)).read(self._frames, None, values)
            self._values[position] = np.trunc(values[0], out=values[0])
        return self._values[position]


def _is_in(values: Values, ids: tuple[int, ...]) -> Mask:
    if len(ids) == 1:
        return np.equal(values, ids[0])
    if ids[-1] - ids[0] == len(ids) - 1:
        return (values >= ids[0]) & (values <= ids[-1])
    return np.isin(values, np.array(ids, float))


def _ask_cantools(outcome: Outcome, lengths: Integers | None) -> None:
    """Decode frame by frame with cantools itself."""
    message = outcome.message
    found: dict[str, tuple[list[int], list[float]]] = {}
    decoded: list[int] = []
    whole = outcome.frames.whole(message.length)
    sizes = [message.length] * len(whole) if lengths is None else lengths.tolist()
    for row, (payload, size) in enumerate(zip(whole, sizes, strict=True)):
        body = payload[:size]
        try:
            values = message.oracle.decode(body, decode_choices=False, allow_truncated=lengths is not None)
            numbers = {name: float(value) for name, value in values.items()}
        except Exception:
            outcome.errors[REFUSED] = outcome.errors.get(REFUSED, 0) + 1
            continue
        if not numbers:
            outcome.errors[NO_SIGNAL] = outcome.errors.get(NO_SIGNAL, 0) + 1
            continue
        for name, number in numbers.items():
            rows, column = found.setdefault(name, ([], []))
            rows.append(len(decoded))
            column.append(number)
        decoded.append(row)
        outcome.truncated += size < message.length
    outcome.frames = outcome.frames.take(np.array(decoded, np.intp))
    last = {signal.name: signal for signal in message.signals}
    outcome.known_values = {name: np.array(column) for name, (_, column) in found.items()}
    outcome.carried = [(last[name], np.array(rows, np.intp)) for name, (rows, _) in sorted(found.items())]
