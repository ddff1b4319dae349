"""Payload bytes of many frames, straight from the Arrow buffers, eight at a time.

Knows offsets and lengths; what the bits mean is `bits`' and `message`'s business.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.bits import Words

Rows = npt.NDArray[np.intp]
Integers = npt.NDArray[np.signedinteger[Any]]

_WORD = 8
_BINARY_MAX = 1 << 31
"""Bytes from which one binary array no longer holds a column."""


@dataclass(frozen=True)
class Payloads:
    """The payloads of a column of frames.

    Attributes:
        column: All bytes of the column, without room behind the last frame.
        offsets: Where each frame's payload begins in `column` and `body`, shape (frames + 1,).
        width: Bytes of every frame when all have the same, else None.
        aligned: One word per frame, when every frame has exactly eight bytes; else None.
        reach: Bytes of the longest message that will be read.
    """

    column: npt.NDArray[np.uint8]
    offsets: Integers
    width: int | None
    aligned: Words | None
    reach: int

    @cached_property
    def body(self) -> npt.NDArray[np.uint8]:
        """The same bytes, with room behind the last frame for a load of the longest message."""
        body = np.zeros(len(self.column) + self.reach + 2 * _WORD, np.uint8)
        body[: len(self.column)] = self.column
        return body

    @cached_property
    def windows(self) -> Words:
        """The word that begins at each byte of `body`, overlapping."""
        body = self.body
        return np.lib.stride_tricks.as_strided(
            body[:_WORD].view(np.uint64), shape=(len(body) - _WORD + 1,), strides=(1,), writeable=False
        )

    @classmethod
    def of(cls, column: pa.ChunkedArray, reach: int) -> Self:
        """The payloads of a `binary` column.

        Args:
            column: The column; a null is a payload of no bytes.
            reach: Bytes of the longest message that will be read.
        """
        offset: np.dtype[Any] = np.dtype(np.int32)
        if column.nbytes >= _BINARY_MAX:
            column, offset = column.cast(pa.large_binary()), np.dtype(np.int64)
        array = column.combine_chunks()
        offsets = np.zeros(1, offset)
        if len(array):
            offsets = np.frombuffer(array.buffers()[1], offset)[array.offset : array.offset + len(array) + 1]
        used = np.empty(0, np.uint8)
        if offsets[-1] > offsets[0]:
            used = np.frombuffer(array.buffers()[2], np.uint8)[offsets[0] : offsets[-1]]
            offsets = offsets - offsets[0] if offsets[0] else offsets
        width = _width(offsets)
        aligned = None
        if width == _WORD and used.ctypes.data % _WORD == 0:
            aligned = used.view(np.uint64)
        return cls(used, offsets, width, aligned, reach)

    def lengths(self) -> Integers:
        """Bytes of each payload, shape (frames,)."""
        lengths: Integers = np.diff(self.offsets)
        return lengths

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest payload."""
        if self.width is not None:
            return self.width
        return int(self.lengths().max()) if len(self.offsets) > 1 else 0

    def first_words(self, rows: Rows) -> Words:
        """The first eight bytes of some payloads as uint64, in their order; of no meaning behind a payload's end."""
        if self.aligned is not None:
            return self.aligned.take(rows)
        at = self.offsets.take(rows).astype(np.intp) if self.width is None else rows * self.width
        return self.windows[at]

    def moved(self, body: npt.NDArray[np.uint8], offsets: Integers) -> "Payloads":
        """The same payloads in other memory: a body with room behind it, and the offsets."""
        moved = Payloads(body[: len(self.column)], offsets, self.width, None, self.reach)
        moved.__dict__["body"] = body
        return moved


def _width(offsets: Integers) -> int | None:
    frames = len(offsets) - 1
    if frames < 1:
        return None
    width = int(offsets[1] - offsets[0])
    same = (
        width > 0
        and int(offsets[-1] - offsets[0]) == frames * width
        and bool((np.diff(offsets) == width).all())
    )
    return width if same else None
