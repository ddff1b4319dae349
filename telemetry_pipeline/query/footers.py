"""Footers of large objects, read once: what a series object's row groups are, without asking for it again."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.cache import WeightedCache

_CHUNKS: Final = 200_000
"""Column chunks of footers that are remembered: about 500 bytes each."""


@dataclass(frozen=True, slots=True)
class Footer:
    """A footer, and the number of rows before each of its row groups and after the last."""

    metadata: pq.FileMetaData
    edges: NDArray[np.int64]


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

    def edges(self, file: pq.ParquetFile, info: ObjectInfo) -> NDArray[np.int64]:
        """How many rows lie before each row group of an open object, and after the last; remembers its footer."""
        if (footer := self._known.get(info)) is None:
            footer = Footer(file.metadata, edges_of(file))
            self._known.put(info, footer, file.metadata.num_row_groups * file.metadata.num_columns + 1)
        return footer.edges


def edges_of(file: pq.ParquetFile) -> NDArray[np.int64]:
    """How many rows lie before each row group of an open object, and after the last."""
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return np.concatenate(([0], np.cumsum(np.array(rows, dtype=np.int64))))
