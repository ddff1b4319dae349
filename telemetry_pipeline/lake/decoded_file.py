"""Writing one decoded object: names from their runs, values as they are, times as they are or as Arrow packs them.

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
from telemetry_pipeline.lake.packed import plain_doubles, plain_integers
from telemetry_pipeline.lake.parquet import FOOTER_PREFIX
from telemetry_pipeline.lake.row_group import RowGroup, Texts, Times
from telemetry_pipeline.lake.runs import Constants, text_runs

ROW_GROUP_MIN: Final = 131_072
ROW_GROUP_MAX: Final = 1_048_576
"""Row groups end at a signal's end once they hold the minimum, and never hold more than the maximum."""

SIGNAL_ALONE_MIN: Final = 8_192
"""A signal of so many rows has row groups of its own: its times are those of its message's other signals."""

_KEPT_TIMES: Final = 8
"""So many different series of times are kept to be found again: multiplexed signals of a message have several."""

_SIGNALS_PER_MESSAGE: Final = 2
"""From so many on the times of a row group are its messages' times again and again, which packs best as they are."""

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
    if not table.schema.equals(schema.DECODED):
        table = table.cast(schema.DECODED)
    groups: list[RowGroup] = []
    start = 0
    for size in row_group_sizes(runs):
        groups.append(RowGroup.of(table.slice(start, size)))
        start += size
    return write_decoded_groups(groups, lambda: footer)


def write_decoded_groups(groups: Iterable[RowGroup], footer: Callable[[], Mapping[str, str]]) -> bytes:
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
            writer.add(group)
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
        self._times: deque[tuple[Times, Chunk]] = deque(maxlen=_KEPT_TIMES)
        self._constants = Constants(self._out)

    def add(self, group: RowGroup) -> None:
        """Write a row group; at least one row."""
        columns = {name: self._named(name, texts, group.num_rows) for name, texts in group.texts.items()}
        columns["timestamp"] = self._timed(group)
        # no statistics: they cost as much as writing, and nobody prunes by them
        columns["value"] = self._out.place(plain_doubles("value", group.values))
        self._out.add_group(group.num_rows, [columns[name] for name in schema.DECODED.names])

    def close(self, footer: Mapping[str, str]) -> None:
        """Write the footer with these entries of ours."""
        self._out.close({f"{FOOTER_PREFIX}{name}": text for name, text in footer.items()})

    def _timed(self, group: RowGroup) -> Chunk:
        """The times, which the signals of a message have in common."""
        times = group.times[0] if len(group.times) == 1 else np.concatenate(group.times)
        messages, signals = (len(group.texts[name].runs()[0]) for name in ("message_name", "signal_name"))
        if signals >= _SIGNALS_PER_MESSAGE * messages:
            return self._out.place(plain_integers("timestamp", times))
        for known, placed in self._times:
            if known is times or np.array_equal(known, times):
                return placed
        stamps = pa.Array.from_buffers(schema.TIMESTAMP, len(times), [None, pa.py_buffer(times)])
        placed = self._encoded("timestamp", stamps, use_dictionary=False, column_encoding=_DELTA)
        self._times.appendleft((times, placed))
        return placed

    def _named(self, name: str, texts: Texts, rows: int) -> Chunk:
        """Names, by their runs where these are long."""
        codes, counts = texts.runs()
        if len(codes) == 1:
            return self._constants.placed(name, texts.texts[int(codes[0])], rows)
        if texts.counts is None and len(codes) * _ROWS_PER_RUN >= rows:
            return self._encoded(name, texts.column())
        used = np.bincount(codes, minlength=len(texts.texts)) > 0
        if used.all():
            return self._out.place(text_runs(name, texts.texts, codes, counts))
        listed = [text for text, is_used in zip(texts.texts, used.tolist(), strict=True) if is_used]
        return self._out.place(text_runs(name, listed, (np.cumsum(used) - 1)[codes], counts))

    def _encoded(self, name: str, column: pa.Array, **options: object) -> Chunk:
        table = pa.table([column], schema=pa.schema([schema.DECODED.field(name)]))
        (chunk,) = chunks.encode(table, **_ZSTD, **options)
        return self._out.place(chunk)
