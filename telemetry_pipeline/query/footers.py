"""Footers of large objects, read once: what a series object's row groups are, without asking for it again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.index import Run

_CHUNKS: Final = 200_000
"""Column chunks of footers that are remembered: about 500 bytes each."""


@dataclass(frozen=True, slots=True)
class Footer:
    """A footer.

    Attributes:
        metadata: The footer itself.
        edges: How many rows lie before each of its row groups, and after the last.
        first: The first time of each row group, int64 nanoseconds.
        last: The last time of each.
    """

    metadata: pq.FileMetaData
    edges: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    def rows_of(self, runs: Iterable[Run], start_ns: int, end_ns: int) -> int:
        """How many rows of some runs lie in row groups that [start_ns, end_ns) touches."""
        rows = 0
        touched = (self.first < end_ns) & (self.last >= start_ns)
        for run in runs:
            if run.offset is None:
                rows += run.rows
                continue
            inside = np.clip(self.edges, run.offset, run.offset + run.rows)
            rows += int(np.diff(inside)[touched].sum())
        return rows


class Footers:
    """Opens objects by footers that were read before. Safe to use from several threads."""

    def __init__(self) -> None:
        self._known: WeightedCache[ObjectInfo, Footer] = WeightedCache(_CHUNKS)

    def open(self, source: Any, info: ObjectInfo) -> pq.ParquetFile:  # noqa: ANN401  bytes, or a file of any kind
        """Open an object.

        Raises:
            BadRaw: It is not a Parquet file.
        """
        if (footer := self._known.get(info)) is not None:
            return pq.ParquetFile(source, metadata=footer.metadata)
        return parquet.open_object(source, info.key)

    def footer(self, file: pq.ParquetFile, info: ObjectInfo) -> Footer:
        """The footer of an open series object; remembered.

        Raises:
            ValueError: A row group does not say when it begins and ends.
        """
        if (footer := self._known.get(info)) is None:
            groups = [file.metadata.row_group(group) for group in range(file.num_row_groups)]
            footer = Footer(file.metadata, edges_of(file), *_times(groups))
            self._known.put(info, footer, file.metadata.num_row_groups * file.metadata.num_columns + 1)
        return footer


def edges_of(file: pq.ParquetFile) -> NDArray[np.int64]:
    """How many rows lie before each row group of an open object, and after the last."""
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return np.concatenate(([0], np.cumsum(np.array(rows, dtype=np.int64))))


def _times(groups: Sequence[pq.RowGroupMetaData]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    limits = [
        group.column(0).statistics for group in groups
    ]  # the first column of a series object is the time
    if any(limit is None or not limit.has_min_max for limit in limits):
        message = "a row group has no statistics of its times"
        raise ValueError(message)
    ends = [(limit.min_raw, limit.max_raw) for limit in limits]
    first, last = np.array(ends, dtype=np.int64).reshape(-1, 2).T
    return first, last
