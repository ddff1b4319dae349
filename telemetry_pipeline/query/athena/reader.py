"""The reader that asks Athena for samples, and the lake's footers for everything that they say.

What there is, how much of it, and buckets that an overview holds are read from the lake directly: a footer answers in
milliseconds what a scan answers in seconds. What is left for Athena are rows that are to be seen one by one, and buckets
finer than any tier.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.catalog.tables import DECODED_SIGNALS, SIGNAL_SERIES
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.athena import statement
from telemetry_pipeline.query.athena.catalogue import Catalogue
from telemetry_pipeline.query.athena.clause import fits
from telemetry_pipeline.query.athena.failures import Unreadable
from telemetry_pipeline.query.athena.frames import buckets_of, samples_of
from telemetry_pipeline.query.athena.runner import Fetched, Runner
from telemetry_pipeline.query.athena.sources import Sources, choose
from telemetry_pipeline.query.athena.statement import Statement
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.objects import Gone, is_series
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.query.reader import (
    Answer,
    Buckets,
    Message,
    Series,
    Session,
    Signal,
    SignalName,
    Vehicle,
)
from telemetry_pipeline.query.rows import Samples
from telemetry_pipeline.series.tiers import S_NS, TIERS_S, empty_rows

_log: Final = logging.getLogger(__name__)

_BROKEN_MAX: Final = 20
"""So many objects may turn out to be broken while one question is answered."""

_NONE: Final[Samples] = (np.empty(0, np.int64), np.empty(0, np.float64))

Ask = Callable[[Sources, str, Sequence[SignalName]], Statement]


class AthenaReader:
    """Answers from the tables `signal_series` and `decoded_signals` (see `SignalReader`).

    Args:
        lake: Reads the lake's footers and overviews.
        catalogue: Which partitions Athena knows.
        runner: Runs what is asked.
        store: The lake itself.
        most_rows: So many rows are fetched from Athena at most, all signals together. A result is text, which takes
            about 300 bytes of memory a row before it is numbers; more rows are read from the lake's objects.
    """

    def __init__(
        self,
        lake: ParquetReader,
        catalogue: Catalogue,
        runner: Runner,
        store: Store,
        *,
        most_rows: int = 1_000_000,
    ) -> None:
        self._lake = lake
        self._catalogue = catalogue
        self._runner = runner
        self._store = store
        self._url = store.url.rstrip("/")
        self._most_rows = most_rows

    @property
    def objects(self) -> ObjectReader:
        """The lake's objects, as they are listed for its answers."""
        return self._lake.objects

    def vehicles(self) -> list[Vehicle]:
        """The vehicles, sorted by id, from footers (see `SignalReader`)."""
        return self._lake.vehicles()

    def sessions(self, vehicle_id: str) -> list[Session]:
        """The recording sessions of a vehicle, newest first, from footers (see `SignalReader`)."""
        return self._lake.sessions(vehicle_id)

    def messages(self, vehicle_id: str) -> list[Message]:
        """The messages of a vehicle, sorted by name, from footers (see `SignalReader`)."""
        return self._lake.messages(vehicle_id)

    def signals(self, vehicle_id: str, message: str) -> list[Signal]:
        """The signals of a message, sorted by name, from footers (see `SignalReader`)."""
        return self._lake.signals(vehicle_id, message)

    def count(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> Mapping[SignalName, int]:
        """About how many samples each signal has in the range, from footers (see `SignalReader`)."""
        return self._lake.count(vehicle_id, wanted, start_ns, end_ns)

    def recorded(self, vehicle_id: str, start_ns: int, end_ns: int) -> NDArray[np.int64]:
        """When anything at all was recorded in the range, from footers (see `SignalReader`)."""
        return self._lake.recorded(vehicle_id, start_ns, end_ns)

    def read(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """Every sample of the wanted signals in [start_ns, end_ns), from Athena (see `SignalReader`)."""
        counts = self._lake.count(vehicle_id, wanted, start_ns, end_ns)
        if sum(counts.values()) > self._most_rows:
            return self._lake.read(vehicle_id, wanted, start_ns, end_ns)

        def ask(sources: Sources, url: str, names: Sequence[SignalName]) -> Statement:
            return statement.samples(sources, url, names, start_ns, end_ns)

        found = self._asked(vehicle_id, counts, (start_ns, end_ns), ask)
        if found is None:
            return self._lake.read(vehicle_id, wanted, start_ns, end_ns)
        fetched, skipped = found
        samples, units = samples_of(fetched.frame) if fetched else ({}, {})
        units |= self._other_units(vehicle_id, [name for name in counts if name not in units])
        series = [Series(*name, units[name], *samples.get(name, _NONE)) for name in wanted]
        return Answer(series, *_cost(fetched, sum(len(t) for t, _ in samples.values())), skipped)

    def look(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """A few minutes of samples, from the lake: an answer takes several of them, and a query seconds."""
        return self._lake.read(vehicle_id, wanted, start_ns, end_ns)

    def buckets(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int, width_ns: int
    ) -> Buckets:
        """The samples of a range, summed up: from overviews where these hold it, else by Athena (see `SignalReader`)."""
        if width_ns % (TIERS_S[0] * S_NS) == 0 and self._is_compacted(vehicle_id, start_ns, end_ns):
            return self._lake.buckets(vehicle_id, wanted, start_ns, end_ns, width_ns)
        counts = self._lake.count(vehicle_id, wanted, start_ns, end_ns)

        def ask(sources: Sources, url: str, names: Sequence[SignalName]) -> Statement:
            return statement.buckets(sources, url, names, start_ns, end_ns, width_ns=width_ns)

        found = self._asked(vehicle_id, counts, (start_ns, end_ns), ask)
        if found is None:
            return self._lake.buckets(vehicle_id, wanted, start_ns, end_ns, width_ns)
        fetched, skipped = found
        rows, units = buckets_of(fetched.frame) if fetched else ({}, {})
        units |= self._other_units(vehicle_id, [name for name in counts if name not in units])
        scanned = _cost(fetched, sum(int(part.count.sum()) for part in rows.values()))
        return Buckets(
            {name: rows.get(name, empty_rows()) for name in counts}, units, width_ns, *scanned, skipped
        )

    def _is_compacted(self, vehicle_id: str, start_ns: int, end_ns: int) -> bool:
        """Whether all days of a range, but for one at most, are in the overview: today never is."""
        days = self._lake.objects.days.days(vehicle_id, start_ns, end_ns)
        return sum(day.series is None for day in days) <= 1

    def _asked(
        self, vehicle_id: str, counts: Mapping[SignalName, int], span: tuple[int, int], ask: Ask
    ) -> tuple[Fetched | None, int] | None:
        """What Athena says and how many objects were skipped; None where the lake itself has to be asked.

        Signals without a sample, of which no footer speaks, are not asked for.
        """
        names = [name for name, rows in counts.items() if rows and all(fits(text) for text in name)]
        return self._lake.objects.again(lambda: self._ask(vehicle_id, names, span, ask))

    def _ask(
        self, vehicle_id: str, names: Sequence[SignalName], span: tuple[int, int], ask: Ask
    ) -> tuple[Fetched | None, int] | None:
        listed = self._lake.objects.days.in_range(vehicle_id, *span)
        objects = [info for infos in listed.values() for info in infos]
        decoded = [info for info in objects if not is_series(info)]
        indexed = self._lake.objects.indexes(decoded)
        broken = {info.key for info, index in zip(decoded, indexed, strict=True) if index is None}
        most = len(broken) + _BROKEN_MAX
        while names:
            sources = self._sources(vehicle_id, span, listed, broken)
            if sources is None:
                return None
            if not sources.days:
                break
            try:
                fetched = self._runner.run(ask(sources, self._url, names))
            except Unreadable as error:
                broken.add(self._broken(error, objects, names, span))
                if len(broken) > most:
                    raise
                continue
            self._refuse_replaced([info for info in objects if is_series(info)])
            return fetched, len(broken)
        return None, len(broken)

    def _sources(
        self,
        vehicle_id: str,
        span: tuple[int, int],
        listed: Mapping[Partition, Sequence[ObjectInfo]],
        broken: set[str],
    ) -> Sources | None:
        """Where the rows are for Athena; None where it does not know all of their partitions."""
        days = Partition.containing(vehicle_id, span[0]), Partition.containing(vehicle_id, span[1] - 1)
        sources = choose(vehicle_id, days, listed, broken)
        if sources.series:
            unknown = set(sources.series)
            if self._catalogue.has(SIGNAL_SERIES):
                unknown = self._catalogue.unknown(SIGNAL_SERIES, sources.series)
            if unknown:
                sources = choose(vehicle_id, days, listed, broken, unknown)
        needed = {*sources.decoded, *sources.late}
        if needed and (unknown := self._catalogue.unknown(DECODED_SIGNALS, needed)):
            _log.warning(
                "answered from the lake: the catalogue does not know %d days of %s (%s …): telemetry catalog sync",
                len(unknown),
                vehicle_id,
                min(unknown).date,
            )
            return None
        return sources

    def _refuse_replaced(self, series: Sequence[ObjectInfo]) -> None:
        """A series object that was replaced while Athena read has no rows in the answer.

        Raises:
            Gone: There is one: the question begins anew.
        """
        found = self._lake.objects.spread(lambda info: self._store.head(info.key), series)
        for info, now in zip(series, found, strict=True):
            if now is None or now.etag != info.etag:
                self._lake.objects.days.forget(info)
                raise Gone(info.key)

    def _broken(
        self,
        error: Unreadable,
        objects: Sequence[ObjectInfo],
        names: Sequence[SignalName],
        span: tuple[int, int],
    ) -> str:
        """The key of the object that Athena could not read, if it cannot be read here, either.

        Raises:
            TransientError: It can.
            Gone: It is a series object: what it holds can be had from others.
        """
        info = next((info for info in objects if f"{self._url}/{info.key}" == error.path), None)
        (index,) = self._lake.objects.indexes([info]) if info else (None,)
        if info is not None and index is not None:
            jobs = [(info, index.within(names, *span))]
            if self._lake.objects.parts(jobs, *span) == [None]:
                _log.warning("skipped: %s", error)
                return info.key
        raise TransientError(error.what, error.where, "Ask again; if it stays so, run: telemetry verify")

    def _other_units(self, vehicle_id: str, names: Sequence[SignalName]) -> dict[SignalName, str]:
        """Units of signals that the answer does not hold."""
        if not names:
            return {}
        return {
            (series.message, series.signal): series.unit
            for series in self._lake.read(vehicle_id, names, 0, 0).series
        }


def _cost(fetched: Fetched | None, matched: int) -> tuple[int, int]:
    """Rows and bytes that were scanned; where Athena does not say how many rows, at least those that matched."""
    if fetched is None:
        return 0, 0
    return fetched.rows_scanned if fetched.rows_scanned is not None else matched, fetched.bytes_scanned
