"""Lines of text become frames: one regular expression over a whole chunk, then arrays instead of lines.

What a format looks like is `dialects`' business; files and chunks are `lines`'.
"""

import binascii
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.dialects import TIMELESS, Dialect, check_header
from telemetry_pipeline.formats.frames import FD_LENGTHS, NS_PER_S, Frames, concat, dlc_of
from telemetry_pipeline.formats.lines import Chunk, read_chunks
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.lake.schema import EXTENDED_ID_MAX, STANDARD_ID_MAX

REAL_CLOCK_NS: Final = 631_152_000 * NS_PER_S
"""1990-01-01: no CAN frame was logged before by a clock that was set; earlier times count from a logger's boot."""

_ERROR_FLAG: Final = 0x2000_0000
_REMOTE_FLAG: Final = 0x4000_0000
_EXTENDED_FLAG: Final = 0x8000_0000
_BITRATE_SWITCH: Final = 0x01
_ERROR_STATE: Final = 0x02
"""Bits of `fd_flags`, as in SocketCAN."""

_LATEST_S: Final = 9_223_372_035
"""The last whole second that int64 nanoseconds hold."""

_NOT_HEX: Final = 0xFF
_NIBBLE: Final = np.full(256, _NOT_HEX, np.uint8)
_NIBBLE[[ord(digit) for digit in "0123456789abcdef"]] = range(16)
_NIBBLE[[ord(digit) for digit in "ABCDEF"]] = range(10, 16)
_FD_LENGTH: Final = np.isin(np.arange(65), FD_LENGTHS)
_FALSE: Final = pa.array([b"", b"0", b"false", b"False", b"FALSE"])

_Matches: TypeAlias = tuple[npt.NDArray[np.int64], Frames]


def read_text(path: Path, dialect: Dialect, head: bytes, report: LogReport) -> Iterator[Frames]:
    """Read the frames of a text log in the order of its lines; what is no frame is counted in `report`.

    Raises:
        BadLog: The file cannot be read, or none of its lines is a frame.
    """
    report.format = dialect.name
    origin = check_header(dialect, head, str(path))
    floor = None
    blank: list[int] = []
    for chunk in read_chunks(path, report):
        numbers, frames = match_frames(chunk.lines, dialect)
        stamps = frames.stamps + origin
        if floor is None and len(stamps):
            floor = REAL_CLOCK_NS if stamps[0] >= REAL_CLOCK_NS else 0
        good = stamps >= (floor or 0)
        _count_lines(chunk, numbers[good], dialect, blank, report)
        if good.any():
            yield frames.at(stamps).take(good)
    if floor is None and report.bad_lines:
        raise BadLog(f"none of its {report.bad_lines} lines is a frame", str(path), f"Read as {dialect.name}")


def match_frames(lines: pa.BinaryArray, dialect: Dialect) -> _Matches:
    """The frames among lines: their indices, ascending, and their columns."""
    left = np.arange(len(lines))
    found: list[_Matches] = []
    for pattern in dialect.patterns:
        groups = pc.extract_regex(lines if len(left) == len(lines) else lines.take(left), pattern)
        hit = groups.is_valid().to_numpy(zero_copy_only=False)
        at, frames = _convert(left[hit], groups.drop_null(), dialect)
        found.append((at, frames))
        left = left[~hit]
        if not len(left):
            break
    at = np.concatenate([part for part, _ in found])
    frames = concat([part for _, part in found])
    order = np.argsort(at, kind="stable")
    return at[order], frames.take(order)


def looks_timeless(head: bytes) -> bool:
    """Whether the log's first lines are frames without a time."""
    return any(TIMELESS.match(line) for line in head.splitlines())


def _count_lines(
    chunk: Chunk, frames_at: npt.NDArray[np.int64], dialect: Dialect, blank: list[int], report: LogReport
) -> None:
    """Count the lines that gave no frame. A blank line is damage only between frames: `blank` holds it until then."""
    rest = np.setdiff1d(np.arange(len(chunk.lines)), frames_at, assume_unique=True)
    last = int(frames_at[-1]) if len(frames_at) else -1
    first = int(frames_at[0]) if len(frames_at) else len(chunk.lines)
    if last >= 0:
        report.add_bad_lines(blank)
        blank.clear()
    started = report.bad_lines > 0 or report.frames > 0
    bad = []
    for index, line in zip(rest.tolist(), chunk.lines.take(rest).to_pylist(), strict=True):
        if not line.strip():
            if index > last and (started or last >= 0):
                blank.append(chunk.first_line + index)
            elif index > first or started:
                bad.append(chunk.first_line + index)
        elif dialect.other.match(line):
            report.other_lines += 1
        else:
            bad.append(chunk.first_line + index)
    report.add_bad_lines(bad)


