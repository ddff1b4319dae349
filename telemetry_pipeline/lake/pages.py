"""Some rows of a column of numbers, without decompressing the pages that hold none of them.

Only for columns as this project writes them: never null, PLAIN, zstd. Whoever asks for another gets None, and reads it
as any Parquet file is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import thrift

# fields of PageHeader and DataPageHeader in parquet.thrift
_KIND, _SIZE, _PACKED_SIZE, _DATA_PAGE = 1, 2, 3, 5
_VALUES, _ENCODING = 1, 2
_V1, _PLAIN = 0, 0
_WIDTH: Final = 8


@dataclass(frozen=True, slots=True)
class PlainChunk:
    """Where a column chunk of PLAIN float64 lies in its file: `size` bytes at `begin`, which hold `rows` values."""

    begin: int
    size: int
    rows: int

    @classmethod
    def of(cls, group: pq.RowGroupMetaData, column: int) -> "PlainChunk | None":
        """The chunk of a column in a row group, or None where it is packed in another way."""
        meta = group.column(column)
        plain = (
            meta.physical_type == "DOUBLE"
            and meta.compression == "ZSTD"
            and set(meta.encodings) <= {"PLAIN", "RLE"}
            and meta.dictionary_page_offset is None
        )
        return cls(meta.data_page_offset, meta.total_compressed_size, group.num_rows) if plain else None


def read_plain(body: bytes, rows: int, wanted: Sequence[tuple[int, int]]) -> list[NDArray[np.float64]] | None:
    """Stretches of the values of a chunk; None where it turns out not to be packed as expected.

    Args:
        body: The bytes of the chunk, from `PlainChunk`.
        rows: How many values it holds.
        wanted: The first row of each stretch and the row after its last, from the beginning of the chunk.

    Raises:
        OSError: A page cannot be decompressed.
        ValueError: The chunk ends too early, or holds no pages.
        IndexError: Likewise.
    """
    found = [np.empty(stop - first, np.float64) for first, stop in wanted]
    end = min(rows, max((stop for _, stop in wanted), default=0))
    codec = pa.Codec("zstd")
    at = row = 0
    while row < end:
        header, begin = thrift.read_struct(body, at)
        page = header.get(_DATA_PAGE)
        if header[_KIND] != _V1 or page is None or page[_ENCODING] != _PLAIN:
            return None
        at = begin + header[_PACKED_SIZE]
        held = page[_VALUES]
        if held < 1 or at < begin:
            return None  # nothing would ever end the loop
        if header[_SIZE] != held * _WIDTH:
            return None  # there is more in it than values: levels of a column that may be null
        touched = [
            (values, first, max(first, row), min(stop, row + held))
            for values, (first, stop) in zip(found, wanted, strict=True)
            if first < row + held and stop > row
        ]
        if touched:
            packed = memoryview(body)[begin:at]
            page_values = np.frombuffer(codec.decompress(packed, decompressed_size=header[_SIZE]), "<f8")
            for values, first, low, high in touched:
                values[low - first : high - first] = page_values[low - row : high - row]
        row += held
    if any(stop > row for _, stop in wanted):
        message = f"a column chunk holds {row} of {rows} values"
        raise ValueError(message)
    return found
