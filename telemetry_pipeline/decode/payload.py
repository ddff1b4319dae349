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

    def of_frames(self, rows: Rows) -> "Selected":
        """The payloads of some frames, in their order."""
        return Selected(self, rows)


class Selected:
    """The payloads of the frames of one message.

    Args:
        payloads: The column they are from.
        rows: The frames, shape (n,).
    """

    def __init__(self, payloads: Payloads, rows: Rows) -> None:
        self._payloads = payloads
        self._rows = rows
        self._offsets: npt.NDArray[np.intp] | None = None
        self._words: dict[tuple[int, bool], Words] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def words(self, byte: int, *, big_endian: bool) -> Words:
        """Eight bytes of each payload from `byte` on, as uint64 in the given byte order, shape (n,).

        Bytes behind a payload's end are of no meaning.
        """
        words = self._words.get((byte, big_endian))
        if words is None:
            words = self.words(byte, big_endian=False).byteswap() if big_endian else self._load(byte)
            self._words[byte, big_endian] = words
        return words

    def bytes_at(self, byte: int) -> Words:
        """One byte of each payload, widened to uint64, shape (n,)."""
        found: Words = self._payloads.body[self._at() + byte].astype(np.uint64)
        return found

    def whole(self, length: int) -> list[bytes]:
        """The first `length` bytes from each payload's start, whatever its own length."""
        body = self._payloads.body
        return [body[start : start + length].tobytes() for start in self._at().tolist()]

    def _load(self, byte: int) -> Words:
        if byte == 0 and self._payloads.aligned is not None:
            return self._payloads.aligned[self._rows]
        return self._payloads.windows[self._at() + byte]

    def _at(self) -> npt.NDArray[np.intp]:
        if self._offsets is None:
            width = self._payloads.width
            if width is not None:
                self._offsets = self._rows * width
            else:
                self._offsets = self._payloads.offsets[self._rows].astype(np.intp)
        return self._offsets


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
