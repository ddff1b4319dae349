"""Every row of some signals in a range, in order of time, a bounded number at a time: of a minute or of years.

A day is a merge of row groups by their first times: what lies before the first time of the next row group is complete
and leaves. So the memory that a day takes is that of the row groups that overlap in time, whatever is exported. How
rows are written is others' business.
"""

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa

from telemetry_pipeline.errors import BadRaw, NotFound, TooLarge, TransientError, first_line
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import DAY_NS, Partition
from telemetry_pipeline.lake.store import ObjectInfo, Store
from telemetry_pipeline.query.index import Run
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.objects import Gone, is_series
from telemetry_pipeline.query.raw_rows import OpenRows, Piece, Rows, Texts, open_rows
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.query.row_tables import next_step, split, table_of

_log: Final = logging.getLogger(__name__)

MAX_SIGNALS: Final = 200
"""Signals of one export: of each, a row group (131,072 rows, 2 MB) may have to be held at once."""

TABLE_ROWS: Final = 131_072
"""Rows that leave at a time, about."""

STRAYS_MAX: Final = 2_000_000
"""Rows that wrong clocks left among the objects of other days; they are held until their day is exported."""

_READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError, IndexError)
_ATTEMPTS: Final = 20
"""A day whose objects are replaced while it is read goes on with the new ones, up to so many times."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A piece that waits for its turn, and what it is of."""

    piece: Piece
    info: ObjectInfo
    runs: Mapping[SignalName, Run]


