"""Arrivals into journals: on the disk within a second, and a new journal when a window is over.

A window is over after its length on a clock that never steps, at UTC midnight, when it is full, when the time becomes
known, or when the disk has failed to take some of it. What becomes of a finished journal is not known here.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from edge_agent.clock import STEP_NS, Clock
from edge_agent.journal import Journal, Reading
from edge_agent.journal_name import JournalName
from edge_agent.records import WIDE, Arrival
from edge_agent.syncer import Syncer
from telemetry_pipeline.lake.layout import DAY_NS

log = logging.getLogger("edge_agent.recorder")

DISK_WAIT_S: Final = 1.0
HELD_BYTES_MOST: Final = 32_000_000
"""Frames kept in memory while the disk takes none: five minutes of a full 500 kbit/s bus."""

JOURNAL_BYTES_MOST: Final = 4_500_000
"""What a journal may grow to: all of it is in memory, some times over, when it becomes a raw object."""


class Recorder:
    """Writes one journal after the other.

    Args:
        folder: Where the journals lie.
        name: The first journal's.
        clock: How frames get their times.
        finished: Takes each finished journal, still open.
        window_s: The longest window in seconds.
        max_frames: The most frames in one window.
        sync_s: How long what has arrived may wait for the disk, in seconds.
    """

    def __init__(
        self,
        folder: Path,
        name: JournalName,
        clock: Clock,
        finished: Callable[[Journal], None],
        *,
        window_s: float,
        max_frames: int,
        sync_s: float,
    ) -> None:
        self._folder = folder
        self._name = name
        self._clock = clock
        self._finished = finished
        self.window_s = window_s
        self.max_frames = max_frames
        self._journal: Journal | None = None
        self._opened: Reading | None = None
        self._day = 0
        self._due = 0.0
        self._trusted_until = 0.0
        self._held: deque[Arrival] = deque()
        self._held_bytes = 0
        self._retry_at = 0.0
        self.lost = 0
        """Frames that neither the disk nor the memory had room for."""
        self._lost_told = 0
        self.syncer = Syncer(lambda: self._journal, sync_s)

    @property
    def frames(self) -> int:
        """How many frames the open window holds."""
        return (self._journal.frames if self._journal else 0) + sum(len(held.records) for held in self._held)

    @property
    def open_journal(self) -> str:
        """The name of the journal that is being written, or nothing."""
        journal = self._journal
        return journal.path.name if journal else ""

    def add(self, arrival: Arrival, now: float) -> None:
        """Take what has arrived, possibly nothing. Its times become those since the boot, in place.

        Args:
            arrival: Frames of one channel, timed as their source times them.
            now: The steady clock, in seconds.
        """
        if len(arrival.records):
            self._clock.settle(arrival.channel, arrival.records["stamp"])
            self._held.append(arrival)
            self._held_bytes += arrival.records.nbytes
        if self._journal and now >= self._due:
            self.finish()
        if self._journal and self._journal.is_doubtful and now >= self._trusted_until:
            # the kernel still has what the card did not take: it is written once more, as a window; one disk that never
            # takes anything does not make a window of every sync
            self._trusted_until = now + self.window_s
            self.finish()
        if self._held and now >= self._retry_at:
            self._write(now)

    def finish(self) -> None:
        """Hand the open journal over, if there is one; the next frame begins another."""
        if self._journal:
            self.syncer.finished(self._journal)
            self._finished(self._journal)
            self._journal = None

    def stop(self) -> int:
        """Write what is left and hand it over; how many frames the disk did not take."""
        if self._held:
            self._write(time.monotonic())
        self.finish()
        self.syncer.stop()
        self.lost += sum(len(held.records) for held in self._held)
        return self.lost

    def _write(self, now: float) -> None:
        looked = time.monotonic()
        reading = self._clock.read()
        try:
            while self._held:
                self._write_first(reading, now)
        except OSError as error:
            if not self._retry_at:
                log.warning("%s takes no frames (%s); they are kept in memory", self._folder, error)
            self._retry_at = now + DISK_WAIT_S
            self._forget()
        else:
            if self._retry_at:
                log.info("%s takes frames again", self._folder)
            self._retry_at = 0.0
            self.syncer.wrote(looked)

    def _write_first(self, reading: Reading, now: float) -> None:
        """Write the oldest arrival, or as much of it as the open window has room for."""
        arrival = self._held[0]
        day = (int(arrival.records["stamp"][0]) + reading.offset) // DAY_NS
        if self._journal and (day != self._day or self._is_dated_anew(reading)):
            self.finish()
        journal = self._journal or self._open(reading, day, now)
        taken = arrival.records[: self.max_frames - journal.frames]
        journal.append(Arrival(arrival.channel, taken), reading)
        self._held_bytes -= taken.nbytes
        if len(taken) == len(arrival.records):
            self._held.popleft()
        else:
            self._held[0] = Arrival(arrival.channel, arrival.records[len(taken) :])
        # one frame of CAN FD makes all of its window wide
        size = journal.frames * WIDE.itemsize if taken.dtype == WIDE else journal.bytes
        if journal.frames == self.max_frames or size >= JOURNAL_BYTES_MOST:
            self.finish()

    def _is_dated_anew(self, reading: Reading) -> bool:
        """Whether the time has become known, or was put right, since the open journal began."""
        opened = self._opened
        return opened is not None and (
            reading.state > opened.state or abs(reading.offset - opened.offset) > STEP_NS
        )

    def _open(self, reading: Reading, day: int, now: float) -> Journal:
        # a disk that fails in between leaves a file of that name: it would be in the way for ever
        name, self._name = self._name, self._name.next()
        self._journal = Journal(self._folder / str(name), name.number)
        self._opened, self._day, self._due = reading, day, now + self.window_s
        return self._journal

    def _forget(self) -> None:
        """Let go of the oldest frames when memory holds no more, and count them."""
        while self._held_bytes > HELD_BYTES_MOST:
            oldest = self._held.popleft()
            self._held_bytes -= oldest.records.nbytes
            self.lost += len(oldest.records)
        if self.lost >= 2 * self._lost_told and self.lost:  # not a line for every frame
            self._lost_told = self.lost
            log.error("lost %d frames so far: the disk takes none and memory is full", self.lost)
