"""The journal: frames on disk within a second of their arrival, in blocks that prove themselves.

A journal is a file of blocks, only ever appended to. A block holds frames of one channel that arrived together:

    magic "CANJ" | version | payload width | clock state | length of the channel's name | bytes of the body
    | block number | journal number | since boot, ns | wall clock less that, ns | CRC-32 | body: channel, records

all little-endian. The CRC covers everything else, and the journal number, which is random and stands in the file's
name, tells this file's blocks from what the disk held before. When a window becomes a raw object is not known here.
"""

import errno
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import numpy as np

from edge_agent.records import DTYPES, Arrival

_HEADER: Final = struct.Struct("<4sBBBBIIQqqI")
_CRC: Final = _HEADER.size - 4
_MAGIC: Final = b"CANJ"
_VERSION: Final = 1


class ClockState(IntEnum):
    """How far the wall clock was to be trusted when a block was written."""

    UNKNOWN = 0
    """Nobody had set it, and it named no possible time."""

    UNSYNCED = 1
    """It named a possible time, but nothing vouched for it."""

    KNOWN = 2
    """The time was known, and the block's offset is that of the whole session."""


@dataclass(frozen=True)
class Reading:
    """The clocks at one moment, nanoseconds: time since the boot, and what to add to it for the time of day."""

    since_boot: int
    offset: int
    state: ClockState


@dataclass(frozen=True)
class Block:
    """One block of a journal: what arrived, what the clocks said, and the bytes that it takes."""

    arrival: Arrival
    reading: Reading
    size: int


class Journal:
    """A journal that is being written.

    Args:
        path: Where it is made.
        number: Its own number, 64 random bits.

    Raises:
        OSError: It cannot be made.
    """

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self.frames = 0
        self.bytes = 0
        self.is_doubtful = False
        """Whether the disk has failed to take something of it; a later sync that succeeds does not mend that."""
        self._number = number
        self._blocks = 0
        self._synced = 0
        self._closing = threading.Lock()
        self._file: int | None = os.open(
            path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644
        )
        try:
            sync_folder(path.parent)
        except OSError:
            self.close()
            path.unlink()
            raise

    def append(self, arrival: Arrival, reading: Reading) -> None:
        """Write one block; from here on it outlives this process.

        Raises:
            OSError: The disk does not take it; the journal ends with the block before.
        """
        if self._file is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        head, body = pack_block(arrival, reading, self._number, self._blocks)
        size, written = len(head) + len(body), 0
        try:
            written = os.writev(self._file, (head, body))
        finally:
            if written != size:
                # a full disk takes a part first; what is written behind it would be searched for
                os.ftruncate(self._file, self.bytes)
        if written != size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.bytes += size
        self.frames += len(arrival.records)
        self._blocks += 1

    def sync(self) -> None:
        """Have everything that is written by now on the disk; what outlives this outlives a power cut.

        Raises:
            OSError: The disk does not take it. A card's fault is said once: the kernel counts as clean what it could
                not write, and the next sync finds nothing to do.
        """
        with self._closing:  # else the number could be another file's by now
            upto = self.bytes
            if upto > self._synced and self._file is not None:
                try:
                    _sync_file(self._file)
                except OSError:
                    self.is_doubtful = True
                    raise
                self._synced = upto

    def close(self) -> None:
        """Write nothing more."""
        with self._closing:
            if self._file is not None:
                os.close(self._file)
            self._file = None


def pack_block(arrival: Arrival, reading: Reading, number: int, nth: int) -> tuple[bytes, memoryview]:
    """One block: what stands before its frames, and the frames."""
    name = arrival.channel.encode()
    frames = np.ascontiguousarray(arrival.records).view(np.uint8).data
    width = arrival.records["data"].shape[1]
    head = _HEADER.pack(
        *(_MAGIC, _VERSION, width, reading.state, len(name), len(name) + len(frames), nth, number),
        *(reading.since_boot, reading.offset, 0),
    )[:_CRC]
    checksum = zlib.crc32(frames, zlib.crc32(name, zlib.crc32(head)))
    return head + checksum.to_bytes(4, "little") + name, frames


def scan(content: bytes, number: int) -> Iterator[Block]:
    """The whole blocks of a journal, in their order, each once.

    A block that is damaged, or torn by a power cut, is left out; the search goes on behind where it began.
    """
    at, last = 0, -1
    view = memoryview(content)
    while (at := content.find(_MAGIC, at)) >= 0:
        if found := _block_at(view, at, number):
            block, nth, end = found
            if nth > last:
                yield block
                last = nth
            at = end
        else:
            at += 1


def _block_at(view: memoryview, at: int, number: int) -> tuple[Block, int, int] | None:
    """The block that begins at `at`, its number, and where it ends; None if there is no whole one."""
    if len(view) - at < _HEADER.size:
        return None
    _, version, width, state, named, size, nth, owner, since_boot, offset, crc = _HEADER.unpack_from(view, at)
    body, end = at + _HEADER.size, at + _HEADER.size + size
    if version != _VERSION or owner != number or width not in DTYPES or named > size or end > len(view):
        return None
    if (size - named) % DTYPES[width].itemsize or state > ClockState.KNOWN:
        return None
    if zlib.crc32(view[body:end], zlib.crc32(view[at : at + _CRC])) != crc:
        return None
    records = np.frombuffer(view[body + named : end], DTYPES[width])
    # frames are kept whatever their channel is called
    arrival = Arrival(bytes(view[body : body + named]).decode(errors="replace"), records)
    block = Block(arrival, Reading(since_boot, offset, ClockState(state)), end - at)
    return block, nth, end


def _sync_file(handle: int) -> None:
    # an ext4 that has given up says so here, each time, though its mount is one that can be written
    os.fdatasync(handle)
    # a mount that has become one that can only be read takes it and forgets it
    if os.fstatvfs(handle).f_flag & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


def sync_folder(folder: Path) -> None:
    """Have names that were made, changed or removed in a folder on the disk.

    Raises:
        OSError: The disk does not take it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
