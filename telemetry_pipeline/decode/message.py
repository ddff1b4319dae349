"""One message: which of its frames decode, and which frames carry which signal.

Applies multiplexers and short payloads exactly as cantools' `decode(allow_truncated=True)` does. Ids, vehicles and
tables are `frames`' business.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Values, read_values, read_wide
from telemetry_pipeline.decode.message_plan import MessagePlan, SignalPlan
from telemetry_pipeline.decode.payload import Integers, Payloads, Rows, Selected

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
        rows: Its frames that decode, in time order.
        truncated: How many of them are shorter than the message.
        errors: The others, by reason.
        signal_errors: Decoded frames by (signal, reason), for signals that can never be read.
        carried: For each signal with values the positions in `rows` of the frames that carry it, or None for all.
        known_values: Values that were computed on the way, by signal.
    """

    message: MessagePlan
    rows: Rows
    truncated: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    signal_errors: dict[tuple[str, str], int] = field(default_factory=dict)
    carried: list[tuple[SignalPlan, Rows | None]] = field(default_factory=list)
    known_values: dict[str, Values] = field(default_factory=dict)
    payloads: Selected | None = None

    def fill(self, signal: SignalPlan, carried: Rows | None, out: Values) -> None:
        """Write the values of one signal of `carried` to `out`."""
        if signal.name in self.known_values:
            out[...] = self.known_values[signal.name]
        elif self.payloads is not None:
            _read(self.payloads, signal, carried, out)


def sort_out(
    message: MessagePlan, payloads: Payloads, rows: Rows, lengths: Integers | None, *, strict: bool
) -> Outcome:
    """Decide which frames of a message decode and which signals each carries.

    Args:
        message: The message.
        payloads: The payloads of the whole table.
        rows: The message's frames, in time order, shape (n,).
        lengths: Their payload lengths, shape (n,), or None when none is shorter than the message.
        strict: Refuse frames shorter than the message.
    """
    outcome = Outcome(message, rows)
    if message.refusal:
        outcome.errors[message.refusal] = len(rows)
        outcome.rows = rows[:0]
        return outcome
    short = None if lengths is None else lengths < message.length
    if strict and short is not None:
        _drop(outcome, short, TOO_SHORT)
        lengths = short = None
    if message.oracle is not None:
        _ask_cantools(outcome, payloads, lengths)
        return outcome
    frames = _Frames(message, payloads.of_frames(outcome.rows), lengths)
    bad = frames.bad_values() if message.is_multiplexed else []
    roots = [signal for signal in message.signals if signal.parent is None]
    reason = NO_SIGNAL if any(not signal.fault for signal in roots) else NO_FIT
    bad.append((reason, frames.empty(roots)))
    keep: Mask | None = None
    for why, mask in bad:
        if mask is None:
            continue
        new = mask if keep is None else mask & keep
        if new.any():
            outcome.errors[why] = int(new.sum())
            keep = ~mask if keep is None else keep & ~mask
    if keep is not None:
        outcome.rows = outcome.rows[keep]
        lengths = None if lengths is None else lengths[keep]
        frames = _Frames(message, payloads.of_frames(outcome.rows), lengths)
    outcome.payloads = frames.payloads
    outcome.truncated = 0 if lengths is None else int((lengths < message.length).sum())
    for signal, carried in frames.carried():
        count = len(outcome.rows) if carried is None else len(carried)
        if signal.fault and count:
            outcome.signal_errors[signal.name, signal.fault] = count
        elif count:
            outcome.carried.append((signal, carried))
    return outcome


