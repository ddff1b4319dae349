"""Physical values to payload bytes, many frames at once.

The bit layout follows cantools, frame by frame; which values a frame carries is not decided here.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from cantools.database.can import Message, Signal

MAX_BITS: Final = 64
"""The longest signal that is packed; longer ones (text, keys) keep zeros."""

Values = npt.NDArray[np.float64]
_FLOAT_TYPES: Final = {16: ("<f2", "<u2"), 32: ("<f4", "<u4"), 64: ("<f8", "<u8")}


def encode_frames(message: "Message", values: Mapping[str, Values], rows: int) -> npt.NDArray[np.uint8]:
    """Pack physical values into the payloads of one message.

    Values are rounded to the nearest raw value (half to even) and clipped to the signal's range and to what its
    bits can hold. Bits of signals without values are 0.

    Args:
        message: The message, as cantools read it from a DBC.
        values: By signal name, `rows` physical values (float64, without NaN) each. Of a multiplexed message:
            the multiplexer and the signals that it selects.
        rows: How many frames.

    Returns:
        uint8 of shape (rows, message.length).
    """
    payload = np.zeros((rows, message.length), np.uint8)
    for signal in message.signals:
        if signal.name in values and can_encode(message, signal):
            _place(payload, signal, _raw_bits(signal, values[signal.name]))
    return payload


def can_encode(message: "Message", signal: "Signal") -> bool:
    """Whether a signal has at most 64 bits, all of them within its message (leniently read databases have others)."""
    if signal.length > MAX_BITS:
        return False
    shifts = _shifts(signal)
    return min(shifts) >= 0 and max(shifts) < message.length


def signal_range(signal: "Signal") -> tuple[float, float]:
    """The smallest and largest physical value that a signal may take, finite.

    The declared range within what the bits can hold; the bits alone if no usable range is declared. Floating
    point signals without a range get raw values of ±1000.
    """
    bits = signal.length - (1 if signal.is_signed else 0)
    lowest = -(2.0**bits) if signal.is_signed else 0.0
    raw_edges = (-1000.0, 1000.0) if signal.is_float else (lowest, 2.0**bits - 1)
    low, high = sorted(raw * signal.scale + signal.offset for raw in raw_edges)
    # an undeclared side, or an empty range, says nothing
    minimum = low if signal.minimum is None else float(signal.minimum)
    maximum = high if signal.maximum is None else float(signal.maximum)
    if not minimum < maximum:
        return low, high
    if signal.is_float:
        return minimum, maximum
    within = max(low, minimum), min(high, maximum)
    return within if within[0] <= within[1] else (low, high)


def _raw_bits(signal: "Signal", values: Values) -> npt.NDArray[np.uint64]:
    """Physical values as the signal's bits, in the low end of uint64."""
    low, high = signal_range(signal)
    clipped = np.clip(values, low, high)
    raw = (clipped - signal.offset) / signal.scale
    if signal.is_float:
        as_float, as_bits = _FLOAT_TYPES[signal.length]
        word: npt.NDArray[np.uint64] = raw.astype(as_float).view(as_bits).astype(np.uint64)
        return word
    bits = signal.length - (1 if signal.is_signed else 0)
    # the largest float64 below 2**63 or 2**64: the next one would not fit the integer it is cast to
    ceiling = min(2.0**bits - 1, np.nextafter(2.0**bits, 0)) if bits > 53 else 2.0**bits - 1
    whole = np.clip(np.rint(raw), -(2.0**bits) if signal.is_signed else 0, ceiling)
    word = whole.astype(np.int64).view(np.uint64) if signal.is_signed else whole.astype(np.uint64)
    masked: npt.NDArray[np.uint64] = word & np.uint64((1 << signal.length) - 1)
    return masked


def _place(payload: npt.NDArray[np.uint8], signal: "Signal", word: npt.NDArray[np.uint64]) -> None:
    """Put the bits of one signal into their bytes."""
    for byte, shift in _shifts(signal).items():
        moved = word >> np.uint64(shift) if shift >= 0 else word << np.uint64(-shift)
        payload[:, byte] |= moved.astype(np.uint8)


def _shifts(signal: "Signal") -> dict[int, int]:
    """How far right a signal's bits move to meet each of its bytes (left if negative).

    DBC numbers a byte's bits 7 (highest) to 0; `start` is the lowest bit of an Intel signal and the highest of
    a Motorola one, whose further bits go down within the byte and on into the next.
    """
    if signal.byte_order == "little_endian":
        first, last = signal.start // 8, (signal.start + signal.length - 1) // 8
        return {byte: 8 * byte - signal.start for byte in range(first, last + 1)}
    highest = 8 * (signal.start // 8) + 7 - signal.start % 8
    lowest = highest + signal.length - 1
    return {byte: lowest - (8 * byte + 7) for byte in range(highest // 8, lowest // 8 + 1)}
