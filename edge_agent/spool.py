"""What waits for the lake, on disk: finished windows, whole or not at all, whatever happens to the power.

What the lake is, and when something is tried again, is `upload`'s business.
"""

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from errno import EIO, EROFS
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, unquote

from edge_agent.journal import sync_folder
from telemetry_pipeline.errors import BadKey, BadSetting
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.windows import sibling

_STAGED: Final = ".staged"
_DONE: Final = ".done"
_LOCK: Final = ".lock"
_TRIAL: Final = ".trial"
_COPIES: Final = "landed"


class Spool:
    """A folder of raw objects that wait. A file's name is its whole raw key, so no partition is ever lost.

    One process at a time: the folder is locked from `open` to `close`.

    Args:
        folder: Where they lie; made when missing.

    Raises:
        BadSetting: The folder cannot be made, its disk takes nothing, or another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.in_hand: RawObject | None = None
        """The window that is on its way to the lake."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            self.passed_ns = int(os.read(self._lock, 20) or 0)
            """A time that had passed when the agent last ran, nanoseconds since the epoch."""
        except OSError as error:
            raise BadSetting(
                f"the spool cannot be used ({error.strerror})", str(folder), "Name another --spool"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise BadSetting(
                "another agent uses this spool", str(folder), "Stop it, or name another --spool"
            ) from error
        try:
            _try_out(folder / _TRIAL)
        except OSError as error:
            os.close(self._lock)
            raise BadSetting(
                f"its disk takes no files ({error.strerror})",
                str(folder),
                "Check the disk: unmounted, by fsck",
            ) from error
        self._recover()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next process have the folder."""
        os.close(self._lock)

    def add(self, outputs: Sequence[tuple[RawObject, bytes]], journal: Path, number: int) -> list[RawObject]:
        """Keep the windows that a journal has become, instead of it.

        One renaming decides: before it there is the journal, after it there are the windows, and a power cut at any
        moment leaves one or the other.

        Args:
            outputs: The windows; none if there was nothing in the journal.
            journal: The journal's file, in the spool's folder.
            number: The journal's number, under which the windows are staged.

        Returns:
            What they are called: as asked, or by the next free name if a window of that name waits already.

        Raises:
            OSError: The disk does not take them; the journal is what it was.
        """
        done = self.folder / f"{number:016x}{_DONE}"
        if done.exists():  # it was decided, and then the disk failed
            self._publish(done)
            return []
        if not journal.exists():  # given up for want of room
            return []
        for torn in self.folder.glob(f"{number:016x}~*{_STAGED}"):
            torn.unlink()
        names: list[RawObject] = []
        for raw, body in outputs:
            name, nth = raw, 0
            while name in names or self.path(name).exists():
                nth += 1
                name = sibling(raw, nth)
            names.append(name)
            _write_whole(self._staged(name, number), body)
        journal.rename(done)
        sync_folder(self.folder)
        self._publish(done)
        return names

    def note_time(self, ns: int) -> None:
        """Remember that a time has passed, nanoseconds since the epoch: it cannot be earlier at the next start."""
        with suppress(OSError):
            os.pwrite(self._lock, f"{ns:020d}".encode(), 0)

    def waiting(self) -> list[RawObject]:
        """The windows that wait, oldest first. Files that are none of ours are not touched."""
        found = []
        for path in self.folder.glob("raw*.parquet"):
            with suppress(BadKey):
                found.append(RawObject.parse(unquote(path.name)))
        return sorted(found, key=lambda raw: (raw.stem, raw.partition))

    def read(self, raw: RawObject) -> bytes:
        """The bytes of a window that waits.

        Raises:
            OSError: They cannot be read.
        """
        return self.path(raw).read_bytes()

    def remove(self, raw: RawObject, *, keep: bool = False) -> None:
        """Let go of a window that the lake has; `keep` leaves a copy for as long as there is room.

        Raises:
            OSError: It cannot be removed.
        """
        if not keep:
            self.path(raw).unlink(missing_ok=True)
            return
        copies = self.folder / _COPIES
        copies.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):  # given up meanwhile
            self.path(raw).replace(copies / self.path(raw).name)

    def copies(self) -> list[Path]:
        """The copies of windows that the lake has, oldest first."""
        found = {}
        for path in (self.folder / _COPIES).glob("raw*.parquet"):
            with suppress(BadKey):
                found[path] = RawObject.parse(unquote(path.name))
        return sorted(found, key=lambda path: (found[path].stem, found[path].partition))

    def files(self) -> list[Path]:
        """Everything that takes room."""
        return [path for path in self.folder.rglob("*") if path.is_file()]

    def path(self, raw: RawObject) -> Path:
        """Where a window that waits lies."""
        return self.folder / quote(raw.key, safe="")

    def _staged(self, raw: RawObject, number: int) -> Path:
        return self.folder / f"{number:016x}~{quote(raw.key, safe='')}{_STAGED}"

    def _publish(self, done: Path) -> None:
        """Give the windows of a journal that is done their names, and forget the journal."""
        for staged in self.folder.glob(f"{done.stem}~*{_STAGED}"):
            staged.rename(self.folder / staged.name.partition("~")[2].removesuffix(_STAGED))
        sync_folder(self.folder)
        done.unlink()

    def _recover(self) -> None:
        """Go on where the last process ended; a disk that can only be read is left as it is."""
        with suppress(OSError):
            for done in self.folder.glob(f"*{_DONE}"):
                self._publish(done)
            for torn in self.folder.glob(f"*{_STAGED}"):
                torn.unlink()


def _try_out(path: Path) -> None:
    """Make a file and remove it: a file system that has given up lets files be opened that it has, and writes nothing.

    Raises:
        OSError: It has given up. A disk that is full has not: room can be made.
    """
    try:
        path.touch()
        path.unlink()
    except OSError as error:
        if error.errno in (EROFS, EIO):
            raise


def _write_whole(path: Path, body: bytes) -> None:
    """Write a file and have it on the disk, or leave nothing.

    Raises:
        OSError: The disk does not take it.
    """
    try:
        with path.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
