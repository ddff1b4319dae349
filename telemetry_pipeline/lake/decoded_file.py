"""Writing one decoded object: names column by column from their runs, times and values as Arrow encodes them.

What the columns are is `schema`'s business, where the bytes go is `store`'s.
"""

import io
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import BinaryIO, Final

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import chunks, schema
from telemetry_pipeline.lake.chunks import Assembly, Chunk
from telemetry_pipeline.lake.packed import plain_doubles
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX
from telemetry_pipeline.lake.runs import constant, text_runs

ROW_GROUP_MIN: Final = 131_072
ROW_GROUP_MAX: Final = 1_048_576
"""Row groups end at a signal's end once they hold the minimum, and never hold more than the maximum."""

SIGNAL_ALONE_MIN: Final = 8_192
"""A signal of so many rows has row groups of its own: its times are those of its message's other signals."""

_KEPT_TIMES: Final = 8
"""So many different series of times are kept to be found again: multiplexed signals of a message have several."""

_ROWS_PER_RUN: Final = 8
"""A column whose texts change more often than this is encoded row by row: bit by bit it is smaller."""

_DELTA: Final = {"timestamp": "DELTA_BINARY_PACKED"}
_ZSTD: Final = {"compression": "zstd", "compression_level": 1}


def write_decoded(table: pa.Table, runs: Iterable[int], footer: Mapping[str, str]) -> bytes:
    """Write signal values (schema `DECODED`, sorted by message, signal, time) as a decoded object.

    Args:
        table: The rows.
        runs: How many rows each signal has, in the table's order: row groups are cut at these borders.
        footer: Our own footer entries, without their prefix.
    """
    groups: list[pa.Table] = []
    start = 0
    for size in row_group_sizes(runs):
        groups.append(table.slice(start, size))
        start += size
    return write_decoded_groups(groups, lambda: footer)


def write_decoded_groups(groups: Iterable[pa.Table], footer: Callable[[], Mapping[str, str]]) -> bytes:
    """Write signal values that come row group by row group; see `write_decoded`. No more than one of them is held.

    The Arrow schema is not stored: with it, readers take the names for dictionaries and stop pruning row groups.

    Args:
        groups: The rows, in groups of `row_group_sizes`.
        footer: Gives our own footer entries, without their prefix, once all groups are written.
    """
    sink = io.BytesIO()
    writer = _Writer(sink)
    for group in groups:
        if group.num_rows:
            writer.add(group if group.schema.equals(schema.DECODED) else group.cast(schema.DECODED))
    writer.close(footer())
    return sink.getvalue()


def row_group_sizes(runs: Iterable[int]) -> list[int]:
    """Rows of each row group for signals of `runs` rows each: cut at a signal's end, within the limits."""
    sizes: list[int] = []
    held = 0
    for run in runs:
        rows = run
        if held and (rows >= SIGNAL_ALONE_MIN or held + rows > ROW_GROUP_MAX):
            sizes.append(held)
            held = 0
        while rows > ROW_GROUP_MAX:
            sizes.append(ROW_GROUP_MAX)
            rows -= ROW_GROUP_MAX
        held += rows
        if run >= SIGNAL_ALONE_MIN or held >= ROW_GROUP_MIN:
            sizes.append(held)
            held = 0
    if held:
        sizes.append(held)
    return sizes


class _Writer:
    """Writes row groups; what several of them have in common is written once, and all of them point at it."""

    def __init__(self, sink: BinaryIO) -> None:
        self._out = Assembly(sink, schema.DECODED)
        self._times: deque[tuple[pa.ChunkedArray, Chunk]] = deque(maxlen=_KEPT_TIMES)
        self._constants: dict[tuple[str, str, int], Chunk] = {}

    def add(self, group: pa.Table) -> None:
        """Write a row group; at least one row."""
        placed = []
        for column, field in zip(group.columns, schema.DECODED, strict=True):
            if pa.types.is_dictionary(field.type):
                placed.append(self._named(column, field))
            elif field.name == "value":
                # no statistics: they cost as much as writing, and nobody prunes by them
                placed.append(self._out.place(plain_doubles(field.name, column.to_numpy())))
            else:
                placed.append(self._timed(column, field))
        self._out.add_group(group.num_rows, placed)

    def close(self, footer: Mapping[str, str]) -> None:
        """Write the footer with these entries of ours."""
        self._out.close({f"{FOOTER_PREFIX}{name}": text for name, text in footer.items()})

    def _timed(self, column: pa.ChunkedArray, field: pa.Field) -> Chunk:
        """The times, which the signals of a message have in common."""
        for known, placed in self._times:
            if known.equals(column):
                return placed
        placed = self._encoded(column, field, use_dictionary=False, column_encoding=_DELTA)
        self._times.appendleft((column, placed))
        return placed

    def _named(self, column: pa.ChunkedArray, field: pa.Field) -> Chunk:
        """Names, by their runs where these are long."""
        whole = column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)
        codes = whole.indices.to_numpy()
        borders = np.flatnonzero(codes[1:] != codes[:-1]) + 1
        if not len(borders):
            return self._constant(field.name, whole.dictionary[int(codes[0])].as_py(), len(codes))
        if len(borders) * _ROWS_PER_RUN >= len(codes):
            return self._encoded(whole, field)
        starts = np.concatenate([[0], borders])
        counts = np.concatenate([borders, [len(codes)]]) - starts
        texts = whole.dictionary.to_pylist()
        used, positions = np.unique(codes[starts], return_inverse=True)
        if len(used) < len(texts):
            texts = [texts[code] for code in used.tolist()]
        return self._out.place(text_runs(field.name, texts, positions, counts))

    def _constant(self, name: str, text: str, rows: int) -> Chunk:
        key = (name, text, rows)
        if key not in self._constants:
            self._constants[key] = self._out.place(constant(name, text, rows))
        return self._constants[key]

    def _encoded(self, column: pa.ChunkedArray, field: pa.Field, **options: object) -> Chunk:
        (chunk,) = chunks.encode(pa.table([column], schema=pa.schema([field])), **_ZSTD, **options)
        return self._out.place(chunk)