@dataclass
class RowExport:
    """One export. It is used by one thread at a time: first `prepare`, then `tables`.

    Attributes:
        store: The lake.
        objects: Reads the footers of its objects.
        vehicle_id: The vehicle.
        wanted: The signals, each once; at most `MAX_SIGNALS`.
        start_ns: The first instant.
        end_ns: The first instant no longer wanted.
        skipped: Objects that cannot be read: what they hold is not exported. Known once it is prepared.
        rows: How many rows have left.
    """

    store: Store
    objects: ObjectReader
    vehicle_id: str
    wanted: Sequence[SignalName]
    start_ns: int
    end_ns: int
    skipped: set[ObjectInfo] = field(default_factory=set)
    rows: int = 0
    _days: list[Partition] = field(default_factory=list)
    _strays: list[Rows] = field(default_factory=list)
    _texts: Texts = field(default_factory=Texts)
    _numbers: dict[SignalName, int] = field(init=False)

    def __post_init__(self) -> None:
        self._numbers = {name: number for number, name in enumerate(self.wanted)}

    def prepare(self) -> Generator[Partition, None, None]:
        """Look into the footers of all days, day by day, so that what is wrong is known before the first row leaves.

        Yields:
            Each day that was looked into.

        Raises:
            BadKey: It is not a vehicle id.
            TooLarge: There are too many rows whose times are of other days than their objects.
            TransientError: The store does not answer.
        """
        for day in self._present():
            self._strays += self.objects.again(partial(self._strays_of, day))
            if sum(map(len, self._strays)) > STRAYS_MAX:
                raise TooLarge(
                    f"more than {STRAYS_MAX:,} rows have times of other days than the objects they are in",
                    remedy="Ask for a shorter range",
                )
            self._days.append(day)
            yield day

    def tables(self) -> Iterator[pa.Table]:
        """All rows, in order of time: of equal times by message and signal, then by object.

        Yields:
            Tables of schema `DECODED`, of about `TABLE_ROWS` rows; none where there is no row.

        Raises:
            BadRaw: An object turned out to be broken that did not seem so: the export is not complete.
            TransientError: The store does not answer, or objects are replaced all the time.
        """
        held: list[Rows] = []
        for day in self._with_times():
            for complete in self._of_day(day):
                held += complete
                if sum(map(len, held)) >= TABLE_ROWS:
                    yield self._leave(held)
                    held = []
        if held:
            yield self._leave(held)

    def _present(self) -> list[Partition]:
        layout.check_vehicle_id(self.vehicle_id)
        return [
            day
            for day in ledger.partitions(self.store, self.vehicle_id, layout.DECODED)
            if day.start_ns < self.end_ns and day.end_ns > self.start_ns
        ]

    def _with_times(self) -> list[Partition]:
        """The days that have objects, and those that only a wrong clock's rows are of; oldest first."""
        dates = {day.date: day for day in self._days}
        for rows in self._strays:
            for number in np.unique(rows.t // DAY_NS).tolist():
                day = Partition.containing(self.vehicle_id, number * DAY_NS)
                dates.setdefault(day.date, day)
        return [dates[date] for date in sorted(dates)]

    def _of_day(self, day: Partition) -> Iterator[list[Rows]]:
        low, high = max(day.start_ns, self.start_ns), min(day.end_ns, self.end_ns)
        for _ in range(_ATTEMPTS):
            try:
                for complete, before_ns in self._merged(day, low, high):
                    yield complete
                    low = before_ns
            except Gone as gone:
                # whatever is before `low` has left, and nothing after it
                _log.info("%s goes on with the new objects: %s was replaced", day, gone)
            else:
                return
        raise TransientError(
            "its objects are replaced all the time", day.prefix(layout.DECODED), "Ask again later"
        )

    def _merged(self, day: Partition, low: int, high: int) -> Iterator[tuple[list[Rows], int]]:
        """Rows of a day, and the time before which nothing more will come."""
        with ExitStack() as stack:
            waiting = [
                _Turn(piece, info, runs)
                for info, runs in self._jobs(day, low, high)
                for piece in self._pieces(info, runs, low, high)
            ]
            waiting.sort(key=lambda turn: turn.piece.first_ns, reverse=True)
            kept: dict[ObjectInfo, OpenRows] = {}
            active = [rows for stray in self._strays if len(rows := stray.within(low, high))]
            while waiting:
                active += self._read(stack, kept, waiting.pop(), (low, high))
                horizon = waiting[-1].piece.first_ns if waiting else high
                while (step := next_step(active, horizon, TABLE_ROWS)) is not None:
                    ready, active = split(active, step)
                    yield ready, step
            if active:  # what wrong clocks left is all that there is
                yield active, high

    def _jobs(self, day: Partition, low: int, high: int) -> list[tuple[ObjectInfo, Mapping[SignalName, Run]]]:
        infos = self.objects.days.in_range(self.vehicle_id, day.start_ns, day.end_ns).get(day, [])
        jobs: list[tuple[ObjectInfo, Mapping[SignalName, Run]]] = []
        for info, index in zip(infos, self.objects.indexes(infos), strict=True):
            if index is None:
                if info not in self.skipped:
                    raise BadRaw("cannot be read any more", info.key)
            elif runs := index.within(self.wanted, low, high):
                jobs.append((info, runs))
        return jobs

    def _pieces(self, info: ObjectInfo, runs: Mapping[SignalName, Run], low: int, high: int) -> list[Piece]:
        if not is_series(info):  # small: it is opened once, when its turn comes
            return [Piece(max(low, min(run.first_ns for run in runs.values())), None, 0)]
        with self._guarded(info), open_rows(self.store, info) as file:
            return OpenRows(file, runs, self._numbers, self._texts).pieces(low, high)

    def _read(
        self,
        stack: ExitStack,
        kept: dict[ObjectInfo, OpenRows],
        turn: _Turn,
        span: tuple[int, int],
    ) -> list[Rows]:
        info, runs = turn.info, turn.runs
        with self._guarded(info):
            if is_series(info):  # it stays open: it may be replaced, and its footer is large
                if info not in kept:
                    file = stack.enter_context(open_rows(self.store, info))
                    kept[info] = OpenRows(file, runs, self._numbers, self._texts)
                return list(kept[info].read(turn.piece, *span))
            with open_rows(self.store, info) as file:
                head = self.store.head(info.key)
                if head is None or head.etag != info.etag:  # decoded again: its rows are elsewhere
                    raise Gone(info.key)
                opened = OpenRows(file, runs, self._numbers, self._texts)
                return [rows for part in opened.pieces(*span) for rows in opened.read(part, *span)]

    @contextmanager
    def _guarded(self, info: ObjectInfo) -> Iterator[None]:
        """Have an object that is gone, or a series object that is broken, replaced by what holds its rows now."""
        try:
            yield
        except NotFound as error:
            raise Gone(info.key) from error
        except (BadRaw, *_READ_ERRORS) as error:
            if is_series(info):
                self.objects.days.disregard(info)
                _log.warning("its decoded objects are exported instead: %s: %s", info.key, error)
                raise Gone(info.key) from error
            raise BadRaw(f"its data cannot be read ({first_line(error)})", info.key) from error

    def _strays_of(self, day: Partition) -> list[Rows]:
        """Rows of the range that a wrong clock left among the objects of another day; usually there are none."""
        infos = self.objects.days.in_range(self.vehicle_id, day.start_ns, day.end_ns).get(day, [])
        found: list[Rows] = []
        before = (self.start_ns, min(day.start_ns, self.end_ns))
        after = (max(day.end_ns, self.start_ns), self.end_ns)
        for info, index in zip(infos, self.objects.indexes(infos), strict=True):
            if index is None:
                self.skipped.add(info)
                continue
            for low, high in (before, after):
                runs = index.within(self.wanted, low, high) if low < high else {}
                if runs:
                    with ExitStack() as stack:
                        for piece in self._pieces(info, runs, low, high):
                            found += self._read(stack, {}, _Turn(piece, info, runs), (low, high))
        return [rows.apart() for rows in found]

    def _leave(self, held: Sequence[Rows]) -> pa.Table:
        table = table_of(held, self.vehicle_id, self.wanted, self._texts)
        self.rows += table.num_rows
        return table
