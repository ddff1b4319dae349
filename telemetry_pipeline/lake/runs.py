"""A text column of long runs as a column chunk, written from the runs: no row is looked at one by one.

Sorted tables repeat the same name for thousands of rows. What else a column can be is `chunks.encode`'s business.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.lake.chunks import Assembly, Chunk
from telemetry_pipeline.lake.packed import (
    BYTE_ARRAY,
    PLAIN,
    RLE,
    RLE_DICTIONARY,
    Page,
    chunk_of,
    data_page,
    dictionary_page,
    statistics,
)
from telemetry_pipeline.lake.thrift import I64, STRUCT, varint

Integers = NDArray[np.integer]


def constant(name: str, text: str, rows: int) -> Chunk:
    """A chunk of a non-null text column that says the same in every row."""
    return _chunk_of_runs(name, _listed((text,)), rows, bytes([1]) + varint(rows << 1) + bytes(1))


class Constants:
    """Such chunks of a file, each written once, however many of its row groups have it.

    Args:
        out: The file.
    """

    def __init__(self, out: Assembly) -> None:
        self._out = out
        self._placed: dict[tuple[str, str, int], Chunk] = {}

    def placed(self, name: str, text: str, rows: int) -> Chunk:
        """The chunk of a column that says `text` in each of `rows` rows, where it lies in the file."""
        key = (name, text, rows)
        if key not in self._placed:
            self._placed[key] = self._out.place(constant(name, text, rows))
        return self._placed[key]

    def forget(self) -> None:
        """Write what comes from now on anew."""
        self._placed.clear()


def text_runs(name: str, texts: Sequence[str], codes: Integers, counts: Integers) -> Chunk:
    """A chunk of a non-null text column.

    Each run is one of the hybrid encoding's, whatever its length
    (https://parquet.apache.org/docs/file-format/data-pages/encodings/).

    Args:
        name: The column.
        texts: The texts that occur.
        codes: For each run the position of its text, shape (runs,).
        counts: For each run its rows, shape (runs,), at least one each.
    """
    width = max((len(texts) - 1).bit_length(), 1)
    runs = bytes([width]) + _hybrid(codes, counts, (width + 7) // 8)
    return _chunk_of_runs(name, _listed(tuple(texts)), int(counts.sum()), runs)


class _Listed(NamedTuple):
    """Texts as a dictionary page, and the first and the last of them in the order of their bytes."""

    page: Page
    first: bytes
    last: bytes


def _chunk_of_runs(name: str, listed: _Listed, rows: int, runs: bytes) -> Chunk:
    return chunk_of(
        name,
        BYTE_ARRAY,
        rows,
        [listed.page, data_page(runs, rows, RLE_DICTIONARY)],
        [PLAIN, RLE, RLE_DICTIONARY],
        (9, I64, len(listed.page.body)),
        (11, I64, 0),
        (12, STRUCT, statistics(listed.first, listed.last)),
    )


@lru_cache(maxsize=256)
def _listed(texts: tuple[str, ...]) -> _Listed:
    """Objects of one vehicle have the same names again and again."""
    values = [text.encode() for text in texts]
    body = b"".join([struct.pack("<I", len(value)) + value for value in values])
    return _Listed(dictionary_page(body, len(values)), min(values), max(values))


def _hybrid(codes: Integers, counts: Integers, width: int) -> bytes:
    """Runs of the hybrid encoding, each a number of rows and a code of `width` bytes."""
    heads = counts.astype(np.uint32) << 1
    longest = (int(heads.max()).bit_length() + 6) // 7
    out = np.empty((len(codes), longest + width), np.uint8)
    for byte in range(longest):
        rest = heads >> 7 * byte
        out[:, byte] = rest & 0x7F | (rest > 0x7F) * np.uint32(0x80)
    for byte in range(width):
        out[:, longest + byte] = codes >> 8 * byte & 0xFF
    if longest == 1:
        return out.tobytes()
    used = np.ones(out.shape, bool)
    for byte in range(1, longest):
        used[:, byte] = heads >> 7 * byte > 0
    return out[used].tobytes()
