"""The bytes of one object, as far as they are needed: a file by position, an object of a bucket by ranges.

What the bytes mean is not known here.
"""

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.compacted import OVERVIEW
from telemetry_pipeline.lake.store import ObjectInfo, Store

Range = tuple[int, int]
"""Where some bytes begin, and how many they are."""

WHOLE_BYTES: Final = 1 << 20
"""An object of a bucket that is not larger is fetched whole: one answer takes longer than its bytes."""

_NAMED_BY_CONTENT: Final = (f"{layout.SERIES}/", OVERVIEW)

_TAIL_BYTES: Final = 1 << 17
"""What is fetched to see a footer; a longer one takes a second request."""


class Source(Protocol):
    """An open object."""

    arrow: pa.NativeFile
    """The object for Arrow: only what was fetched may be read of it."""

    def fetch(self, ranges: Sequence[Range]) -> None:
        """Make sure that ranges are there; those near each other come together.

        Raises:
            NotFound: The object is gone.
            TransientError: The store does not answer.
        """
        ...

    def fetch_footer(self) -> None:
        """Make sure that the Parquet footer is there; raises as `fetch`."""
        ...

    def read(self, at: Range) -> bytes:
        """The bytes of a range that was fetched; fewer where the object ends before."""
        ...


@contextmanager
def open_source(store: Store, info: ObjectInfo) -> Iterator[Source]:
    """Open an object of a listing.

    Raises:
        FileNotFoundError: It is gone.
        NotFound: Likewise.
        TransientError: The store does not answer.
    """
    if store.root is None:
        yield _Remote(store, info)
        return
    # read by position rather than mapped: a foreign writer that truncates a mapped file would end the process
    with pa.OSFile(f"{store.root}/{info.key}") as file:
        yield _File(file)


class _File:
    """A local file: everything is there."""

    def __init__(self, file: pa.OSFile) -> None:
        self.arrow = file

    def fetch(self, ranges: Sequence[Range]) -> None:
        del ranges

    def fetch_footer(self) -> None:
        return

    def read(self, at: Range) -> bytes:
        return bytes(self.arrow.read_at(at[1], at[0]))


class _Remote:
    """An object of a bucket in memory that stands for all of it; only pages that were fetched take any."""

    def __init__(self, store: Store, info: ObjectInfo) -> None:
        self._store = store
        self._info = info
        self._body = np.zeros(info.size, np.uint8)
        self._whole = False
        # the key of what is compacted stands for its bytes; any other may have other bytes by now
        self._whole_at_once = info.size <= WHOLE_BYTES or not info.key.startswith(_NAMED_BY_CONTENT)
        self.arrow = pa.BufferReader(pa.py_buffer(self._body))

    def fetch(self, ranges: Sequence[Range]) -> None:
        if self._whole or not ranges:
            return
        if self._whole_at_once:
            self._put((0, self._info.size), self._store.get(self._info.key, self._info.etag))
            self._whole = True
            return
        distinct = sorted(set(ranges))
        for at, body in zip(distinct, self._store.get_ranges(self._info.key, distinct), strict=True):
            self._put(at, body)

    def fetch_footer(self) -> None:
        size = self._info.size
        tail = min(size, _TAIL_BYTES)
        self.fetch([(size - tail, tail)])
        if size >= 8:
            (footer,) = struct.unpack("<I", self._body[-8:-4].tobytes())
            if tail < footer + 8 <= size:
                self.fetch([(size - footer - 8, footer + 8 - tail)])

    def read(self, at: Range) -> bytes:
        return self._body[at[0] : at[0] + at[1]].tobytes()

    def _put(self, at: Range, body: bytes) -> None:
        part = np.frombuffer(body, np.uint8)
        self._body[at[0] : at[0] + len(part)] = part[: len(self._body) - at[0]]
