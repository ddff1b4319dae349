"""The one door of the room: a log file in, tables of raw frames out.

The format is told by the file's content; its name's extension counts only where the content tells nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.blf import BLF_MAGIC, read_blf
from telemetry_pipeline.formats.dialects import DIALECTS, Dialect
from telemetry_pipeline.formats.frames import Frames
from telemetry_pipeline.formats.lines import GZIP_MAGIC, read_head, split_lines
from telemetry_pipeline.formats.mf4 import MF4_MAGICS, read_mf4
from telemetry_pipeline.formats.order import in_order
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.formats.text import REAL_CLOCK_NS, looks_timeless, match_frames, read_text
from telemetry_pipeline.lake.layout import check_vehicle_id

HEAD_BYTES: Final = 65_536
"""How much of a log is looked at to tell its format."""

_KNOWN: Final = "Known: candump, ASC, TRC, BLF, MF4, CSV of python-can, SavvyCAN and CANedge, CRTD"


def read_log(
    path: Path,
    *,
    vehicle_id: str,
    channel: str | None = None,
    start_ns: int | None = None,
    report: LogReport | None = None,
) -> Iterator[pa.Table]:
    """Read a recorded log as raw frames.

    Args:
        path: The log; text formats may be gzipped.
        vehicle_id: The vehicle that the frames are of.
        channel: Of a log that names channels: the only one to keep. Of a log that names none: its name.
        start_ns: The instant of the log's first frame (of any channel), int64 nanoseconds since the epoch; every
            frame moves with it. Needed where the log counts from its own start.
        report: Filled with what came of the log.

    Yields:
        Tables of schema `RAW_FD`, some 100,000 frames each, in order of time (see `in_order`).

    Raises:
        BadKey: The vehicle id is not one.
        BadLog: The file is no log that can be read, has no absolute times and no `start_ns` is given, or has no
            frames of the wanted channel.
    """
    check_vehicle_id(vehicle_id)
    report = LogReport() if report is None else report
    shift = None
    channels: set[str] = set()
    for frames in in_order(_read_frames(path, report), report):
        if shift is None:
            shift = _shift(int(frames.stamps[0]), start_ns, str(path))
        table = frames.at(frames.stamps + shift).to_table(vehicle_id)
        if channel is not None:
            channels.update(pc.unique(table["channel"]).to_pylist())
            table = _of_channel(table, channel, report)
        _count(table, report)
        if table.num_rows:
            yield table
    if channel is not None and channels and not report.frames:
        raise BadLog(
            f"it has no frames of channel {channel}", str(path), f"It has {', '.join(sorted(channels))}"
        )


def _read_frames(path: Path, report: LogReport) -> Iterator[Frames]:
    head = read_head(path, HEAD_BYTES)
    if not head:
        raise BadLog("it is empty", str(path))
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    suffix = suffixes[-1] if suffixes else ""
    if head.startswith((BLF_MAGIC, *MF4_MAGICS)):
        with path.open("rb") as file:
            if file.read(2) == GZIP_MAGIC:
                raise BadLog("a binary log is read unpacked only", str(path), "Run gunzip on it")
        return read_blf(path, report) if head.startswith(BLF_MAGIC) else read_mf4(path, report)
    if suffix in (".blf", ".mf4"):
        raise BadLog(f"its name says {suffix[1:].upper()}, but its content is something else", str(path))
    return read_text(path, _dialect(path, head, suffix), head, report)


def _dialect(path: Path, head: bytes, suffix: str) -> Dialect:
    """The text format of which most of the first lines are."""
    lines = split_lines(head)
    hits = [len(match_frames(lines, dialect)[0]) for dialect in DIALECTS]
    if any(hits):
        return DIALECTS[int(np.argmax(hits))]
    if looks_timeless(head):
        raise BadLog("its frames have no times", str(path), "Record with candump -L, or with -t a")
    for dialect in DIALECTS:
        if suffix == dialect.suffix and any(dialect.other.match(line) for line in head.splitlines()):
            return dialect
    raise BadLog("not a CAN log that can be read", str(path), _KNOWN)


def _shift(first: int, start_ns: int | None, where: str) -> int:
    if start_ns is not None:
        return start_ns - first
    if first < REAL_CLOCK_NS:
        raise BadLog(
            f"its times count from its own start (the first is {first / 1e9:.6f} s)",
            where,
            "Pass --start with the instant of its first frame",
        )
    return 0


def _of_channel(table: pa.Table, channel: str, report: LogReport) -> pa.Table:
    """Keep the frames of a channel; frames of no channel get its name."""
    names = pc.if_else(pc.equal(table["channel"], ""), channel, table["channel"])
    table = table.set_column(table.column_names.index("channel"), table.schema.field("channel"), names)
    kept = table.filter(pc.equal(table["channel"], channel))
    report.other_channels += table.num_rows - kept.num_rows
    return kept


def _count(table: pa.Table, report: LogReport) -> None:
    if not table.num_rows:
        return
    report.frames += table.num_rows
    report.error_frames += pc.sum(table["is_error_frame"]).as_py()
    report.remote_frames += pc.sum(table["is_remote_frame"]).as_py()
    ends = pc.min_max(table["timestamp"].cast(pa.int64()))
    first, last = ends["min"].as_py(), ends["max"].as_py()
    report.first_ns = first if report.first_ns is None else min(report.first_ns, first)
    report.last_ns = last if report.last_ns is None else max(report.last_ns, last)
