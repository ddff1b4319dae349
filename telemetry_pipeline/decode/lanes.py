"""Many signals of the same frames at once: a matrix with one row per signal and one column per frame.

The arithmetic is `bits`'; here it is done for all signals whose raw value is an integer of at most 64 bits that float64
arithmetic scales, which are nearly all. Each of the others gets `bits.read_values` to itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import (
    SMALLEST_SAFE_SCALE,
    Field,
    Rounding,
    Scaling,
    Values,
    Words,
    read_values,
    read_wide,
)
from telemetry_pipeline.decode.payload import Rows
from telemetry_pipeline.decode.selected import Selected
from telemetry_pipeline.lake.memory import empty

BLOCK: Final = 16_384
"""Values worked on at a time: they and their raw values stay in the second-level cache."""

_MANY: Final = 3072
"""Frames from which a call of NumPy for each signal costs less than what a matrix does to the processor's pipeline."""

Lane = tuple[Field, Scaling]
Number = npt.NDArray[np.generic]


class _Row(NamedTuple):
    """One signal's operands, as arrays without dimensions; None where an operation changes nothing."""

    source: int
    up: Number | None
    down: Number
    signed: bool
    scale: Number | None
    offset: Number | None


@dataclass(frozen=True, eq=False)
class Lanes:
    """Signals that the same frames carry, with what their arithmetic needs as columns of shape (signals, 1).

    Attributes:
        lanes: The signals.
        sources: The loads that they need: first byte, and whether it is swapped into Motorola's order.
        source: For each signal the position of its load.
        up: Bits to shift a load up, so that the signal's top bit becomes the word's.
        down: Bits to shift it down again.
        signed: Whether the shift down keeps the sign: of some or of all.
        mask: What is left of each after a shift that keeps the sign.
        mixed: Whether some are signed and others are not, so that the mask changes something.
        scale: Of each.
        scaled: Whether it is not 1 for all.
        offset: Of each.
        shifted: Whether adding the offset changes a value.
        alone: The signals that are not read here.
    """

    lanes: tuple[Lane, ...]
    sources: tuple[tuple[int, bool], ...]
    source: npt.NDArray[np.intp]
    up: Words
    down: Words
    signed: bool
    mask: Words
    mixed: bool
    scale: Values
    scaled: bool
    offset: Values
    shifted: bool
    alone: tuple[int, ...]

    @classmethod
    def of(cls, lanes: Sequence[Lane]) -> Self:
        """Prepare some signals."""
        alone = tuple(row for row, (bits, scaling) in enumerate(lanes) if not _together(bits, scaling))
        sources: dict[tuple[int, bool], int] = {}
        # those that are read alone are read here, too, as anything at all, and written over
        source, up, down, scale, offset = ([number] * len(lanes) for number in (0, 0, 0, 1.0, 0.0))
        signs = {row: bits.signed for row, (bits, _) in enumerate(lanes) if row not in alone}
        adds = False
        for row in signs:
            bits, scaling = lanes[row]
            source[row] = sources.setdefault((bits.byte, bits.big_endian), len(sources))
            down[row] = 64 - bits.length
            up[row] = bits.shift if bits.big_endian else 64 - bits.length - bits.shift
            scale[row], offset[row] = float(scaling.scale), float(scaling.offset)
            adds = adds or _adds(scaling)
        mixed = any(signs.values()) and not all(signs.values())
        masks = [
            (1 << (64 if signs.get(row, True) else bits.length)) - 1 for row, (bits, _) in enumerate(lanes)
        ]
        return cls(
            lanes=tuple(lanes),
            sources=tuple(sources),
            source=np.array(source, np.intp),
            up=np.array(up, np.uint64)[:, None],
            down=np.array(down, np.uint64)[:, None],
            signed=any(signs.values()),
            mask=np.array(masks, np.uint64)[:, None],
            mixed=mixed,
            scale=np.array(scale)[:, None],
            scaled=any(value != 1 for value in scale),
            offset=np.array(offset)[:, None],
            shifted=adds,
            alone=alone,
        )

    def read(self, frames: Selected, rows: Rows | None, out: Values) -> None:
        """Physical values.

        Args:
            frames: The frames of the message.
            rows: Positions of those that carry the signals, shape (n,), or None for all.
            out: Where the values go, shape (signals, n).
        """
        if self.sources:
            loads = []
            for byte, big_endian in self.sources:
                words = frames.words(byte) if rows is None else frames.words(byte).take(rows)
                loads.append(_swapped(words) if big_endian else words)
            if out.shape[1] < _MANY:
                self._read_matrix(loads, out)
            else:
                self._read_rows(loads, out)
        for row in self.alone:
            self.read_alone(row, frames, rows, out[row])

    def read_alone(self, row: int, frames: Selected, rows: Rows | None, out: Values) -> None:
        """Physical values of one signal; see `read`."""
        _read_alone(*self.lanes[row], frames, rows, out)

    def _read_matrix(self, loads: list[Words], out: Values) -> None:
        """All signals by the same few calls."""
        raw = np.stack(loads).take(self.source, axis=0) if len(loads) > 1 else loads[0]
        raw = np.left_shift(raw, self.up)
        whole = raw.view(np.int64)
        if self.signed:
            np.right_shift(whole, self.down.view(np.int64), whole)
            if self.mixed:
                np.bitwise_and(raw, self.mask, raw)
        else:
            np.right_shift(raw, self.down, raw)
        out[...] = whole  # below 2**63, and the signed conversion is the cheap one
        if self.scaled:
            np.multiply(out, self.scale, out)
        if self.shifted:
            np.add(out, self.offset, out)

    def _read_rows(self, loads: list[Words], out: Values) -> None:
        """Signal by signal, a block of frames at a time."""
        scratch: Words = empty(BLOCK, np.uint64)
        for number, row in self._rows:
            load, values = loads[row.source], out[number]
            for start in range(0, len(values), BLOCK):
                part = values[start : start + BLOCK]
                raw = scratch[: len(part)]
                whole = raw.view(np.int64)
                block = load[start : start + BLOCK]
                if row.up is not None:
                    block = np.left_shift(block, row.up, raw)
                if row.signed:
                    np.right_shift(block.view(np.int64), row.down, whole)
                else:
                    np.right_shift(block, row.down, raw)
                part[...] = whole
                if row.scale is not None:
                    np.multiply(part, row.scale, part)
                if row.offset is not None:
                    np.add(part, row.offset, part)

    @cached_property
    def swaps(self) -> npt.NDArray[np.bool_]:
        """Whether each signal's load is swapped into Motorola's order, shape (signals,)."""
        return np.array([bits.big_endian for bits, _ in self.lanes], bool)

    @cached_property
    def beyond(self) -> tuple[int, ...]:
        """The signals that are not in the first word of a payload, and those that are read alone."""
        later = {row for row, (bits, _) in enumerate(self.lanes) if bits.byte}
        return tuple(sorted(later.union(self.alone)))

    @cached_property
    def _rows(self) -> list[tuple[int, _Row]]:
        return [
            (
                number,
                _Row(
                    source=int(self.source[number]),
                    up=self.up[number].reshape(()) if self.up[number, 0] else None,
                    down=self.down[number].view(np.int64 if bits.signed else np.uint64).reshape(()),
                    signed=bits.signed,
                    scale=None if scaling.scale == 1 else np.array(float(scaling.scale)),
                    offset=np.array(float(scaling.offset)) if _adds(scaling) else None,
                ),
            )
            for number, (bits, scaling) in enumerate(self.lanes)
            if number not in self.alone
        ]


