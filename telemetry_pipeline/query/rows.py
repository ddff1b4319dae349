"""Rows of one decoded object: the row groups that hold the wanted signals, cut to a range, and merged with others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import schema
from telemetry_pipeline.query.index import Run, to_ns
from telemetry_pipeline.query.reader import SignalName

Samples = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Times (int64 ns, ascending) and as many float64 values."""


@dataclass(frozen=True)
class Part:
    """What one object contributes to an answer, and what reading it took."""

    samples: Mapping[SignalName, Samples]
    rows_scanned: int
    bytes_scanned: int


def read_runs(
    file: pq.ParquetFile,
    edges: NDArray[np.int64],
    runs: Mapping[SignalName, Run],
    start_ns: int,
    end_ns: int,
) -> Part:
    """Read signals of an open object in [start_ns, end_ns).

    Row groups without a wanted row, and columns other than time and value, are not read; only an object whose
    rows are not sorted is read whole.

    Args:
        file: The object.
        edges: The rows before each of its row groups, and after the last.
        runs: The signals.
        start_ns: Where the range begins.
        end_ns: Where it ends; not part of it.

    Raises:
        pyarrow.ArrowException: The object's pages are broken.
        OSError: Likewise, or the file cannot be read.
    """
    if any(run.offset is None for run in runs.values()):
        return _read_scattered(file, runs, start_ns, end_ns)
    pieces: dict[SignalName, list[Samples]] = {name: [] for name in runs}
    rows_scanned = bytes_scanned = 0
    schema_arrow = file.schema_arrow
    time_column = schema_arrow.get_field_index("timestamp")
    # statistics are in the column's own unit
    prunable = schema_arrow.field(time_column).type == schema.TIMESTAMP
    for group in _groups(edges, runs):
        meta = file.metadata.row_group(group)
        group_start, group_end = int(edges[group]), int(edges[group + 1])
        inside = {
            name: (max(run.offset, group_start), min(run.offset + run.rows, group_end))
            for name, run in runs.items()
            if run.offset is not None and run.offset < group_end and run.offset + run.rows > group_start
        }
        if inside and not (prunable and _outside(meta.column(time_column), start_ns, end_ns)):
            table = file.read_row_group(group, columns=["timestamp", "value"], use_threads=False)
            rows_scanned += meta.num_rows
            bytes_scanned += _bytes_of(meta, table.column_names)
            for name, (first, last) in inside.items():
                rows = table.slice(first - group_start, last - first)
                pieces[name].append(_cut(to_ns(rows["timestamp"]), _values(rows["value"]), start_ns, end_ns))
    return Part({name: merge(found) for name, found in pieces.items()}, rows_scanned, bytes_scanned)


def _groups(edges: NDArray[np.int64], runs: Mapping[SignalName, Run]) -> list[int]:
    """The row groups that hold rows of some runs, ascending."""
    found: set[int] = set()
    for run in runs.values():
        if run.offset is not None:
            first = int(np.searchsorted(edges, run.offset, side="right")) - 1
            found.update(range(first, int(np.searchsorted(edges, run.offset + run.rows))))
    return sorted(found)


def merge(parts: Sequence[Samples]) -> Samples:
    """Samples of several objects as one series in time order; of equal times the earlier part comes first."""
    filled = sorted((part for part in parts if len(part[0])), key=lambda part: int(part[0][0]))
    if not filled:
        return np.empty(0, np.int64), np.empty(0, np.float64)
    if len(filled) == 1:
        return filled[0]
    t = np.concatenate([part[0] for part in filled])
    v = np.concatenate([part[1] for part in filled])
    if all(one[0][-1] <= other[0][0] for one, other in pairwise(filled)):
        return t, v
    order = np.argsort(t, kind="stable")
    return t[order], v[order]


def _cut(t: NDArray[np.int64], v: NDArray[np.float64], start_ns: int, end_ns: int) -> Samples:
    first, last = np.searchsorted(t, [start_ns, end_ns])
    return t[first:last], v[first:last]


def _values(column: pa.ChunkedArray) -> NDArray[np.float64]:
    return np.asarray(column.to_numpy(), dtype=np.float64)


def _outside(column: pq.ColumnChunkMetaData, start_ns: int, end_ns: int) -> bool:
    """Whether the statistics of a row group's times say that none of it is in the range."""
    statistics = column.statistics
    if statistics is None or not statistics.has_min_max:
        return False
    return bool(statistics.max_raw < start_ns or statistics.min_raw >= end_ns)


def _bytes_of(meta: pq.RowGroupMetaData, names: Sequence[str]) -> int:
    columns = (meta.column(index) for index in range(meta.num_columns))
    return sum(column.total_compressed_size for column in columns if column.path_in_schema in names)


def _read_scattered(file: pq.ParquetFile, runs: Mapping[SignalName, Run], start_ns: int, end_ns: int) -> Part:
    columns = ["timestamp", "message_name", "signal_name", "value"]
    table = file.read(columns=columns)
    samples: dict[SignalName, Samples] = {}
    for name in runs:
        chosen = pc.and_(pc.equal(table["message_name"], name[0]), pc.equal(table["signal_name"], name[1]))
        rows = table.filter(pc.and_(chosen, pc.is_valid(table["timestamp"])))
        t = to_ns(rows["timestamp"])
        order = np.argsort(t, kind="stable")
        samples[name] = _cut(t[order], _values(rows["value"])[order], start_ns, end_ns)
    groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
    return Part(samples, table.num_rows, sum(_bytes_of(meta, columns) for meta in groups))
