"""Vector BLF logs, through python-can's reader."""

import struct
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.frames import BATCH_FRAMES, Frames, dlc_of
from telemetry_pipeline.formats.report import LogReport

BLF_MAGIC = b"LOGG"


def read_blf(path: Path, report: LogReport) -> Iterator[Frames]:
    """Read the frames of a BLF log in its order, channels numbered from 1 as in the file.

    Times are rounded to the microsecond: the reader hands out epoch seconds as float64. The header's start time
    has no zone and is taken for UTC.

    Raises:
        BadLog: The file is no BLF, or cannot be opened.
    """
    from can.io.blf import BLFParseError, BLFReader  # noqa: PLC0415  heavy, and only this format needs it

    report.format = "BLF"
    damaged = (BLFParseError, struct.error, zlib.error, ValueError, IndexError, OSError)
    with path.open("rb") as file:
        try:
            reader = BLFReader(file)
        except damaged as error:
            raise BadLog(f"not a readable BLF file ({error})", str(path)) from error
        size = path.stat().st_size
        if size < reader.file_size:
            report.damage = f"it is cut: {size} of {reader.file_size} bytes"
        messages = iter(reader)
        while True:
            batch: list[Any] = []
            try:
                batch.extend(islice(messages, BATCH_FRAMES))
            except damaged as error:
                report.damage = report.damage or f"it cannot be read to its end ({error or 'broken object'})"
            if not batch:
                return
            yield _to_frames(batch)


def _to_frames(messages: list[Any]) -> Frames:
    seconds = np.array([message.timestamp for message in messages])
    data = pa.array([bytes(message.data) for message in messages], pa.binary())
    lengths = np.array([len(message.data) for message in messages])
    told = np.array([message.dlc for message in messages])
    fd = _flags(messages, "is_fd")
    # python-can gives payload bytes for a CAN FD frame's DLC, and whatever the file says for a classic one's
    dlc = np.where(fd | (told > 15), dlc_of(np.maximum(lengths, np.where(fd, told, 0))), told)
    error = _flags(messages, "is_error_frame")
    return Frames(
        np.rint(seconds * 1e6).astype(np.int64) * 1_000,
        np.array([message.arbitration_id for message in messages], np.uint32),
        dlc.astype(np.uint8),
        data,
        _flags(messages, "is_extended_id"),
        fd,
        fd & _flags(messages, "bitrate_switch"),
        fd & _flags(messages, "error_state_indicator"),
        error,
        _flags(messages, "is_remote_frame"),
        pa.array([str(message.channel + 1) for message in messages], pa.string()),
    )


def _flags(messages: list[Any], name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([getattr(message, name) for message in messages], np.bool_)
