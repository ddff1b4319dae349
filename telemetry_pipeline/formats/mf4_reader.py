"""The program that reads ASAM MDF 4 bus logging through asammdf, a channel group at a time instead of frame by frame.

It is a process of its own (see `mf4`). Group and channel names are those of the ASAM MDF bus logging associated standard.
"""

import datetime as dt
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.errors import first_line
from telemetry_pipeline.formats.frames import BATCH_FRAMES, NS_PER_S, Frames, concat, dlc_of
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX

FRAMES: Final = "frames.arrow"
"""Where the frames go; absent where the log has none."""

CUT: Final = "cut"
"""Metadata of the frames: how many groups lack their last record's payload."""

REASON: Final = "reason.txt"
"""Where it says why a log cannot be read."""

_GROUPS: Final = ("CAN_DataFrame", "CAN_ErrorFrame", "CAN_RemoteFrame")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def main(log: Path, folder: Path) -> int:
    """Read the CAN frames of `log`, all buses merged in order of time, into `FRAMES` in `folder`.

    Times are the float64 seconds of the file added to its start in whole nanoseconds.

    Returns:
        0, or 1 if the log cannot be read: then `REASON` says why.
    """
    try:
        frames, cut = _read_groups(log, folder)
    # asammdf raises whatever its parser trips over in a damaged file
    except Exception as error:
        (folder / REASON).write_text(first_line(error))
        return 1
    if frames is not None:
        table = (
            frames.take(np.argsort(frames.stamps, kind="stable"))
            .to_arrow()
            .replace_schema_metadata({CUT: str(cut)})
        )
        with pa.ipc.new_file(folder / FRAMES, table.schema) as file:
            file.write_table(table, max_chunksize=BATCH_FRAMES)
    return 0


def _read_groups(path: Path, folder: Path) -> tuple[Frames | None, int]:
    """The frames of all groups, one group after the other, and how many of them had to do without their last one."""
    from asammdf import MDF  # noqa: PLC0415  heavy, and only this format needs it

    parts: list[Frames] = []
    cut = 0
    with MDF(path, temporary_folder=folder) as mdf:
        start = _nanoseconds(mdf.header.start_time)
        for index, group in enumerate(mdf.groups):
            names = {channel.name for channel in group.channels}
            count = group.channel_group.cycles_nr
            for name in _GROUPS:
                if name not in names or not count:
                    continue
                try:
                    signal = mdf.get(name, index)
                except ValueError:
                    # a logger that lost power leaves a last record whose payload was never written
                    signal = mdf.get(name, index, record_offset=0, record_count=count - 1)
                    cut += 1
                parts.append(_to_frames(name, signal, start))
    return concat(parts) if parts else None, cut


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

    seconds = np.asarray(signal.timestamps)
    if not np.isfinite(seconds).all():
        raise ValueError("its times are damaged")
    error = name == "CAN_ErrorFrame"
    remote = name == "CAN_RemoteFrame"
    data, lengths = _payloads(name, samples, fields, column("DataLength"))
    fd = column("EDL") > 0
    told = column("DLC", default=-1)
    channels = np.asarray(samples[f"{name}.BusChannel"]) if f"{name}.BusChannel" in fields else None
    return Frames(
        np.rint(seconds * NS_PER_S).astype(np.int64) + start,
        (column("ID") & EXTENDED_ID_MAX).astype(np.uint32),
        np.where((told < 0) | (told > 15), dlc_of(lengths), told).astype(np.uint8),
        data,
        column("IDE") > 0,
        fd,
        fd & (column("BRS") > 0),
        fd & (column("ESI") > 0),
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


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
