"""A Parquet object put together from column chunks, where equal chunks are written once and pointed at from every row group.

A footer says for each row group where its column chunks lie, and nothing says that no two may lie in one place. What
the columns are is the caller's business.
"""

import io
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.lake import thrift
from telemetry_pipeline.lake.thrift import BINARY, I64, LIST, STRUCT, Items, Struct, struct_of

_MAGIC: Final = b"PAR1"

# fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData in parquet.thrift
_ROWS, _GROUPS, _KEY_VALUES = 3, 4, 5
_COLUMNS = 1
_META = 3
_PATH, _DATA_PAGE, _DICTIONARY_PAGE = 3, 9, 11
_SIZE, _PACKED_SIZE = 6, 7
_ENCODING_STATS, _SIZE_STATS = 13, 16


@dataclass(frozen=True)
class Chunk:
    """A column chunk: its pages, and its ColumnMetaData with offsets from the chunk's own start.

    Attributes:
        pages: The encoded pages; empty once they are in a file.
        meta: What the footer says of them.
        at: Where the pages lie in the file, once they do.
    """

    pages: bytes | memoryview
    meta: Struct
    at: int = -1


def encode(table: pa.Table, **options: Any) -> list[Chunk]:  # noqa: ANN401  ParquetWriter's own
    """Encode a table as one row group; a chunk per column.

    Args:
        table: At least one row.
        options: As `pyarrow.parquet.ParquetWriter` takes them.
    """
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, store_schema=False, **options) as writer:
        writer.write_table(table, row_group_size=table.num_rows)
    body = memoryview(sink.getvalue())
    (group,) = _footer(body)[_GROUPS].values
    chunks = []
    for column in group[_COLUMNS].values:
        meta: Struct = column[_META]
        begin = meta[_DATA_PAGE] if meta.get(_DICTIONARY_PAGE) is None else meta[_DICTIONARY_PAGE]
        for number in (_DATA_PAGE, _DICTIONARY_PAGE):
            if number in meta.fields:
                meta.fields[number] = (I64, meta[number] - begin)
        for number in (_ENCODING_STATS, _SIZE_STATS):
            meta.fields.pop(number, None)
        chunks.append(Chunk(body[begin : begin + meta[_PACKED_SIZE]], meta))
    return chunks


class Assembly:
    """Writes an object chunk by chunk.

    Args:
        sink: Where it goes; written from here on, and not closed.
        columns: What the object's columns are.
    """

    def __init__(self, sink: BinaryIO, columns: pa.Schema) -> None:
        self._sink = sink
        self._at = 0
        self._rows = 0
        self._groups: list[Struct] = []
        self._footer = Struct(dict(_empty_footer(columns).fields))
        self._write(_MAGIC)

    def place(self, chunk: Chunk) -> Chunk:
        """Write a chunk's pages; what comes back may stand in any number of row groups of its number of rows."""
        placed = replace(chunk, pages=b"", at=self._at)
        self._write(chunk.pages)
        return placed

    def add_group(self, rows: int, chunks: Sequence[Chunk]) -> None:
        """Add a row group of placed chunks, in the order of the columns."""
        columns = [struct_of((2, I64, 0), (_META, STRUCT, _moved(chunk))) for chunk in chunks]
        sizes = [
            (number, I64, sum(chunk.meta[field] for chunk in chunks))
            for number, field in ((2, _SIZE), (6, _PACKED_SIZE))
        ]
        begin = min(chunk.at for chunk in chunks)
        self._groups.append(
            struct_of((_COLUMNS, LIST, Items(STRUCT, columns)), (3, I64, rows), (5, I64, begin), *sizes)
        )
        self._rows += rows

    def close(self, footer: Mapping[str, str]) -> int:
        """Write the footer with these entries; returns the object's size in bytes."""
        entries = [
            struct_of((1, BINARY, key.encode()), (2, BINARY, text.encode())) for key, text in footer.items()
        ]
        fields = self._footer.fields
        fields[_ROWS] = (I64, self._rows)
        fields[_GROUPS] = (LIST, Items(STRUCT, self._groups))
        fields[_KEY_VALUES] = (LIST, Items(STRUCT, entries))
        body = thrift.write_struct(self._footer)
        self._write(body + struct.pack("<I", len(body)) + _MAGIC)
        self._sink.flush()
        return self._at

    def _write(self, data: bytes | memoryview) -> None:
        self._sink.write(data)
        self._at += len(data)


def _moved(chunk: Chunk) -> Struct:
    fields = dict(chunk.meta.fields)
    for number in (_DATA_PAGE, _DICTIONARY_PAGE):
        if number in fields:
            fields[number] = (I64, fields[number][1] + chunk.at)
    return Struct(fields)


@lru_cache(maxsize=16)
def _empty_footer(columns: pa.Schema) -> Struct:
    """The footer of an object without rows."""
    empty = io.BytesIO()
    pq.write_table(columns.empty_table(), empty, store_schema=False)
    return thrift.written(_footer(empty.getvalue()))


def _footer(body: bytes | memoryview) -> Struct:
    (size,) = struct.unpack("<I", body[-8:-4])
    return thrift.read_struct(bytes(body[-8 - size : -8]))[0]
