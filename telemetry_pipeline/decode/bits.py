"""Where a signal lies in a payload, and how its bits become a number, for many frames at once.

Knows nothing about messages, multiplexers or DBC files; it is given bit positions and scales.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Values = npt.NDArray[np.float64]

BLOCK: Final = 16_384
"""Rows worked on at a time: their words stay in the second-level cache."""

_EXACT_FLOAT: Final = 1 << 53
_EXACT_INT: Final = 1 << 63
SMALLEST_SAFE_SCALE: Final = 1e-290
_FLOAT_LENGTHS: Final = (16, 32, 64)


@dataclass(frozen=True, slots=True)
class Field:
    """The bits of one signal.

    Attributes:
        big_endian: Motorola byte order.
        first_bit: Intel: number of the least significant bit, counting from byte 0, bit 0. Motorola: number of
            the most significant bit in the order of transmission, so that bit 0 is the top bit of byte 0.
        length: Bits.
        signed: Two's complement.
        is_float: IEEE 754 of 16, 32 or 64 bits.
        byte: Where a 64-bit load that holds the field begins; fields of neighbours share it where they can.
        shift: Bits before the field in that load, on the side that its byte order counts from.
    """

    big_endian: bool
    first_bit: int
    length: int
    signed: bool
    is_float: bool
    byte: int
    shift: int

    @classmethod
    def at(cls, *, start: int, length: int, big_endian: bool, signed: bool, is_float: bool) -> Self:
        """The field of a DBC start bit: of the least significant bit (Intel) or the most significant (Motorola)."""
        first_bit = 8 * (start // 8) + 7 - start % 8 if big_endian else start
        byte = 8 * (first_bit // 64)
        if first_bit - 8 * byte + length > 64:
            byte = first_bit // 8
        return cls(
            big_endian, first_bit, length, signed and not is_float, is_float, byte, first_bit - 8 * byte
        )

    @property
    def end_bit(self) -> int:
        """Payload bits that must be there for the field to be whole, as cantools' `allow_truncated` counts them."""
        return self.first_bit + self.length

    @property
    def straddles(self) -> bool:
        """Whether one 64-bit load is not enough: 58 to 64 bits that touch nine bytes."""
        return self.shift + self.length > 64

    @property
    def wide(self) -> bool:
        """Whether it is longer than a machine word."""
        return self.length > 64

    def fault(self, payload_length: int) -> str | None:
        """Why the field cannot be read from a payload of `payload_length` bytes, or None if it can."""
        if self.is_float and self.length not in _FLOAT_LENGTHS:
            return f"a float of {self.length} bits"
        if self.first_bit < 0 or self.end_bit > 8 * payload_length:
            return f"does not fit in {payload_length} bytes"
        return None


class Rounding(Enum):
    """Which arithmetic gives exactly `float(raw * scale + offset)` as Python's numbers do."""

    NONE = "the raw value itself"
    FLOAT = "float64 throughout"
    INT = "exact in int64, rounded once at the end"
    INT_THEN_FLOAT = "product exact in int64, then a float offset"
    PYTHON = "integers beyond int64: Python's own"


@dataclass(frozen=True, slots=True)
class Scaling:
    """Scale and offset of one signal, with the arithmetic that rounds as cantools does."""

    rounding: Rounding
    scale: int | float
    offset: int | float

    @classmethod
    def of(cls, scale: float, offset: float, field: Field) -> Self:
        """Choose the arithmetic, by the rules of cantools' `BaseConversion.factory`.

        1 and 0 change nothing; scale and offset without a fraction (2.0 counts) are Python integers unless the
        raw value is a float; otherwise `raw * scale + offset` follows Python's mixed arithmetic.

        Raises:
            OverflowError: Some raw value gives a number beyond float64.
        """
        if not field.is_float and _is_whole(scale) and _is_whole(offset):
            scale, offset = int(scale), int(offset)
        if field.is_float:
            unchanged = (scale, offset) == (1, 0)
            return cls(Rounding.NONE if unchanged else Rounding.FLOAT, float(scale), float(offset))
        reach = (1 << (field.length - field.signed)) * abs(scale) + abs(offset)
        float(reach)  # values beyond float64 have no place in the table
        if field.wide:
            return cls(Rounding.PYTHON, scale, offset)
        if (scale, offset) == (1, 0):
            return cls(Rounding.NONE, 1, 0)
        if isinstance(scale, int) and reach >= _EXACT_FLOAT:
            if reach >= _EXACT_INT:
                return cls(Rounding.PYTHON, scale, offset)
            return cls(Rounding.INT if isinstance(offset, int) else Rounding.INT_THEN_FLOAT, scale, offset)
        return cls(Rounding.FLOAT, float(scale), float(offset))


