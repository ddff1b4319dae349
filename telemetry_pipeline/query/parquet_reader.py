"""The reader over the lake's objects, one per day or per raw object: by day, by index, then only the rows that match."""

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.errors import NotFound, NoVehicle, TooLarge
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.day import DaySummary, joined, summarise
from telemetry_pipeline.query.index import Run, Span
from telemetry_pipeline.query.listing import MAX_AGE_S
from telemetry_pipeline.query.object_reader import INDEX_BYTES, RUN_BYTES, Job, ObjectReader
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
from telemetry_pipeline.query.rows import merge
from telemetry_pipeline.query.tiered import read_buckets
from telemetry_pipeline.query.vehicle_days import Day, Days
from telemetry_pipeline.series.tiers import TIERS_S

Range = tuple[int, int]
Refuse = Callable[[Sequence[Job]], None]
"""Raises a TooLarge of what would be read."""


class ParquetReader:
    """Answers from the series objects of a lake, and from decoded objects that they do not cover (see `SignalReader`).

    Args:
        store: The lake.
        max_rows: The most rows that one question may have in its range, all signals together: they are held in
            memory at 16 bytes each.
        parallel: How many questions may read rows at once; further ones wait.
        max_age_s: How old a listing of a bucket may be: what is new in it is seen by then. A folder tells at once.
    """

    def __init__(
        self,
        store: Store,
        *,
        max_rows: int = 50_000_000,
        parallel: int = 4,
        max_age_s: float = MAX_AGE_S,
    ) -> None:
        self._store = store
        self._max_rows = max_rows
        self.objects = ObjectReader(store, parallel, max_age_s)
        self.overview = self.objects.overview
        self._days: WeightedCache[tuple[ObjectInfo, ...], DaySummary] = WeightedCache(INDEX_BYTES)
        self._recorded_on: WeakKeyDictionary[Day, tuple[Span, ...]] = WeakKeyDictionary()
        self._stretches: WeakKeyDictionary[Days, NDArray[np.int64]] = WeakKeyDictionary()

    def vehicles(self) -> list[Vehicle]:
        """The vehicles that have decoded objects, sorted by id."""
        return [self._vehicle(vehicle_id) for vehicle_id in ledger.vehicles(self._store, layout.DECODED)]

    def sessions(self, vehicle_id: str) -> list[Session]:
        """The recording sessions of a vehicle, newest first (see `SignalReader`)."""

        def spans() -> list[Span]:
            days = self.objects.days.days(vehicle_id, MIN_NS, MAX_NS)
            return [span for day in days for span in self._recorded(day)]

        if not (found := joined(self.objects.again(spans))):
            self._summaries(vehicle_id)  # there may be no such vehicle
        return [Session(span.first_ns, span.last_ns, span.frames) for span in reversed(found)]

    def messages(self, vehicle_id: str) -> list[Message]:
        """The messages of a vehicle, sorted by name (see `SignalReader`)."""
        frames: dict[str, int] = {}
        for day in self._summaries(vehicle_id):
            for message, count in day.messages.items():
                frames[message] = frames.get(message, 0) + count
        return [Message(message, frames[message]) for message in sorted(frames)]

    def signals(self, vehicle_id: str, message: str) -> list[Signal]:
        """The signals of a message, sorted by name (see `SignalReader`)."""
        days = self._summaries(vehicle_id)
        names = {name for day in days for name in day.runs}
        found = _signals(days, {name for name in names if name[0] == message})
        if not found:
            raise NotFound(
                f"vehicle {vehicle_id} has no message {message}",
                remedy=_nearest(message, {name for name, _ in names})
                or f"GET /vehicles/{vehicle_id}/messages lists those it has",
            )
        return [found[name] for name in sorted(found)]

    def read(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """Every sample of the wanted signals in [start_ns, end_ns) (see `SignalReader`)."""

        def refuse(jobs: Sequence[Job]) -> None:
            _refuse_too_large(self.objects.most_rows(jobs, start_ns, end_ns), self._max_rows)

        return self._read(vehicle_id, wanted, (start_ns, end_ns), refuse)

    def piece(
        self, vehicle_id: str, wanted: Sequence[SignalName], span: tuple[int, int], most: int
    ) -> Answer:
        """The same of a range whose samples are wanted piece by piece: about more than `most` of them are a TooLarge."""

        def refuse(jobs: Sequence[Job]) -> None:
            _refuse_too_large(self.objects.held_rows(jobs, *span), min(most, self._max_rows))

        return self._read(vehicle_id, wanted, span, refuse)

    def look(self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int) -> Answer:
        """A few minutes of samples (see `SignalReader`)."""
        return self.read(vehicle_id, wanted, start_ns, end_ns)

    def _read(self, vehicle_id: str, wanted: Sequence[SignalName], span: Range, refuse: Refuse) -> Answer:
        return self.objects.again(lambda: self._read_once(vehicle_id, wanted, span, refuse))

    def _read_once(
        self, vehicle_id: str, wanted: Sequence[SignalName], span: Range, refuse: Refuse
    ) -> Answer:
        start_ns, end_ns = span
        names = list(dict.fromkeys(wanted))
        days = [self.objects.day_index(day) for day in self.objects.days.days(vehicle_id, start_ns, end_ns)]
        skipped = sum(day.skipped for day in days)
        jobs = [job for day in days for job in day.jobs(names, start_ns, end_ns)]
        refuse(jobs)
        parts = self.objects.parts(jobs, start_ns, end_ns)
        good = [part for part in parts if part is not None]
        known = {name: unit for day in days for name in names if (unit := day.unit(name)) is not None}
        if missing := [name for name in names if name not in known]:
            known |= self._units(vehicle_id, missing)
        series = {
            name: merge([part.samples[name] for part in good if name in part.samples]) for name in names
        }
        return Answer(
            [Series(*name, known[name], *series[name]) for name in wanted],
            sum(part.rows_scanned for part in good),
            sum(part.bytes_scanned for part in good),
            skipped + len(parts) - len(good),
        )

    def count(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> Mapping[SignalName, int]:
        """About how many samples of each signal the range holds (see `SignalReader`)."""
        return self.objects.again(lambda: self._count(vehicle_id, wanted, start_ns, end_ns))

    def _count(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int
    ) -> Mapping[SignalName, int]:
        counts = dict.fromkeys(wanted, 0)
        days = self.objects.days.days(vehicle_id, start_ns, end_ns)
        # the widest tier counts whole days; it has no row of another day
        doubtful = {day.partition for day in days.doubtful((start_ns, end_ns), self.objects.days.note)}
        whole = days.whole.without(doubtful)
        found, missing_days = self.overview.count(whole, list(counts), TIERS_S[-1], (start_ns, end_ns))
        counts |= found
        seen = set(found)
        others = days.beside(whole, missing_days)
        for index in map(self.objects.day_index, others):
            seen.update(name for name in counts if index.unit(name) is not None)
            for info, runs in index.jobs(counts, start_ns, end_ns):
                for name, run in runs.items():
                    inside = start_ns <= run.first_ns and run.last_ns < end_ns
                    counts[name] += (
                        run.rows
                        if inside
                        else self.objects.most_rows([(info, {name: run})], start_ns, end_ns)
                    )
        if missing := [name for name in counts if name not in seen]:
            self._units(vehicle_id, missing)
        return counts

    def buckets(
        self, vehicle_id: str, wanted: Sequence[SignalName], start_ns: int, end_ns: int, width_ns: int
    ) -> Buckets:
        """The samples of a range, summed up (see `SignalReader`)."""
        return read_buckets(self, self.overview, (vehicle_id, wanted), (start_ns, end_ns), width_ns)

    def recorded(self, vehicle_id: str, start_ns: int, end_ns: int) -> NDArray[np.int64]:
        """When anything at all was recorded in the range (see `SignalReader`)."""
        found = self.objects.again(
            lambda: self._recorded_in(self.objects.days.days(vehicle_id, start_ns, end_ns))
        )
        inside = found[(found[:, 1] >= start_ns) & (found[:, 0] < end_ns)]
        return np.clip(inside, start_ns, end_ns - 1)

    def _recorded_in(self, days: Days) -> NDArray[np.int64]:
        """When anything was recorded on some days: first and last instant of each stretch, shape (k, 2)."""
        if (known := self._stretches.get(days)) is None:
            spans = joined([span for day in days for span in self._recorded(day)])
            ends = [(span.first_ns, span.last_ns) for span in spans]
            known = np.array(ends, dtype=np.int64).reshape(-1, 2)
            if all(day in self._recorded_on for day in days):
                self._stretches[days] = known
        return known

    def _recorded(self, day: Day) -> Iterable[Span]:
        """When anything was recorded on a day; of a day that is compacted its overview says it."""
        if (known := self._recorded_on.get(day)) is not None:
            return known
        if (note := self.objects.days.note(day)) is not None:
            known = self._recorded_on[day] = tuple(Span(*span) for span in note.spans)
            return known
        index = self.objects.day_index(day)
        known = tuple(joined([span for found in index.indexes if found is not None for span in found.spans]))
        if not index.skipped:
            self._recorded_on[day] = known
        return known

    def _vehicle(self, vehicle_id: str) -> Vehicle:
        days = self._summaries(vehicle_id)
        spans = [span for day in days for span in day.spans]
        return Vehicle(
            vehicle_id,
            min((span.first_ns for span in spans), default=None),
            max((span.last_ns for span in spans), default=None),
            sum(day.frames for day in days),
        )

    def _units(self, vehicle_id: str, names: Iterable[SignalName]) -> dict[SignalName, str]:
        """Units of signals that the range does not hold; a signal that no day holds is refused."""
        days = self._summaries(vehicle_id)
        signals = _signals(days, set(names))
        for message, signal in names:
            if (message, signal) not in signals:
                near = _nearest(f"{message}.{signal}", {".".join(name) for day in days for name in day.runs})
                raise NotFound(
                    f"vehicle {vehicle_id} has no signal {message}.{signal}",
                    remedy=near or f"GET /vehicles/{vehicle_id}/messages lists its messages",
                )
        return {name: signals[name].unit for name in names}

    def _summaries(self, vehicle_id: str) -> list[DaySummary]:
        """Every day of a vehicle, oldest first.

        Raises:
            NotFound: It has none.
        """

        def summaries() -> list[DaySummary]:
            days = self.objects.days.of_vehicle(vehicle_id)
            single = [tuple(infos) for infos in days.values() if len(infos) == 1]
            # in a bucket several at a time, as those of a day with several objects are
            self.objects.indexes([infos[0] for infos in single if self._days.get(infos) is None])
            return [self._summary(days[partition]) for partition in sorted(days)]

        found = self.objects.again(summaries)
        if not found:
            raise NoVehicle(
                f"no decoded data of vehicle {vehicle_id}",
                remedy=_nearest(vehicle_id, set(ledger.vehicles(self._store, layout.DECODED)))
                or "GET /vehicles lists the vehicles; raw objects have to be decoded first",
            )
        return found

    def _summary(self, objects: list[ObjectInfo]) -> DaySummary:
        key = tuple(objects)
        if (summary := self._days.get(key)) is None:
            indexed = [index for index in self.objects.indexes(objects) if index is not None]
            summary = summarise(indexed)
            if len(indexed) == len(objects):  # an object that was skipped may be readable the next time
                self._days.put(
                    key, summary, RUN_BYTES * (len(summary.runs) + len(summary.spans) + len(objects))
                )
        return summary


def _refuse_too_large(rows: int, most: int) -> None:
    if rows > most:
        raise TooLarge(
            f"up to {rows:,} rows would have to be read, the limit is {most:,}",
            remedy="Ask for a shorter range or fewer signals",
        )


def _signals(days: Iterable[DaySummary], wanted: Collection[SignalName]) -> dict[SignalName, Signal]:
    """Some signals over all days; only of these the totals are made, for a vehicle has many days of many signals."""
    totals: dict[SignalName, Run] = {}
    for day in days:
        for name in wanted:
            if (run := day.runs.get(name)) is not None:
                totals[name] = run if name not in totals else totals[name].plus(run)
    return {name: Signal(*name, run.unit, run.minimum, run.maximum, run.mean) for name, run in totals.items()}


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, sorted(names), n=1)
    return f"Did you mean {near[0]}?" if near else ""
