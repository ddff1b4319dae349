"""Journals onto the disk, in time: a thread that has what was written outlive a power cut. Who writes is not known here."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from edge_agent.journal import Journal

log = logging.getLogger("edge_agent.recorder")

BEHIND_S: Final = 0.25
"""How long the next write is looked out for, to put it on the disk while it is new: more than reads are apart."""

OTHERS_S: Final = 0.03
"""How long after one channel's write the others' are waited for: they are read one after the other."""

SHORTEST_REST_S: Final = 0.02
SLOW_AGAIN: Final = 0.9
"""What is still expected of the slowest time that the disk took, with each later one."""


class Syncer:
    """Has the open journal, and the tails of finished ones, on the disk `sync_s` seconds after their frames came.

    Args:
        open_journal: The journal that is being written, if there is one.
        sync_s: How long a frame may wait for the disk, in seconds, with the time that the disk takes.
    """

    def __init__(self, open_journal: Callable[[], Journal | None], sync_s: float) -> None:
        self.sync_s = sync_s
        self._open_journal = open_journal
        self._tails: deque[Journal] = deque()
        """Finished journals whose last frames may not be on the disk: who closes them may be busy with others."""
        self._looked = time.monotonic()
        self._written = threading.Event()
        self._ending = threading.Event()
        self._told = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def wrote(self, looked: float) -> None:
        """Say that all frames which had come by then are written; `looked` is on the monotonic clock, in seconds."""
        self._looked = looked
        self._written.set()

    def finished(self, journal: Journal) -> None:
        """Take a journal to which nothing is added."""
        self._tails.append(journal)

    def stop(self) -> None:
        """End; who closes the journals puts the rest on the disk."""
        self._ending.set()
        self._written.set()
        self._thread.join()

    def _run(self) -> None:
        # apart from capture: a card may take a second to answer, which is no time to wait for in addition
        took = 0.0
        due = time.monotonic() + self.sync_s
        while not self._ending.wait(max(due - BEHIND_S - time.monotonic(), SHORTEST_REST_S)):
            # frames come in reads: right behind one, nothing waits for the disk that has not just come
            self._written.clear()
            if self._written.wait(max(due - time.monotonic(), 0.0)):
                self._ending.wait(min(OTHERS_S, self.sync_s / 10))
            began = time.monotonic()
            since = max(self._looked, began - BEHIND_S)  # a silent bus brings nothing to look at
            self._sync()
            ended = time.monotonic()
            took = max(ended - began, took * SLOW_AGAIN)
            due = next_due(since, ended, took, self.sync_s)

    def _sync(self) -> None:
        journals = [self._tails.popleft() for _ in range(len(self._tails))]
        faults = []
        for journal in [*journals, self._open_journal()]:
            try:
                if journal:
                    journal.sync()
            except OSError as error:
                faults.append(f"{journal.path.name if journal else ''} is not on the disk ({error})")
        if faults and not self._told:
            log.warning("%s; a power cut now would lose it", faults[0])
        self._told = bool(faults)


def next_due(since: float, ended: float, took: float, sync_s: float) -> float:
    """When the next sync begins at the latest, so that what came after the last one is on the disk in time.

    Args:
        since: What had come by then is on the disk.
        ended: When that was done.
        took: How long the disk is expected to take.
        sync_s: How long a frame may wait.
    """
    # a disk that is too slow for that is not asked without a rest
    return max(since + sync_s - took, ended + sync_s / 4)
