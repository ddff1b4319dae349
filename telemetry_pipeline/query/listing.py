"""Listings that are remembered as long as they are right: of a folder while its time stands, of a bucket for a moment.

What the objects are is not known here.
"""

import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.lake.store import TICK_NS, ObjectInfo, Store
from telemetry_pipeline.query.cache import WeightedCache

MAX_AGE_S: Final = 1.0
"""A bucket is listed again after so long: what is new in it is seen by then."""

_INFO_BYTES: Final = 400
"""About what one object of a listing takes in memory, its key included."""

_LOCKS: Final = 64

Infos = tuple[ObjectInfo, ...]


@dataclass(frozen=True, slots=True)
class _Listed:
    """A listing, and what says that it is right: the folder's time, or when it was asked for."""

    stamp: float
    infos: Infos


class Listings:
    """Lists prefixes. Safe to use from several threads: what several of them want is asked for once.

    Args:
        store: The lake.
        kept_bytes: What remembered listings may take in memory.
        max_age_s: How old a listing of a bucket may be.
    """

    def __init__(self, store: Store, kept_bytes: int, max_age_s: float = MAX_AGE_S) -> None:
        self._store = store
        self._max_age_s = max_age_s
        self._known: WeightedCache[str, _Listed] = WeightedCache(kept_bytes)
        self._dirs: WeightedCache[str, tuple[float, tuple[str, ...]]] = WeightedCache(kept_bytes // 4)
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def objects(self, prefix: str) -> Infos:
        """The objects under a prefix, sorted by key; of a folder, those right in it are what is kept up to date.

        Raises:
            TransientError: The store does not answer.
        """
        stamp = self.changed_ns(prefix)
        if stamp == 0:
            return ()
        with self._locks[hash(prefix) % _LOCKS]:
            known = self._known.get(prefix)
            if known is not None and self._right(known.stamp, stamp):
                return known.infos
            asked = time.monotonic()
            infos = tuple(sorted(self._store.list_objects(prefix), key=lambda info: info.key))
            if known is not None and known.infos == infos:
                infos = known.infos  # the same objects again: whoever compares them is done at once
            if self.keeps(stamp):
                listed = _Listed(asked if stamp is None else stamp, infos)
                self._known.put(prefix, listed, _INFO_BYTES * (len(infos) + 1))
            return infos

    def forget(self, prefix: str) -> None:
        """List a prefix again the next time: it was seen not to be right any more."""
        self._known.put(prefix, _Listed(-1e18, ()), _INFO_BYTES)

    def folders(self, prefix: str) -> tuple[str, ...]:
        """The prefixes one level below a prefix, sorted, without their trailing slash.

        Raises:
            TransientError: The store does not answer.
        """
        stamp = self.changed_ns(prefix)
        if stamp == 0:
            return ()
        known = self._dirs.get(prefix)
        if known is not None and self._right(known[0], stamp):
            return known[1]
        asked = time.monotonic()
        found = tuple(self._store.list_dirs(prefix))
        if self.keeps(stamp):
            self._dirs.put(prefix, (asked if stamp is None else stamp, found), _INFO_BYTES * (len(found) + 1))
        return found

    def names(self, prefix: str) -> list[str]:
        """The names of what is right in a folder, in no order: cheaper than its objects. Only of a folder's lake."""
        try:
            return os.listdir(f"{self._store.root}/{prefix}")  # noqa: PTH208  strings are what is asked for
        except OSError:
            return []

    def changed_ns(self, prefix: str) -> int | None:
        """When a folder last changed, 0 where there is none; None from a bucket, which cannot tell."""
        return self._store.changed_ns(prefix)

    def changes(self, folders: Sequence[str]) -> list[int]:
        """When some folders of a folder's lake last changed, as `changed_ns`; asked of hundreds at once."""
        return self._store.changes(folders)

    def keeps(self, stamp: int | None) -> bool:
        """Whether a folder's time, seen before it was listed, will tell of the next change."""
        # what changed a moment ago may change again within the same tick of the file system's clock
        return stamp is None or stamp < time.time_ns() - TICK_NS

    def _right(self, known: float, stamp: int | None) -> bool:
        if stamp is None:
            return time.monotonic() - known < self._max_age_s
        return known == stamp