def _swapped(words: Words) -> Words:
    swapped: Words = empty(len(words), np.uint64)
    swapped[...] = words.view(">u8")
    return swapped


def _adds(scaling: Scaling) -> bool:
    """Whether adding the offset changes a value.

    Adding 0 turns -0.0 into 0.0, as Python does; an integer times a sane positive scale is never -0.0.
    """
    return scaling.offset != 0 or scaling.scale < SMALLEST_SAFE_SCALE


def _together(bits: Field, scaling: Scaling) -> bool:
    """Whether a signal is read with the others."""
    plain = not (bits.is_float or bits.wide or bits.straddles or (bits.length == 64 and not bits.signed))
    return plain and scaling.rounding in {Rounding.NONE, Rounding.FLOAT}


def _read_alone(bits: Field, scaling: Scaling, frames: Selected, rows: Rows | None, out: Values) -> None:
    if bits.wide:
        whole = frames.whole((bits.end_bit + 7) // 8)
        read_wide(bits, scaling, whole if rows is None else [whole[row] for row in rows.tolist()], out)
        return
    words = frames.words(bits.byte)
    following = frames.bytes_at(bits.byte + 8) if bits.straddles else None
    if rows is not None:
        words = words[rows]
        following = None if following is None else following[rows]
    read_values(bits, scaling, words.byteswap() if bits.big_endian else words, following, out)
