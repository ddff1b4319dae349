"""From a finished journal to raw objects in the spool, in a thread of its own; journals left by a crash go first.

A journal is there until what was made of it is: a crash at any moment neither loses a window nor doubles it.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa

from edge_agent.clock import Clock
from edge_agent.dating import KNOWN, MARKS, Date, Span, dates_of, span_of
from edge_agent.journal import ClockState, Journal, Reading, scan
from edge_agent.journal_name import JournalName, journals_in
from edge_agent.records import CLASSIC, Arrival, Gathered, coded_table, gathered
from edge_agent.spool import Spool
from edge_agent.window_name import name_by_content
from edge_agent.worker import Pause, Worker
from telemetry_pipeline.lake.layout import DAY_NS, RawObject
from telemetry_pipeline.lake.parquet import write_raw
from telemetry_pipeline.lake.windows import stamps_of

log = logging.getLogger("edge_agent.closing")

RETRY_S: Final = 1.0
ROOM_S: Final = 5.0


class Closer(Worker):
    """Makes raw objects of journals, oldest first.

    A journal whose time is not known yet stays one; it is looked at again every second.

    Args:
        spool: Where the journals lie and the objects go.
        clock: What dates the journals of this session.
        wall: What dates those of earlier ones that do not know their time.
        boot: The present boot.
        added: Called when an object has come into the spool.
        make_room: Called now and then, and when the disk takes nothing.
    """

    def __init__(
        self,
        spool: Spool,
        clock: Clock,
        wall: Clock,
        boot: str,
        added: Callable[[], None],
        *,
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__("closing")
        self._spool = spool
        self._clock = clock
        self._wall = wall
        self._boot = boot
        self._added = added
        self._make_room = make_room
        self._room_due = 0.0
        self._early = journals_in(spool.folder)
        self._closed: list[Journal] = []
        self._told = False
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin, with the journals of earlier starts."""
        # Arrow's own allocator gives all back between two windows, and a new page costs more than its use
        pa.set_memory_pool(pa.system_memory_pool())
        # what Arrow loads for a first window would hold up capture for as long as a slow card takes
        write_raw(coded_table(gathered([Arrival("", np.zeros(1, CLASSIC))]), ""))
        if self._early:
            log.info("%d journals of an earlier run are in %s", len(self._early), self._spool.folder)
        super().start()

    def take(self, journal: Journal) -> None:
        """Take a finished journal, which this closes."""
        with self._lock:
            self._closed.append(journal)
        self.wake()

    def _round(self, *, final: bool) -> Pause:
        if self._told or self._steady.now() >= self._room_due:
            self._make_room()
            self._room_due = self._steady.now() + ROOM_S
        try:
            self._close_all(final=final)
            self._told = False
        except OSError as error:  # a full disk: the journals stay what they are
            if not self._told:
                log.warning("%s takes no window (%s); its journal is kept", self._spool.folder, error)
            self._told = True
        return Pause(RETRY_S, ends_with_news=not self._told)

    def _close_all(self, *, final: bool) -> None:
        with self._lock:
            closed = list(self._closed)
        for journal in closed:
            journal.sync()
            journal.close()
        if self._early:
            self._close_early(self._wall.verdict(final=final))
        now = self._clock.verdict(final=final)
        for journal in closed:
            name = JournalName.parse(journal.path.name)
            if now is None or name is None:
                return
            content = self._read(name)
            span = content.span
            known = span is not None and span.state == ClockState.KNOWN
            date = Date(span.offset, KNOWN) if span and known else Date(now.offset, MARKS[now.state])
            self._close(name, content, date)
            with self._lock:
                self._closed.remove(journal)

    def _close_early(self, now: Reading | None) -> None:
        spans = {name: self._read(name).span for name in self._early}
        dates = dates_of([span for span in spans.values() if span], self._boot, now)
        for name, span in spans.items():
            if span is None or name in dates:
                self._close(name, self._read(name), dates.get(name, Date(0, KNOWN)))
                self._early.remove(name)

    def _read(self, name: JournalName) -> "_Content":
        try:
            content = (self._spool.folder / str(name)).read_bytes()
        except FileNotFoundError:  # given up for want of room
            content = b""
        blocks = list(scan(content, name.number))
        frames = gathered([block.arrival for block in blocks if len(block.arrival.records)])
        return _Content(frames, span_of(name, blocks), len(content) - sum(block.size for block in blocks))

    def _close(self, name: JournalName, content: "_Content", date: Date) -> None:
        path = self._spool.folder / str(name)
        outputs = raw_objects(name, content.frames, date)
        if content.missing:
            log.warning("%s ends in %d bytes that are no whole block", path.name, content.missing)
        self._spool.add(outputs, path, name.number)
        if date.mark == KNOWN and outputs and name.origin == "capture":
            self._spool.note_time(max(raw.partition.start_ns for raw, _ in outputs))
        if outputs:
            self._added()


@dataclass(frozen=True)
class _Content:
    """What a journal holds: frames, what is known of their times, and the bytes that are no block."""

    frames: Gathered
    span: Span | None
    missing: int


def raw_objects(name: JournalName, frames: Gathered, date: Date) -> list[tuple[RawObject, bytes]]:
    """The raw objects that a journal becomes: one for each UTC day of its frames, usually one."""
    if not len(frames.records):
        return []
    table = coded_table(frames, name.vehicle_id, date.offset)
    footer = {"origin": name.origin, "clock": date.mark}
    objects = []
    for part in _days(table):
        body = write_raw(part, footer)
        raw = RawObject.starting(name.vehicle_id, _stamp(part, 0))
        objects.append((name_by_content(raw, body), body))
    return objects


def _days(table: pa.Table) -> list[pa.Table]:
    """The frames of each UTC day; `table` is in order of time."""
    if _stamp(table, 0) // DAY_NS == _stamp(table, -1) // DAY_NS:
        return [table]
    stamps = stamps_of(table)
    borders = [0, *(np.flatnonzero(np.diff(stamps // DAY_NS)) + 1), len(stamps)]
    return [table.slice(begin, end - begin) for begin, end in pairwise(borders)]


def _stamp(table: pa.Table, row: int) -> int:
    return int(table["timestamp"][row].value)
