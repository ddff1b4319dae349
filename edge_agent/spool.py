"""Finished windows on disk until the lake has them: whole or not at all, whatever happens to the power.

What the lake is, and when something is tried again, is `upload`'s business.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote, unquote

from telemetry_pipeline.errors import BadKey, BadSetting
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.windows import sibling

_PARTIAL: Final = ".partial"
_LOCK: Final = ".lock"


class Spool:
    """A folder of raw objects that wait. A file's name is its whole raw key, so no partition is ever lost.

    One process at a time: the folder is locked from `open` to `close`.

    Args:
        folder: Where they lie; made when missing.

    Raises:
        BadSetting: The folder cannot be made or written, or another process has it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
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
        for torn in folder.glob(f"*{_PARTIAL}"):
            torn.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the next process have the folder."""
        os.close(self._lock)

    def add(self, raw: RawObject, body: bytes) -> RawObject:
        """Keep a window; when this returns, a power cut does not lose it.

        Returns:
            What it is called: `raw`, or the next free name if that one waits already.

        Raises:
            OSError: The disk does not take it; nothing is left behind.
        """
        name, nth = raw, 0
        while self._path(name).exists():
            nth += 1
            name = sibling(raw, nth)
        path = self._path(name)
        partial = path.with_name(f"{path.name}{_PARTIAL}")
        try:
            with partial.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(path)
            self._sync()
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        return name

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
        return self._path(raw).read_bytes()

    def remove(self, raw: RawObject) -> None:
        """Forget a window that the lake has."""
        self._path(raw).unlink(missing_ok=True)

    def _path(self, raw: RawObject) -> Path:
        return self.folder / quote(raw.key, safe="")

    def _sync(self) -> None:
        """A rename is only on disk once its folder is."""
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
