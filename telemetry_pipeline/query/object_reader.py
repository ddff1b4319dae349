"""Reading the objects of a lake: which there are, what is in them, and rows of some of their signals.

An object that cannot be read is skipped, counted and logged: it must not hide the rest of the vehicle. What the rows
answer is not known here.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar
from weakref import WeakKeyDictionary

from telemetry_pipeline.errors import BadRaw, NotFound, TransientError, first_line
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query import moment, patience
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.day_index import DayIndex
from telemetry_pipeline.query.footers import READ_ERRORS, Footers
from telemetry_pipeline.query.index import ObjectIndex, Run, index_object
from telemetry_pipeline.query.listing import MAX_AGE_S
from telemetry_pipeline.query.objects import DayObjects, Gone, is_series, partition_of
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.rows import Columns, Opened, Part, Samples, cut, merge, read_runs
from telemetry_pipeline.query.source import open_source
from telemetry_pipeline.query.vehicle_days import Day
from telemetry_pipeline.series.tier_reader import TierReader

_log: Final = logging.getLogger(__name__)

INDEX_BYTES: Final = 64 << 20
"""What the indexes of objects may take in memory."""

RUN_BYTES: Final = 400
"""About what one signal of an index takes."""

_FOOTER_BYTES: Final = 64 << 20
_SAMPLE_BYTES: Final = 48 << 20
_COLUMN_BYTES: Final = 48 << 20
_SAMPLE: Final = 16
_SMALL_RUN: Final = 100_000
"""Rows of a signal in a decoded object, up to which they are kept: whoever looks at now asks for them again and again."""

_BUCKET_THREADS: Final = 16

_ATTEMPTS: Final = 5
"""A question that meets a series object which has just been replaced is asked again, up to so many times in all."""

T = TypeVar("T")

Job = tuple[ObjectInfo, Mapping[SignalName, Run]]
"""An object, and the signals that are wanted of it."""


class ObjectReader:
    """Reads the objects of a lake, several at a time where that pays. Safe to use from several threads.

    Args:
        store: The lake.
        parallel: How many callers may read rows at once; further ones wait.
        max_age_s: How old a listing of a bucket may be.
    """

    def __init__(self, store: Store, parallel: int, max_age_s: float = MAX_AGE_S) -> None:
        self._store = store
        self._gate = threading.BoundedSemaphore(parallel)
        # answers of a bucket are waited for; work on a folder is Python's own, and threads would only take turns
        self._pool = None if store.root else ThreadPoolExecutor(_BUCKET_THREADS, thread_name_prefix="query")
        self._indexes: WeightedCache[ObjectInfo, ObjectIndex | BadRaw] = WeightedCache(INDEX_BYTES)
        self._footers = Footers(_FOOTER_BYTES)
        self._samples: WeightedCache[tuple[ObjectInfo, SignalName], Samples] = WeightedCache(_SAMPLE_BYTES)
        self._columns: Columns = WeightedCache(_COLUMN_BYTES)
        self.overview = TierReader(store, self.spread, max_age_s)
        self.days = DayObjects(store, self.spread, self.overview.note, max_age_s)
        self._day_indexes: WeakKeyDictionary[Day, DayIndex] = WeakKeyDictionary()

    def again(self, ask: Callable[[], T]) -> T:
        """Ask until no series object is replaced while it is read.

        Raises:
            TransientError: There is no end of it.
        """
        for _ in range(_ATTEMPTS):
            try:
                return ask()
            except Gone as gone:
                moment.forget()
                _log.info("asked again: %s was replaced", gone)
        raise TransientError(
            "its series objects are replaced all the time", self._store.url, "Ask again later"
        )

    def indexes(self, objects: Sequence[ObjectInfo]) -> list[ObjectIndex | None]:
        """What is in some objects; None where it cannot be read.

        Raises:
            Gone: One of them is a series object that was replaced, or is broken.
        """
        return self.spread(self._index, objects)

    def day_index(self, day: Day) -> DayIndex:
        """What is in the objects of a day; remembered for as long as the day is.

        Raises:
            Gone: As of `indexes`.
        """
        if (known := self._day_indexes.get(day)) is None:
            objects = self.days.objects(day)
            known = DayIndex(objects, self.indexes(objects))
            if not known.skipped:  # an object that was skipped may be readable the next time
                self._day_indexes[day] = known
        return known

    def most_rows(self, jobs: Sequence[Job], start_ns: int, end_ns: int) -> int:
        """At most so many rows have to be decompressed and kept for a range.

        Raises:
            Gone: As of `indexes`.
        """
        return sum(self.spread(lambda job: self._rows_in(job, start_ns, end_ns), jobs))

    def held_rows(self, jobs: Sequence[Job], start_ns: int, end_ns: int) -> int:
        """About how many rows of a range are kept: of a decoded object, which is read whole, its share of the time.

        Raises:
            Gone: As of `indexes`.
        """
        compacted = [job for job in jobs if is_series(job[0])]
        return self.most_rows(compacted, start_ns, end_ns) + sum(
            run.rows
            * max(min(end_ns, run.last_ns + 1) - max(start_ns, run.first_ns), 0)
            // (run.last_ns + 1 - run.first_ns)
            for info, runs in jobs
            if not is_series(info)
            for run in runs.values()
        )

    def parts(self, jobs: Sequence[Job], start_ns: int, end_ns: int) -> list[Part | None]:
        """The rows of a range from each object; None where it cannot be read.

        Raises:
            Gone: As of `indexes`.
        """
        with self._gate:
            return self.spread(lambda job: self._part(job, start_ns, end_ns), jobs)

    def strays(
        self,
        days: Mapping[Partition, Iterable[ObjectInfo]],
        wanted: Sequence[SignalName],
        span: tuple[int, int],
    ) -> dict[SignalName, Samples]:
        """Those samples of a range that a wrong clock left among the objects of some days, though they are of others.

        Raises:
            Gone: As of `indexes`.
        """
        found: dict[SignalName, list[Samples]] = {}
        start_ns, end_ns = span
        for day, infos in days.items():
            objects = list(infos)
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

    def spread(self, work: Callable[[Any], T], items: Sequence[Any]) -> list[T]:
        """Do something with each of some items, several at a time where that pays, while somebody waits for it.

        Raises:
            TransientError: Nobody waits any more.
        """
        asker = patience.current()

        def wanted(item: Any) -> T:  # noqa: ANN401  whatever is to be done with it
            asker.insist()
            return work(item)

        def elsewhere(item: Any) -> T:  # noqa: ANN401  likewise
            with patience.waiting(asker):
                return wanted(item)

        if self._pool is None or len(items) < 2:
            return [wanted(item) for item in items]
        return list(self._pool.map(elsewhere, items))

    def _rows_in(self, job: Job, start_ns: int, end_ns: int) -> int:
        info, runs = job
        if not is_series(info):
            return sum(run.rows for run in runs.values())
        return self._guarded(info, lambda it: it.footer.rows_of(runs.values(), start_ns, end_ns)) or 0

    def _part(self, job: Job, start_ns: int, end_ns: int) -> Part | None:
        info, runs = job
        if is_series(info) or any(run.offset is None or run.rows > _SMALL_RUN for run in runs.values()):
            return self._guarded(info, lambda it: read_runs(it, runs, start_ns, end_ns))
        known = {name: found for name in runs if (found := self._samples.get((info, name))) is not None}
        missing = {name: run for name, run in runs.items() if name not in known}
        scanned = bytes_scanned = 0
        if missing:
            first = min(run.first_ns for run in missing.values())
            last = max(run.last_ns for run in missing.values())
            part = self._guarded(info, lambda it: read_runs(it, missing, first, last + 1))
            if part is None:
                return None
            for name, samples in part.samples.items():
                known[name] = samples
                for column in samples:
                    column.flags.writeable = False
                self._samples.put((info, name), samples, _SAMPLE * len(samples[0]) + RUN_BYTES)
            scanned, bytes_scanned = part.rows_scanned, part.bytes_scanned
        return Part({name: cut(known[name], start_ns, end_ns) for name in runs}, scanned, bytes_scanned)

    def _index(self, info: ObjectInfo) -> ObjectIndex | None:
        if (found := self._indexes.get(info)) is None:
            found = self._guarded(info, lambda it: self._indexed(it, info))
            if found is not None:
                self._indexes.put(info, found, RUN_BYTES * (len(found.runs) + 10))
        return None if isinstance(found, BadRaw) else found

    def _indexed(self, opened: Opened, info: ObjectInfo) -> ObjectIndex:
        if not is_series(info):  # its footer may not say everything
            opened.source.fetch([(0, info.size)])
        return index_object(opened.file, partition_of(info), info.key)

    def _guarded(self, info: ObjectInfo, use: Callable[[Opened], T]) -> T | None:
        """Use an object; one that is broken, or gone since it was listed, is logged and gives None.

        Raises:
            Gone: It is a series object, or a listing was not right any more: other objects hold its rows.
        """
        try:
            with open_source(self._store, info) as source:
                kept = is_series(info)
                file, footer = self._footers.open(source, info, keep=kept)
                return use(Opened(info, source, file, footer, self._columns if kept else None))
        except BadRaw as error:
            self._replace(info, error)
            self._indexes.put(info, error, RUN_BYTES * 10)  # the same bytes stay broken: say it once
            _log.warning("skipped: %s", error)
        except (NotFound, *READ_ERRORS) as error:
            self._replace(info, error)
            _log.warning("skipped: %s: cannot be read (%s)", info.key, first_line(error))
        return None

    def _replace(self, info: ObjectInfo, error: Exception) -> None:
        """Begin anew where other objects hold the rows of one that cannot be read."""
        if isinstance(error, NotFound | FileNotFoundError):
            self.days.forget(info)
            if is_series(info) or self._store.root is None:  # a listing of a bucket may be a moment old
                raise Gone(info.key) from error
        elif is_series(info):
            self.days.disregard(info)
            _log.warning("its decoded objects answer instead: %s: %s", info.key, error)
            raise Gone(info.key) from error
