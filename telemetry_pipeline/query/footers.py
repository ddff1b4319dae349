"""Footers of objects: where the rows of a signal lie in a file, and when each of its row groups begins and ends.

Those of series objects are large and are kept; what rows say is not known here.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.pages import PlainChunk
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.index import Run
from telemetry_pipeline.query.source import Range, Source

_UNPACKED: Final = 6
"""A footer in memory takes about so many times its bytes in the file."""


class Footer:
    """The footer of one object.

    Args:
        metadata: The footer.

    Attributes:
        metadata: Likewise.
    """

    # of a small object only what its report says is asked for: nothing else is unpacked before
    def __init__(self, metadata: pq.FileMetaData) -> None:
        self.metadata = metadata

    @cached_property
    def edges(self) -> NDArray[np.int64]:
        """How many rows lie before each of its row groups, and after the last."""
        groups = self.metadata.num_row_groups
        sizes = (self.metadata.row_group(group).num_rows for group in range(groups))
        return np.concatenate(([0], np.cumsum(np.fromiter(sizes, np.int64, groups))))

    @cached_property
    def time_column(self) -> int:
        """The number of the column of times, -1 where there is none."""
        return self._number("timestamp")

    @cached_property
    def value_column(self) -> int:
        """The number of the column of values, -1 where there is none."""
        return self._number("value")

    def _number(self, name: str) -> int:
        names = list(self.metadata.schema.names)
        return names.index(name) if name in names else -1

    @cached_property
    def _columns(self) -> pa.Schema:
        return self.metadata.schema.to_arrow_schema()

    @property
    def weight(self) -> int:
        """About how many bytes of memory it takes."""
        return _UNPACKED * int(self.metadata.serialized_size)

    def times_of(self, group: int) -> tuple[int, int] | None:
        """The first and the last time of a row group, int64 nanoseconds; None where it does not say."""
        if self._columns.field(self.time_column).type != schema.TIMESTAMP:
            return None  # statistics are in the column's own unit
        limits = self.metadata.row_group(group).column(self.time_column).statistics
        if limits is None or not limits.has_min_max:
            return None
        return int(limits.min_raw), int(limits.max_raw)

    def groups_of(self, run: Run, start_ns: int, end_ns: int) -> list[int]:
        """The row groups that hold rows of a run and that a range touches, ascending; the run's rows are together."""
        if run.offset is None:
            return []
        first = int(np.searchsorted(self.edges, run.offset, side="right")) - 1
        stop = int(np.searchsorted(self.edges, run.offset + run.rows))
        found = []
        for group in range(first, stop):
            times = self.times_of(group)
            if times is None or (times[0] < end_ns and times[1] >= start_ns):
                found.append(group)
        return found

    def rows_of(self, runs: Iterable[Run], start_ns: int, end_ns: int) -> int:
        """How many rows of some runs lie in row groups that [start_ns, end_ns) touches."""
        rows = 0
        for run in runs:
            if run.offset is None:
                rows += run.rows
                continue
            inside = np.clip(self.edges, run.offset, run.offset + run.rows)
            rows += sum(
                int(inside[group + 1] - inside[group]) for group in self.groups_of(run, start_ns, end_ns)
            )
        return rows

    def times_at(self, group: int) -> Range:
        """Where the times of a row group lie; row groups with the same times may share them."""
        meta = self.metadata.row_group(group).column(self.time_column)
        begin = meta.data_page_offset
        if meta.dictionary_page_offset is not None:
            begin = min(begin, meta.dictionary_page_offset)
        return begin, meta.total_compressed_size

    def values_at(self, group: int) -> PlainChunk | None:
        """Where the values of a row group lie, if they may be read page by page."""
        # optional values have levels before them, which only Arrow reads
        if self.metadata.schema.column(self.value_column).max_definition_level:
            return None
        return PlainChunk.of(self.metadata.row_group(group), self.value_column)


class Footers:
    """Opens objects by footers that were read before. Safe to use from several threads.

    Args:
        kept_bytes: What they may take in memory.
    """

    def __init__(self, kept_bytes: int) -> None:
        self._known: WeightedCache[ObjectInfo, Footer] = WeightedCache(kept_bytes)

    def open(self, source: Source, info: ObjectInfo, *, keep: bool) -> tuple[pq.ParquetFile, Footer]:
        """Open an object.

        Args:
            source: Its bytes.
            info: Which one it is.
            keep: Whether to remember its footer.

        Raises:
            BadRaw: It is not a Parquet file.
            NotFound: It is gone.
            TransientError: The store does not answer.
        """
        if (footer := self._known.get(info)) is not None:
            return pq.ParquetFile(source.arrow, metadata=footer.metadata), footer
        source.fetch_footer()
        file = parquet.open_object(source.arrow, info.key)
        footer = Footer(file.metadata)
        if keep:
            self._known.put(info, footer, footer.weight)
        return file, footer


def edges_of(file: pq.ParquetFile) -> NDArray[np.int64]:
    """How many rows lie before each row group of an open object, and after the last."""
    return Footer(file.metadata).edges


def column_bytes(group: pq.RowGroupMetaData, columns: Iterable[int]) -> int:
    """Compressed bytes of some columns of a row group."""
    return sum(group.column(column).total_compressed_size for column in columns)


READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError, IndexError)
"""What broken pages and footers raise."""