def read_values(field: Field, scaling: Scaling, words: Words, following: Words | None, out: Values) -> None:
    """Physical values of one signal.

    Args:
        field: Its bits; not wide.
        scaling: Its scale and offset.
        words: For each frame the eight bytes from `field.byte` on as uint64, shape (n,), already byte-swapped for a
            big-endian field.
        following: For each frame the byte after those eight as uint64, when the field straddles; else None.
        out: Where the n values go.
    """
    scratch = np.empty(min(len(words), BLOCK), np.uint64)
    for start in range(0, len(words), BLOCK):
        block = slice(start, start + BLOCK)
        raw = _raw(field, words[block], None if following is None else following[block], scratch)
        _scale(field, scaling, raw, out[block])


def _is_whole(number: float) -> bool:
    return isinstance(number, int) or number.is_integer()


def read_wide(field: Field, scaling: Scaling, payloads: list[bytes], out: Values) -> None:
    """Physical values of a field of more than 64 bits, one frame at a time in Python integers."""
    byte, shift = divmod(field.first_bit, 8)
    size = (shift + field.length + 7) // 8
    mask, sign = (1 << field.length) - 1, 1 << (field.length - 1)
    for row, payload in enumerate(payloads):
        part = payload[byte : byte + size]
        if field.big_endian:
            raw = int.from_bytes(part, "big") >> (8 * size - shift - field.length) & mask
        else:
            raw = int.from_bytes(part, "little") >> shift & mask
        if field.signed and raw & sign:
            raw -= mask + 1
        out[row] = float(raw * scaling.scale + scaling.offset)


def _raw(field: Field, words: Words, following: Words | None, scratch: Words) -> Words:
    """The raw values, sign-extended when signed; the result may be `words` itself or `scratch`."""
    raw = scratch[: len(words)]
    shift = np.uint64(field.shift)
    unused = 64 - field.length
    if following is not None:
        if field.big_endian:
            np.left_shift(words, shift, out=raw)
            np.bitwise_or(raw, following >> (np.uint64(8) - shift), out=raw)
        else:
            np.right_shift(words, shift, out=raw)
            np.bitwise_or(raw, following << (np.uint64(64) - shift), out=raw)
            np.left_shift(raw, np.uint64(unused), out=raw)
    elif up := field.shift if field.big_endian else unused - field.shift:
        np.left_shift(words, np.uint64(up), out=raw)
    else:
        raw = words
    if unused:
        target = scratch[: len(words)]
        if field.signed:
            np.right_shift(raw.view(np.int64), np.int64(unused), out=target.view(np.int64))
        else:
            np.right_shift(raw, np.uint64(unused), out=target)
        raw = target
    return raw


def _scale(field: Field, scaling: Scaling, raw: Words, out: Values) -> None:
    rounding = scaling.rounding
    if rounding is Rounding.PYTHON:
        whole = raw.view(np.int64) if field.signed else raw
        out[...] = [float(number * scaling.scale + scaling.offset) for number in whole.tolist()]
        return
    if rounding in (Rounding.INT, Rounding.INT_THEN_FLOAT):
        product = raw.view(np.int64) * np.int64(scaling.scale)
        if rounding is Rounding.INT:
            product += np.int64(scaling.offset)
            out[...] = product
        else:
            out[...] = product
            out += scaling.offset
        return
    if field.is_float:
        _as_float(field, raw, out)
    elif field.length == 64 and not field.signed:
        out[...] = raw
    else:
        out[...] = raw.view(np.int64)  # below 2**63, and the signed conversion is the cheap one
    if rounding is Rounding.FLOAT:
        if scaling.scale != 1:
            out *= scaling.scale
        # adding 0 turns -0.0 into 0.0, as Python does; an integer times a sane positive scale is never -0.0
        if scaling.offset != 0 or field.is_float or scaling.scale < SMALLEST_SAFE_SCALE:
            out += scaling.offset


def _as_float(field: Field, raw: Words, out: Values) -> None:
    if field.length == 64:
        out[...] = raw.view(np.float64)
    elif field.length == 32:
        out[...] = raw.astype(np.uint32).view(np.float32)
    else:
        out[...] = raw.astype(np.uint16).view(np.float16)
        missing = np.isnan(out)
        if missing.any():  # bitstruct keeps only the sign of a half-precision NaN
            out[missing] = np.copysign(np.nan, out[missing])