class _Frames:
    """The frames of one message with the multiplexer values among them, computed once."""

    def __init__(self, message: MessagePlan, payloads: Selected, lengths: Integers | None) -> None:
        self._message = message
        self._lengths = lengths
        self._count = len(payloads)
        self._alive: dict[tuple[int | None, tuple[int, ...]], Mask | None] = {}
        self._values: dict[int, Values] = {}
        self.payloads = payloads

    def bad_values(self) -> list[tuple[str, Mask | None]]:
        """For each multiplexer the frames whose value of it is none that exists."""
        found: list[tuple[str, Mask | None]] = []
        for position, signal in enumerate(self._message.signals):
            if signal.known is None or signal.fault:
                continue
            bad = ~_is_in(self._multiplexer(position), signal.known)
            held = self._held(signal)
            found.append((f"unknown value of multiplexer {signal.name}", bad if held is None else bad & held))
        return found

    def empty(self, roots: list[SignalPlan]) -> Mask | None:
        """The frames that hold none of these signals; None when there is no such frame."""
        if not roots:
            return None
        some = np.zeros(self._count, bool)
        for signal in roots:
            if signal.fault:
                continue
            held = self._held(signal)
            if held is None:
                return None
            some |= held
        return ~some

    def carried(self) -> Iterator[tuple[SignalPlan, Rows | None]]:
        """For each signal the frames that carry it, or would if it could be read.

        Signals of the same frames get the same array.
        """
        found: dict[tuple[int | None, tuple[int, ...], int], Rows | None] = {}
        for signal in self._message.signals:
            key = (signal.parent, signal.ids, self._bytes_needed(signal))
            if key not in found:
                held = self._alive_mask(signal) if signal.fault else self._held(signal)
                found[key] = None if held is None else np.flatnonzero(held)
            yield signal, found[key]

    def _bytes_needed(self, signal: SignalPlan) -> int:
        """Bytes that a frame must have to hold the signal; 0 when all frames have enough."""
        return 0 if signal.fault or self._lengths is None else (signal.field.end_bit + 7) // 8

    def _held(self, signal: SignalPlan) -> Mask | None:
        alive = self._alive_mask(signal)
        if self._lengths is None:
            return alive
        whole: Mask = self._lengths >= self._bytes_needed(signal)
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
            values = np.empty(self._count)
            _read(self.payloads, self._message.signals[position], None, values)
            self._values[position] = np.trunc(values, out=values)
        return self._values[position]


def _read(payloads: Selected, signal: SignalPlan, carried: Rows | None, out: Values) -> None:
    bits, scaling = signal.field, signal.scaling
    if scaling is None:
        return
    if bits.wide:
        whole = payloads.whole((bits.end_bit + 7) // 8)
        read_wide(bits, scaling, whole if carried is None else [whole[row] for row in carried.tolist()], out)
        return
    words = payloads.words(bits.byte, big_endian=bits.big_endian)
    following = payloads.bytes_at(bits.byte + 8) if bits.straddles else None
    if carried is not None:
        words = words[carried]
        following = None if following is None else following[carried]
    read_values(bits, scaling, words, following, out)


def _drop(outcome: Outcome, bad: Mask, reason: str) -> None:
    if bad.any():
        outcome.errors[reason] = int(bad.sum())
        outcome.rows = outcome.rows[~bad]


def _is_in(values: Values, ids: tuple[int, ...]) -> Mask:
    if len(ids) == 1:
        return np.equal(values, ids[0])
    if ids[-1] - ids[0] == len(ids) - 1:
        return (values >= ids[0]) & (values <= ids[-1])
    return np.isin(values, np.array(ids, float))


def _ask_cantools(outcome: Outcome, payloads: Payloads, lengths: Integers | None) -> None:
    """Decode frame by frame with cantools itself."""
    message = outcome.message
    found: dict[str, tuple[list[int], list[float]]] = {}
    decoded: list[int] = []
    sizes = payloads.lengths()[outcome.rows]
    offsets = payloads.offsets[outcome.rows]
    for row, (start, size) in enumerate(zip(offsets.tolist(), sizes.tolist(), strict=True)):
        body = payloads.body[start : start + size].tobytes()
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
    outcome.rows = outcome.rows[np.array(decoded, np.intp)]
    last = {signal.name: signal for signal in message.signals}
    for name, (rows, column) in found.items():
        outcome.known_values[name] = np.array(column)
        outcome.carried.append((last[name], np.array(rows, np.intp)))
