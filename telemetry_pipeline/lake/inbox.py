"""What has landed and waits, without looking at everything every time.

A folder lake is watched by the modification times of its day-directories: late uploads into old days are found
like new ones, and a directory that has not changed costs one stat. A bucket without events is listed: recent
days each time, every day once an hour.

A vehicle whose frames cannot be decoded for want of a database is set aside until `dbc/` changes, an object that the
decoder stumbles over until `dbc/` or the code changes: they stay pending, but nobody is rung for them in vain.
"""

import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import find_strays
from telemetry_pipeline.version import __version__

_STATE_KEY: Final = f"{layout.STATE}inbox.json"

SETTLE_NS: Final = 2_000_000_000
"""A directory counts as seen only when its last change is older: file systems stamp changes coarsely."""

RECENT_DAYS: Final = 2
SWEEP_NS: Final = 3_600_000_000_000


class Inbox(ABC):
    """Raw objects that wait to be decoded. The decoded object is the acknowledgement; nothing else is needed.

    Its memory lies in the lake under `_state/`; a lost memory costs time, never an object.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen, self._blocked, self._stumbled = _load(store)
        self._dirty = False

    @abstractmethod
    def _suspects(self) -> Iterator[tuple[Partition, str, int]]:
        """Partitions that may hold something, each with the mark to remember once it holds nothing ("": none)."""

    def waiting(self, limit: int) -> list[RawObject]:
        """Up to `limit` raw objects that are neither decoded, nor quarantined, nor set aside."""
        blocked, stumbled = self._held(self._blocked), self._held(self._stumbled)
        found: list[RawObject] = []
        for partition, mark, value in self._suspects():
            if partition.vehicle_id in blocked:
                continue
            pending = ledger.read_ledger(self._store, partition).pending
            ready = [raw for raw in pending if raw.key not in stumbled]
            found.extend(ready[: limit - len(found)])
            if not pending and mark:
                self._remember(mark, value)
            if len(found) >= limit:
                return found
        if not found:
            self._emptied()
        return found

    def set_aside(self, vehicle_id: str) -> None:
        """Do not ring for a vehicle again until a database, a binding or the code changes."""
        self._blocked[vehicle_id] = self._circumstances()
        self._dirty = True

    def set_aside_object(self, raw: RawObject) -> None:
        """Do not ring for an object again until a database, a binding or the code changes."""
        self._stumbled[raw.key] = self._circumstances()
        self._dirty = True

    def strays(self) -> list[str]:
        """Keys under raw/ that are no raw objects and not in quarantine yet; looked for once an hour."""
        now = time.time_ns()
        if now - self._seen.get("strays", 0) < SWEEP_NS:
            return []
        self._remember("strays", now)
        return find_strays(self._store)

    def save(self) -> None:
        """Write the memory, if there is anything new in it."""
        if self._dirty:
            state = {"seen": self._seen, "set_aside": self._blocked, "stumbled": self._stumbled}
            self._store.put(_STATE_KEY, json.dumps(state).encode())
            self._dirty = False

    def _emptied(self) -> None:  # noqa: B027  most inboxes have nothing to remember then
        """Nothing waits any more."""

    def _remember(self, mark: str, value: int) -> None:
        self._seen[mark] = value
        self._dirty = True

    def _held(self, aside: dict[str, str]) -> set[str]:
        """Those set aside under circumstances that are still the same."""
        if not aside:
            return set()
        now = self._circumstances()
        return {name for name, then in aside.items() if then == now}

    def _circumstances(self) -> str:
        return f"{__version__} {self._store.fingerprint(layout.DBC)}"


def open_inbox(store: Store) -> Inbox:
    """The inbox that fits a lake."""
    return ListedInbox(store) if store.root is None else FolderInbox(store, store.root)


class FolderInbox(Inbox):
    """The inbox of a `file://` lake: looks only into day-directories that changed since they were seen empty."""

    def __init__(self, store: Store, root: Path) -> None:
        super().__init__(store)
        self._root = root

    def _suspects(self) -> Iterator[tuple[Partition, str, int]]:
        now = time.time_ns()
        for day in _directories(self._root / layout.RAW, depth=4):
            # read before the directory is listed: a change after it gives another time
            changed_ns = day.stat().st_mtime_ns
            path = Path(day.path).relative_to(self._root).as_posix()
            if self._seen.get(path) == changed_ns:
                continue
            if partition := layout.partition_of(path, layout.RAW):
                yield partition, path if now - changed_ns > SETTLE_NS else "", changed_ns


class ListedInbox(Inbox):
    """The inbox of a lake without events: recent days each time, every day once an hour."""

    def _suspects(self) -> Iterator[tuple[Partition, str, int]]:
        now_ns = time.time_ns()
        if now_ns - self._seen.get("swept", 0) > SWEEP_NS:
            for partition in ledger.all_partitions(self._store):
                yield partition, "", 0
            return
        for vehicle_id in ledger.vehicles(self._store):
            for partition in layout.days_between(
                vehicle_id, now_ns - RECENT_DAYS * layout.DAY_NS, now_ns + 1
            ):
                yield partition, "", 0

    def _emptied(self) -> None:
        if time.time_ns() - self._seen.get("swept", 0) > SWEEP_NS:
            self._remember("swept", time.time_ns())


def _load(store: Store) -> tuple[dict[str, int], dict[str, str], dict[str, str]]:
    try:
        state = json.loads(store.get(_STATE_KEY))
        return dict(state["seen"]), dict(state["set_aside"]), dict(state["stumbled"])
    except (NotFound, ValueError, KeyError, TypeError):
        return {}, {}, {}


def _directories(path: Path, depth: int) -> Iterator["os.DirEntry[str]"]:
    """The directories `depth` levels below a path; none if the path is not there."""
    try:
        with os.scandir(path) as entries:
            below = [entry for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return
    for entry in below:
        if depth == 1:
            yield entry
        else:
            yield from _directories(Path(entry.path), depth - 1)
