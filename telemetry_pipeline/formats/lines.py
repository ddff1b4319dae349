"""Text logs as chunks of whole lines, plain or gzipped, with the number of their first line.

A gzip stream that ends early gives what is readable; that it did so is told in the report.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import numpy as np
import pyarrow as pa

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.report import LogReport

CHUNK_BYTES: Final = 4 << 20
"""About 100,000 lines of candump; a text log is never held whole."""

LINE_MAX: Final = 1 << 20
"""A longer line is no line of any CAN log: the file is something else."""

GZIP_MAGIC: Final = b"\x1f\x8b"

_READ_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Chunk:
    """Whole lines of a log.

    Attributes:
        first_line: The number of the first line, counted from 1.
        lines: binary (n,), each line with its line end.
    """

    first_line: int
    lines: pa.BinaryArray


def open_log(path: Path) -> BinaryIO:
    """Open a log for reading, unpacking gzip by its magic bytes.

    Raises:
        BadLog: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(2)
        return cast("BinaryIO", gzip.open(path)) if magic == GZIP_MAGIC else path.open("rb")
    except OSError as error:
        raise BadLog(f"cannot be opened ({error.strerror or error})", str(path)) from error


def read_head(path: Path, size: int) -> bytes:
    """The first bytes of a log, unpacked; fewer where it is damaged.

    Raises:
        BadLog: The file cannot be opened.
    """
    head = b""
    for block in _blocks(path, LogReport()):
        head += block
        if len(head) >= size:
            break
    return head[:size]


def read_chunks(path: Path, report: LogReport) -> Iterator[Chunk]:
    """Read a text log in chunks of about `CHUNK_BYTES`.

    Raises:
        BadLog: The file cannot be opened, or it has no lines.
    """
    number = 1
    held: list[bytes] = []
    size = 0
    for block in _blocks(path, report):
        held.append(block)
        size += len(block)
        if size < CHUNK_BYTES:
            continue
        text = b"".join(held)
        end = text.rfind(b"\n") + 1
        if len(text) - end > LINE_MAX:
            raise BadLog("its lines have no end", str(path), "Is this a CAN log?")
        chunk = Chunk(number, split_lines(text[:end]))
        number += len(chunk.lines)
        held, size = [text[end:]], len(text) - end
        yield chunk
    if rest := b"".join(held):
        yield Chunk(number, split_lines(rest))


def split_lines(text: bytes) -> pa.BinaryArray:
    """Each line of `text` with its line end, as binary (n,), without copying it."""
    ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")) + 1
    last = [] if text.endswith(b"\n") or not text else [len(text)]
    offsets = np.concatenate([[0], ends, last]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(text)]
    )


def _blocks(path: Path, report: LogReport) -> Iterator[bytes]:
    with open_log(path) as file:
        while True:
            try:
                # read1 hands out what is unpacked before the place where the stream breaks
                block = file.read1(_READ_BYTES)  # type: ignore[attr-defined]
            except (EOFError, zlib.error, OSError) as error:
                report.damage = f"it cannot be read to its end ({error})"
                return
            if not block:
                return
            yield block
