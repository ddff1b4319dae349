"""Pages and what a footer says of them, written for columns that are encoded here rather than by Arrow.

Every page is compressed, as every page of ours is. How pages are read is `pages`' business.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from telemetry_pipeline.lake import thrift
from telemetry_pipeline.lake.chunks import Chunk
from telemetry_pipeline.lake.thrift import BINARY, I32, I64, LIST, STRUCT, TRUE, Items, Struct, struct_of

PLAIN, RLE, RLE_DICTIONARY = 0, 3, 8
"""Encodings, by their numbers in parquet.thrift."""

BYTE_ARRAY: Final = 6
_INT64, _DOUBLE = 2, 5
_ZSTD: Final = 6
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2

_PAGE_BYTES: Final = 1 << 17
"""Values compress as well in pages of this size as in larger ones, and a reader of a few rows unpacks fewer."""

_REPEATING_PAGE_BYTES: Final = 1 << 19
"""As far back as zstd's first level looks for what it has seen before."""

Field = tuple[int, int, Any]


class Page(NamedTuple):
    """One page with its header.

    Attributes:
        body: What is written.
        size: Bytes of the header and of what it stands for.
    """

    body: bytes
    size: int


def data_page(body: Any, rows: int, encoding: int) -> Page:  # noqa: ANN401  any buffer
    """A page of non-null values of a flat column."""
    return _page(body, _DATA_PAGE, 5, [(1, I32, rows), (2, I32, encoding), (3, I32, RLE), (4, I32, RLE)])


def dictionary_page(body: bytes, texts: int) -> Page:
    """A page of the values that others name by number."""
    return _page(body, _DICTIONARY_PAGE, 7, [(1, I32, texts), (2, I32, PLAIN)])


def chunk_of(
    name: str, physical: int, rows: int, pages: Sequence[Page], encodings: Sequence[int], *more: Field
) -> Chunk:
    """A column chunk of compressed pages.

    Args:
        name: The column.
        physical: Its physical type.
        rows: Its values.
        pages: Its pages.
        encodings: Those that occur in them.
        more: Further fields of its ColumnMetaData.
    """
    meta = struct_of(
        (1, I32, physical),
        (2, LIST, Items(I32, list(encodings))),
        (3, LIST, Items(BINARY, [name.encode()])),
        (4, I32, _ZSTD),
        (5, I64, rows),
        (6, I64, sum(page.size for page in pages)),
        (7, I64, sum(len(page.body) for page in pages)),
        *more,
    )
    return Chunk(b"".join([page.body for page in pages]), meta)


def plain_doubles(name: str, values: NDArray[np.float64]) -> Chunk:
    """A chunk of a non-null column of float64, shape (rows,), without statistics."""
    return _plain(name, _DOUBLE, values, _PAGE_BYTES)


def plain_integers(name: str, numbers: NDArray[np.int64]) -> Chunk:
    """A chunk of a non-null column of int64, shape (rows,), at least one, that repeats itself at some distance."""
    smallest, largest = (struct.pack("<q", int(number)) for number in (numbers.min(), numbers.max()))
    return _plain(name, _INT64, numbers, _REPEATING_PAGE_BYTES, (12, STRUCT, statistics(smallest, largest)))


def statistics(smallest: bytes, largest: bytes) -> Struct:
    """The Statistics of a non-null column, whose extremes are known exactly."""
    return struct_of(
        (3, I64, 0), (5, BINARY, largest), (6, BINARY, smallest), (7, TRUE, True), (8, TRUE, True)
    )


def _plain(name: str, physical: int, numbers: NDArray[Any], page_bytes: int, *more: Field) -> Chunk:
    raw = pa.py_buffer(np.ascontiguousarray(numbers))
    pages = []
    for start in range(0, raw.size, page_bytes):
        part = raw.slice(start, min(page_bytes, raw.size - start))
        pages.append(data_page(part, part.size // numbers.itemsize, PLAIN))
    return chunk_of(name, physical, len(numbers), pages, [PLAIN, RLE], (9, I64, 0), *more)


def _page(body: Any, kind: int, header_field: int, header: Sequence[Field]) -> Page:  # noqa: ANN401  any buffer
    packed = _codec().compress(body, asbytes=True)
    head = thrift.write_struct(
        struct_of(
            (1, I32, kind),
            (2, I32, len(body)),
            (3, I32, len(packed)),
            (header_field, STRUCT, struct_of(*header)),
        )
    )
    return Page(head + packed, len(head) + len(body))


@lru_cache(maxsize=1)
def _codec() -> pa.Codec:
    return pa.Codec("zstd", compression_level=1)
