"""Decoded batches of one object, put back into one order: by message, signal and time.

A single batch stays in memory. Several go to a temporary folder, signal by signal, and come back in order of time a
bounded number of rows at a time.
"""

from collections.abc import Iterator
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.decode.frames import Decoded
from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.lake import schema

_OPTIONS: Final = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)

_MERGED_ROWS: Final = 1 << 21
"""Rows sorted at a time where batches overlap."""

Name = tuple[str, str]
Times = npt.NDArray[np.int64]


class Spool:
    """The decoded batches of one decoded object.

    Args:
        folder: Where batches go once there are several; empty, and somebody else's to remove.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._first: Decoded | None = None
        self._batches: list[_Batch] = []
        self.report = Report()

    def add(self, decoded: Decoded) -> None:
        """Take the next batch."""
        self.report = self.report + decoded.report if self._first or self._batches else decoded.report
        if not self._first and not self._batches:
            self._first = decoded
            return
        if self._first:
            self._keep(self._first)
            self._first = None
        self._keep(decoded)

    def tables(self) -> Iterator[pa.Table]:
        """The rows of all batches in the decoded order; rows of equal keys in the order of the batches."""
        if not self._batches:
            yield self._first.table if self._first else schema.DECODED.empty_table()
            return
        for stats in self.report.signals:
            yield from _in_time(self._batches, (stats.message, stats.signal))

    def _keep(self, decoded: Decoded) -> None:
        self._folder.mkdir(exist_ok=True)
        self._batches.append(_Batch(self._folder / f"{len(self._batches)}.arrow", decoded))


class _Batch:
    """One batch on disk: an Arrow IPC file with one record batch per signal."""

    def __init__(self, path: Path, decoded: Decoded) -> None:
        self._path = path
        self.spans: dict[Name, tuple[int, int]] = {}
        self._numbers: dict[Name, int] = {}
        start = 0
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, schema.DECODED, options=_OPTIONS) as out,
        ):
            for number, stats in enumerate(decoded.report.signals):
                part = decoded.table.slice(start, stats.rows).combine_chunks()
                out.write_batch(part.to_batches()[0])
                name = (stats.message, stats.signal)
                self.spans[name] = (stats.first_ns, stats.last_ns)
                self._numbers[name] = number
                start += stats.rows

    def read(self, name: Name) -> pa.Table:
        """The rows of one signal."""
        return pa.Table.from_batches([self._reader.get_batch(self._numbers[name])])

    @cached_property
    def _reader(self) -> pa.ipc.RecordBatchFileReader:
        return pa.ipc.open_file(pa.OSFile(str(self._path), "rb"))


def _in_time(batches: list[_Batch], name: Name) -> Iterator[pa.Table]:
    """One signal's rows in order of time: batch by batch where the batches follow each other, else merged."""
    batches = [batch for batch in batches if name in batch.spans]
    if all(before.spans[name][1] <= after.spans[name][0] for before, after in pairwise(batches)):
        for batch in batches:
            yield batch.read(name)
        return
    times = np.concatenate([_times(batch.read(name)) for batch in batches])
    times.sort()
    edges = np.unique(times[::_MERGED_ROWS])
    for low, high in zip(edges, [*edges[1:], None], strict=True):
        yield _merged(batches, name, low, high)


def _merged(batches: list[_Batch], name: Name, low: np.int64, high: np.int64 | None) -> pa.Table:
    """One signal's rows of all batches from one time up to another, or to the end; of equal times in batch order."""
    found = []
    for batch in batches:
        first, last = batch.spans[name]
        if low <= last and (high is None or first < high):
            rows = batch.read(name)
            times = _times(rows)
            start = int(np.searchsorted(times, low))
            stop = len(times) if high is None else int(np.searchsorted(times, high))
            found.append(rows.slice(start, stop - start))
    together = pa.concat_tables(found).unify_dictionaries().combine_chunks()
    return together.take(pa.array(np.argsort(_times(together), kind="stable")))


def _times(rows: pa.Table) -> Times:
    times: Times = rows["timestamp"].cast(pa.int64()).to_numpy()
    return times