def _convert(at: npt.NDArray[np.int64], groups: pa.StructArray, dialect: Dialect) -> _Matches:
    """Turn the matches of one pattern into frames; matches that are no possible frame are left out."""
    names = {field.name for field in groups.type}

    def flag(name: str) -> npt.NDArray[np.bool_]:
        if name not in names:
            return np.zeros(len(groups), np.bool_)
        return ~np.asarray(pc.is_in(groups.field(name), _FALSE))

    def text(name: str) -> pa.Array:
        return groups.field(name) if name in names else pa.repeat(pa.scalar(b""), len(groups))

    if "data64" in names:
        data, whole = _from_base64(groups.field("data64"))
    else:
        data, whole = _from_hex(text("data"))
    lengths = _lengths(data)
    if "length" in names:
        wanted = _integers(groups.field("length"), default=-1)
        whole &= flag("remote") | (wanted <= lengths)
        data = _cut(data, np.where((wanted >= 0) & (wanted < lengths), wanted, lengths))
        lengths = _lengths(data)

    ids, digits = _from_hex_numbers(text("id"))
    error = flag("error") | (ids & _ERROR_FLAG > 0)
    remote = flag("remote") | (ids & _REMOTE_FLAG > 0)
    extended = flag("extended") if dialect.has_flag else digits > dialect.standard_digits
    extended = (extended | (ids & _EXTENDED_FLAG > 0)) & ~error
    ids &= EXTENDED_ID_MAX
    fd = flag("fd") | (lengths > 8)
    fd_flags, _ = _from_hex_numbers(text("fd_flags"))

    stamps, in_range = _stamps(groups, names, dialect.unit_ns)
    good = whole & in_range & (extended | error | (ids <= STANDARD_ID_MAX))
    good &= (lengths <= 64) & _FD_LENGTH[np.minimum(lengths, 64)] & ~(remote & (lengths > 0))
    dlc = dlc_of(np.minimum(lengths, 64))
    for name in ("size", "code", "length"):
        if name in names:
            told, width = _from_hex_numbers(groups.field(name))
            dlc = np.where((width == 1) & ~(fd & ~remote), told, dlc).astype(np.uint8)
    frames = Frames(
        stamps,
        ids.astype(np.uint32),
        dlc,
        data,
        extended,
        fd,
        fd & (flag("brs") | flag("both") | (fd_flags & _BITRATE_SWITCH > 0)),
        fd & (flag("esi") | flag("both") | (fd_flags & _ERROR_STATE > 0)),
        error,
        remote,
        text("channel").cast(pa.string()),
    )
    return (at, frames) if good.all() else (at[good], frames.take(good))


def _stamps(
    groups: pa.StructArray, names: set[str], unit_ns: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Times as int64 nanoseconds, exactly as written (digits below the nanosecond are cut), and which fit."""
    whole = groups.field("time").cast(pa.string()).cast(pa.int64()).to_numpy()
    fits = whole <= _LATEST_S * NS_PER_S // unit_ns
    stamps = np.where(fits, whole, 0) * unit_ns
    if "fraction" in names:
        digits = len(str(unit_ns)) - 1
        fraction = pc.utf8_slice_codeunits(groups.field("fraction").cast(pa.string()), 0, digits)
        stamps += pc.utf8_rpad(fraction, digits, padding="0").cast(pa.int64()).to_numpy()
    if "exponent" in names:
        powers = groups.field("exponent")
        for row in np.flatnonzero(pc.not_equal(powers, b"").to_numpy(zero_copy_only=False)).tolist():
            spelled = b".".join(groups.field(name)[row].as_py() for name in ("time", "fraction"))
            stamps[row] = int(Decimal((spelled.rstrip(b".") + powers[row].as_py()).decode()) * unit_ns)
    return stamps, fits


def _integers(column: pa.Array, default: int) -> npt.NDArray[np.int64]:
    """Decimal numbers as int64; `default` where there is none."""
    spelled = pc.if_else(pc.equal(column, b""), str(default).encode(), column)
    return spelled.cast(pa.string()).cast(pa.int64()).to_numpy()  # type: ignore[no-any-return]


def _buffers(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Offsets, from 0, and bytes of a binary column."""
    _, offsets, values = column.buffers()
    ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1].astype(np.int64)
    flat = np.frombuffer(values, np.uint8) if values is not None else np.empty(0, np.uint8)
    return ends - ends[0], flat[ends[0] : ends[-1]]


def _lengths(data: pa.Array) -> npt.NDArray[np.int64]:
    return pc.binary_length(data).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _binary(lengths: npt.NDArray[np.int64], flat: npt.NDArray[np.uint8]) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.Array.from_buffers(
        pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(flat))]
    )


def _from_hex(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Payloads from hex digits with any separators, and which have whole bytes; the others come out empty."""
    ends, flat = _buffers(column)
    nibbles = _NIBBLE[flat]
    digit = nibbles != _NOT_HEX
    counted = np.concatenate([[0], np.cumsum(digit)])
    counts = counted[ends[1:]] - counted[ends[:-1]]
    whole = counts % 2 == 0
    if not whole.all():
        digit &= np.repeat(whole, np.diff(ends))
        counts = np.where(whole, counts, 0)
    kept = nibbles[digit]
    return _binary(counts // 2, kept[0::2] << 4 | kept[1::2]), whole


def _from_base64(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.bool_]]:
    """Payloads from base64, and which are that; the others come out empty."""
    payloads: list[bytes | None] = []
    for spelled in column.to_pylist():
        try:
            payloads.append(binascii.a2b_base64(spelled, strict_mode=True))
        except binascii.Error:
            payloads.append(None)
    data = pa.array(payloads, pa.binary())
    return data.fill_null(b""), data.is_valid().to_numpy(zero_copy_only=False)


def _from_hex_numbers(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Numbers from up to 8 hex digits, 0 where there is none, and how many digits each has."""
    ends, flat = _buffers(column)
    widths = np.diff(ends)
    below = np.repeat(ends[1:], widths) - 1 - np.arange(len(flat))
    sums = np.concatenate([[0], np.cumsum(_NIBBLE[flat].astype(np.int64) << 4 * below)])
    return sums[ends[1:]] - sums[ends[:-1]], widths


def _cut(data: pa.Array, lengths: npt.NDArray[np.int64]) -> pa.Array:
    """The first `lengths` bytes of each payload, none longer than it is."""
    ends, flat = _buffers(data)
    old: Any = np.diff(ends)
    position = np.arange(len(flat)) - np.repeat(ends[:-1], old)
    return _binary(lengths, flat[position < np.repeat(lengths, old)])
