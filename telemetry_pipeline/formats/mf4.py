"""ASAM MDF 4 bus logging (CANedge and others), through asammdf, a channel group at a time instead of frame by frame.

Group and channel names are those of the ASAM MDF bus logging associated standard.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.frames import BATCH_FRAMES, NS_PER_S, Frames, concat, dlc_of
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

MF4_MAGICS: Final = (b"MDF     ", b"UnFinMF ")

_GROUPS: Final = ("CAN_DataFrame", "CAN_ErrorFrame", "CAN_RemoteFrame")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def read_mf4(path: Path, report: LogReport) -> Iterator[Frames]:
    """Read the CAN frames of an MF4 log, all buses merged in order of time; a file without any gives nothing.

    Times are the float64 seconds of the file added to its start in whole nanoseconds.

    Raises:
        BadLog: The file is no MF4, or cannot be read.
    """
    report.format = "MF4"
    try:
        frames = _read_groups(path)
    # asammdf raises whatever its parser trips over in a damaged file
    except Exception as error:
        line = str(error).strip().partition("\n")[0][:200]
        raise BadLog(f"not a readable MF4 file ({line or type(error).__name__})", str(path)) from error
    if frames is None:
        return
    frames = frames.take(np.argsort(frames.stamps, kind="stable"))
    for start in range(0, len(frames.stamps), BATCH_FRAMES):
        yield frames.take(np.arange(start, min(start + BATCH_FRAMES, len(frames.stamps))))


def _read_groups(path: Path) -> Frames | None:
    from asammdf import MDF  # noqa: PLC0415  heavy, and only this format needs it

    parts: list[Frames] = []
    with MDF(path) as mdf:
        start = _nanoseconds(mdf.header.start_time)
        for index, group in enumerate(mdf.groups):
            names = {channel.name for channel in group.channels}
            present = [name for name in _GROUPS if name in names and group.channel_group.cycles_nr]
            parts.extend(_to_frames(name, mdf.get(name, index), start) for name in present)
    return concat(parts) if parts else None


def _nanoseconds(instant: dt.datetime) -> int:
    if instant.tzinfo is None:
        instant = instant.astimezone()
    return (instant - _EPOCH) // dt.timedelta(microseconds=1) * 1_000


def _to_frames(name: str, signal: Any, start: int) -> Frames:  # noqa: ANN401  asammdf has no types
    samples = signal.samples
    count = len(samples)
    fields = samples.dtype.names or ()

    def column(field: str, default: int = 0) -> npt.NDArray[np.int64]:
        if f"{name}.{field}" not in fields:
            return np.full(count, default, np.int64)
        return np.asarray(samples[f"{name}.{field}"]).astype(np.int64)

    error = name == "CAN_ErrorFrame"
    remote = name == "CAN_RemoteFrame"
    data, lengths = _payloads(name, samples, fields, column("DataLength"))
    fd = column("EDL") > 0
    told = column("DLC", default=-1)
    channels = np.asarray(samples[f"{name}.BusChannel"]) if f"{name}.BusChannel" in fields else None
    return Frames(
        np.rint(np.asarray(signal.timestamps) * NS_PER_S).astype(np.int64) + start,
        (column("ID") & EXTENDED_ID_MAX).astype(np.uint32),
        np.where((told < 0) | (told > 15), dlc_of(lengths), told).astype(np.uint8),
        data,
        column("IDE") > 0,
        fd,
        np.full(count, error),
        np.full(count, remote) | (column("RTR") > 0),
        pa.repeat("", count) if channels is None else pa.array(channels).cast(pa.string()),
    )


def _payloads(
    name: str, samples: npt.NDArray[Any], fields: tuple[str, ...], told: npt.NDArray[np.int64]
) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The payloads, binary (n,), and their lengths; a remote frame has none."""
    if f"{name}.DataBytes" not in fields:
        return pa.repeat(pa.scalar(b""), len(samples)), np.zeros(len(samples), np.int64)
    block = np.asarray(samples[f"{name}.DataBytes"])
    lengths = np.minimum(told, block.shape[1])
    flat = np.ascontiguousarray(block[np.arange(block.shape[1]) < lengths[:, None]])
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(samples), [None, pa.py_buffer(offsets), pa.py_buffer(flat)]
    ), lengths
