"""Reading the objects of a lake: which there are, what is in them, and rows of some of their signals.

An object that cannot be read is skipped, counted and logged: it must not hide the rest of the vehicle. What the rows
answer is not known here.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from telemetry_pipeline.errors import BadRaw, NotFound, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.footers import Footers, edges_of
from telemetry_pipeline.query.index import ObjectIndex, Run, index_object
from telemetry_pipeline.query.objects import DayObjects, Gone, is_series, partition_of
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.rows import Part, Samples, merge, read_runs

_log: Final = logging.getLogger(__name__)

INDEXED_RUNS: Final = 400_000
"""Signals of objects that stay indexed in memory: about 200 bytes each."""

_ATTEMPTS: Final = 5
"""A question that meets a series object which has just been replaced is asked again, up to so many times in all."""

T = TypeVar("T")

Job = tuple[ObjectInfo, Mapping[SignalName, Run]]
"""An object, and the signals that are wanted of it."""


class ObjectReader:
    """Reads the objects of a lake, several at a time. Safe to use from several threads.

    Args:
        store: The lake.
        parallel: How many callers may read rows at once; further ones wait.
    """

    def __init__(self, store: Store, parallel: int) -> None:
        self._store = store
        self._gate = threading.BoundedSemaphore(parallel)
        # a folder is bound by the processor, a bucket by its answer times
        workers = min(4, os.cpu_count() or 1) if store.root else 16
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="query")
        self._indexes: WeightedCache[ObjectInfo, ObjectIndex | BadRaw] = WeightedCache(INDEXED_RUNS)
        self._footers = Footers()
        self.days = DayObjects(store, self._map)

    def again(self, ask: Callable[[], T]) -> T:
        """Ask until no series object is replaced while it is read.

        Raises:
            TransientError: There is no end of it.
        """
        for _ in range(_ATTEMPTS):
            try:
                return ask()
            except Gone as gone:
                _log.info("asked again: %s was replaced", gone)
        raise TransientError(
            "its series objects are replaced all the time", self._store.url, "Ask again later"
        )

    def indexes(self, objects: Sequence[ObjectInfo]) -> list[ObjectIndex | None]:
        """What is in some objects; None where it cannot be read.

        Raises:
            Gone: One of them is a series object that was replaced, or is broken.
        """
        unknown = [info for info in objects if self._indexes.get(info) is None]
        if len(unknown) > 1:
            self._map(self._index, unknown)
        return [self._index(info) for info in objects]

    def most_rows(self, jobs: Sequence[Job], start_ns: int, end_ns: int) -> int:
        """At most so many rows have to be decompressed and kept for a range.

        Raises:
            Gone: As of `indexes`.
        """
        return sum(self._map(lambda job: self._rows_in(job, start_ns, end_ns), jobs))

    def parts(self, jobs: Sequence[Job], start_ns: int, end_ns: int) -> list[Part | None]:
        """The rows of a range from each object; None where it cannot be read.

        Raises:
            Gone: As of `indexes`.
        """
        with self._gate:
            return self._map(lambda job: self._part(job, start_ns, end_ns), jobs)

    def strays(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> dict[SignalName, Samples]:
        """Those samples of a range that a wrong clock left among the objects of another day; usually there are none.

        Raises:
            Gone: As of `indexes`.
        """
        found: dict[SignalName, list[Samples]] = {}
        for day, objects in self.days.in_range(vehicle_id, start_ns, end_ns).items():
            before, after = (start_ns, min(day.start_ns, end_ns)), (max(day.end_ns, start_ns), end_ns)
            indexed = list(zip(objects, self.indexes(objects), strict=True))
            for low, high in (before, after):
                jobs = [
                    (info, index.within(wanted, low, high)) for info, index in indexed if index and low < high
                ]
                for part in self.parts([job for job in jobs if job[1]], low, high):
                    for name, samples in part.samples.items() if part else ():
                        if len(samples[0]):
                            found.setdefault(name, []).append(samples)
        return {name: merge(parts) for name, parts in found.items()}

    def _rows_in(self, job: Job, start_ns: int, end_ns: int) -> int:
        info, runs = job
        if not is_series(info):
            return sum(run.rows for run in runs.values())
        found = self._guarded(
            info, lambda file: self._footers.footer(file, info).rows_of(runs.values(), start_ns, end_ns)
        )
        return found or 0

    def _part(self, job: Job, start_ns: int, end_ns: int) -> Part | None:
        info, runs = job

        def rows(file: pq.ParquetFile) -> Part:
            edges = self._footers.footer(file, info).edges if is_series(info) else edges_of(file)
            return read_runs(file, edges, runs, start_ns, end_ns)

        return self._guarded(info, rows)

    def _index(self, info: ObjectInfo) -> ObjectIndex | None:
        if (found := self._indexes.get(info)) is None:
            found = self._guarded(info, lambda file: index_object(file, partition_of(info), info.key))
            if found is not None:
                self._indexes.put(info, found, len(found.runs) + 10)
        return None if isinstance(found, BadRaw) else found

    def _guarded(self, info: ObjectInfo, use: Callable[[pq.ParquetFile], T]) -> T | None:
        """Use an object; one that is broken, or gone since it was listed, is logged and gives None.

        Raises:
            Gone: It is a series object: what it holds can be had from others.
        """
        try:
            with self._source(info.key) as source:
                return use(self._footers.open(source, info))
        except BadRaw as error:
            self._replace(info, error)
            self._indexes.put(info, error, 10)  # the same bytes stay broken: say it once
            _log.warning("skipped: %s", error)
        except (NotFound, pa.ArrowException, OSError, ValueError) as error:
            self._replace(info, error)
            _log.warning("skipped: %s: cannot be read (%s)", info.key, str(error).partition("\n")[0])
        return None

    def _replace(self, info: ObjectInfo, error: Exception) -> None:
        if is_series(info):
            if not isinstance(error, NotFound | FileNotFoundError):
                self.days.disregard(info)
                _log.warning("its decoded objects answer instead: %s: %s", info.key, error)
            raise Gone(info.key) from error

    @contextmanager
    def _source(self, key: str) -> Iterator[Any]:
        if self._store.root is None:
            if key.startswith(layout.SERIES):  # large: only its footer and some columns of it are wanted
                with self._store.open_file(key) as remote:
                    yield remote
            else:
                yield self._store.get(key)
            return
        # read by position rather than mapped: a foreign writer that truncates a mapped file would end the process
        with pa.OSFile(str(self._store.root / key)) as file:
            yield file

    def _map(self, work: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        return [work(items[0])] if len(items) == 1 else list(self._pool.map(work, items))
