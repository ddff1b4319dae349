"""What the spool may take of the disk, and what is given up first: copies of what landed, then by policy, counted.

When a window is written or sent is not known here.
"""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_agent.journal import scan
from edge_agent.journal_name import JournalName, journals_in
from edge_agent.spool import Spool
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake.parquet import open_object

log = logging.getLogger("edge_agent.budget")


@dataclass
class GivenUp:
    """What had to go since the start: windows that never landed, their frames, and copies of windows that did."""

    windows: int = 0
    frames: int = 0
    copies: int = 0


class Budget:
    """A limit for what lies in the spool, and for how full it may make its disk.

    Args:
        spool: The spool.
        most_bytes: What it may hold.
        free_bytes: What stays free on its disk, as far as that is up to the spool.
        newest_first: Of what has not landed, the newest goes first instead of the oldest.
    """

    def __init__(self, spool: Spool, most_bytes: int, free_bytes: int, *, newest_first: bool) -> None:
        self.given_up = GivenUp()
        self._spool = spool
        self.most_bytes = most_bytes
        self.free_bytes = free_bytes
        self.newest_first = newest_first

    def enforce(self, open_journal: str = "") -> None:
        """Give up what there is no room for.

        Args:
            open_journal: The name of the journal that is being written, which stays.
        """
        sizes = {}
        for path in self._spool.files():
            with suppress(OSError):  # it may just have landed
                sizes[path] = path.stat().st_size
        over = sum(sizes.values()) - self.most_bytes
        with suppress(OSError):
            over = max(over, self.free_bytes - shutil.disk_usage(self._spool.folder).free)
        windows, frames = self.given_up.windows, self.given_up.frames
        for path in self._candidates(open_journal):
            if over <= 0:
                break
            if path in sizes and self._remove(path):
                over -= sizes[path]
        if self.given_up.windows > windows:
            log.error(
                "no room: gave up %d windows with %d frames that had not landed (%d windows since the start)",
                *(self.given_up.windows - windows, self.given_up.frames - frames, self.given_up.windows),
            )

    def _candidates(self, open_journal: str) -> Iterator[Path]:
        """What may go, in the order in which it goes."""
        yield from self._spool.copies()
        waiting = [self._spool.path(raw) for raw in self._spool.waiting() if raw != self._spool.in_hand]
        journals = [
            self._spool.folder / str(name)
            for name in journals_in(self._spool.folder)
            if str(name) != open_journal
        ]
        # a journal that is still one is younger than what became of those before it
        yield from reversed([*waiting, *journals]) if self.newest_first else [*waiting, *journals]

    def _remove(self, path: Path) -> bool:
        is_copy = path.parent != self._spool.folder
        frames = 0 if is_copy else _frames_of(path)
        try:
            path.unlink()
        except OSError:
            return False
        if is_copy:
            self.given_up.copies += 1
        else:
            self.given_up.windows += 1
            self.given_up.frames += frames
        return True


def _frames_of(path: Path) -> int:
    """How many frames a window or a journal holds; 0 if it cannot be read."""
    with suppress(OSError, BadRaw):
        if name := JournalName.parse(path.name):
            return sum(len(block.arrival.records) for block in scan(path.read_bytes(), name.number))
        return int(open_object(path.read_bytes(), path.name).metadata.num_rows)
    return 0
