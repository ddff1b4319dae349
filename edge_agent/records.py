"""Frames as arrays: the form in which they arrive and lie in the journal, 24 bytes a frame, 80 with CAN FD.

Behind the time stamp a record is laid out as the kernel's `struct canfd_frame`, so that frames are received right
into it. Columns of the lake are made here and nowhere else in the agent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from edge_agent.frames import dlc_of
from telemetry_pipeline.lake import schema

_CHUNK: Final = 1 << 14
"""Frames that become columns at once: they stay in the processor's cache meanwhile."""

Records = npt.NDArray[Any]
"""A structured array of dtype `CLASSIC` or `WIDE`."""

EXTENDED: Final = 0x8000_0000
REMOTE: Final = 0x4000_0000
ERROR: Final = 0x2000_0000
ID_MASK: Final = 0x1FFF_FFFF
"""The bits of `id` that are the arbitration id; the others are the three flags above, as in SocketCAN."""

BITRATE_SWITCH: Final = 0x01
ERROR_STATE: Final = 0x02
FD: Final = 0x04
"""Bits of `flags`, as in SocketCAN; a frame has one of the first two only with `FD`."""


def _dtype(width: int) -> np.dtype[Any]:
    names = [("stamp", "<i8"), ("id", "<u4"), ("length", "u1"), ("flags", "u1"), ("spare", "u1", 2)]
    return np.dtype([*names, ("data", "u1", width)])


CLASSIC: Final = _dtype(8)
WIDE: Final = _dtype(64)
DTYPES: Final = {8: CLASSIC, 64: WIDE}


@dataclass(frozen=True)
class Arrival:
    """Frames of one channel that came together, in the order in which they came; possibly none.

    `stamp` is nanoseconds: since the epoch when a source hands them over, since the boot in the journal. `length` is
    the payload's, or what a remote frame asks for.
    """

    channel: str
    records: Records


NOTHING: Final = Arrival("", np.empty(0, CLASSIC))
"""What a source gives when nothing has come."""


def copied(records: Records) -> Records:
    """A copy of frames."""
    return _whole(records).copy().view(records.dtype)


def joined(parts: Sequence[Records]) -> Records:
    """Frames one after the other, in the dtype that holds them all."""
    if not parts:
        return np.empty(0, CLASSIC)
    dtype = WIDE if any(part.dtype == WIDE for part in parts) else CLASSIC
    same = [part if part.dtype == dtype else _as(part, dtype) for part in parts]
    return np.concatenate([_whole(part) for part in same]).view(dtype)


def widened(records: Records) -> Records:
    """The frames in the dtype that holds any."""
    return records if records.dtype == WIDE else _as(records, WIDE)


@dataclass(frozen=True)
class Gathered:
    """Frames of several channels in one array, in the order in which they arrived.

    Attributes:
        records: The frames, in one dtype.
        channels: The channels' names.
        index: Which of them each frame is from, int8 of shape (frames,).
    """

    records: Records
    channels: list[str]
    index: npt.NDArray[np.int8]


def gathered(arrivals: Sequence[Arrival]) -> Gathered:
    """A copy of what has arrived, in one piece."""
    channels = list(dict.fromkeys(arrival.channel for arrival in arrivals))
    numbers = [channels.index(arrival.channel) for arrival in arrivals]
    index = np.repeat(np.array(numbers, np.int8), [len(arrival.records) for arrival in arrivals])
    return Gathered(joined([arrival.records for arrival in arrivals]), channels, index)


def table_of(arrivals: Sequence[Arrival], vehicle_id: str, offset: int = 0) -> pa.Table:
    """Frames as a table of schema `RAW` or `RAW_FD`; see `coded_table`."""
    table = coded_table(gathered(arrivals), vehicle_id, offset)
    return table.cast(schema.RAW if table.schema == schema.RAW_CODED else schema.RAW_FD)


def coded_table(frames: Gathered, vehicle_id: str, offset: int = 0) -> pa.Table:
    """Frames as a table of schema `RAW_CODED`, in order of time; frames of one time stay in the order of their arrival.

    The schema is `RAW_FD_CODED` if one of them has a flag of CAN FD.

    Args:
        frames: The frames.
        vehicle_id: The vehicle they come from.
        offset: What is added to their times, nanoseconds.
    """
    records, order = frames.records, None
    stamps = np.ascontiguousarray(records["stamp"])
    if np.any(stamps[1:] < stamps[:-1]):  # channels arrive in turns
        order = np.argsort(stamps, kind="stable")
    del stamps  # a window is as large as may be: what is made of it takes turns in memory
    vehicle, channels = pa.array([vehicle_id]), pa.array(frames.channels, pa.string())
    form = schema.RAW_FD_CODED if _has_fd_flags(records) else schema.RAW_CODED
    batches = []
    for begin in range(0, len(records), _CHUNK):
        chosen = slice(begin, begin + _CHUNK) if order is None else order[begin : begin + _CHUNK]
        some = _whole(records)[chosen].view(records.dtype)
        one = pa.array(np.zeros(len(some), np.int8))
        columns = {
            **_columns(some, offset),
            **(_fd_flags(some) if form == schema.RAW_FD_CODED else {}),
            "vehicle_id": pa.DictionaryArray.from_arrays(one, vehicle),
            "channel": pa.DictionaryArray.from_arrays(pa.array(frames.index[chosen]), channels),
        }
        batches.append(pa.record_batch([columns[name] for name in form.names], schema=form))
    return pa.Table.from_batches(batches, form)


def _has_fd_flags(records: Records) -> bool:
    return records.dtype == WIDE and bool((records["flags"] & (BITRATE_SWITCH | ERROR_STATE)).any())


def _fd_flags(records: Records) -> dict[str, pa.Array]:
    flags = records["flags"]
    return {
        "bitrate_switch": pa.array((flags & BITRATE_SWITCH) != 0),
        "error_state_indicator": pa.array((flags & ERROR_STATE) != 0),
    }


def _columns(records: Records, offset: int) -> dict[str, pa.Array]:
    """All columns of `RAW` that are no names."""
    ids = records["id"]
    remote = (ids & REMOTE) != 0
    return {
        "timestamp": pa.array(records["stamp"] + offset).view(schema.TIMESTAMP),
        "arb_id": pa.array(ids & np.uint32(ID_MASK)),
        "dlc": pa.array(dlc_of(records["length"])),
        "data": _payloads(records["data"], np.where(remote, 0, records["length"])),
        "is_extended_id": pa.array((ids & EXTENDED) != 0),
        "is_fd": pa.array((records["flags"] & FD) != 0),
        "is_error_frame": pa.array((ids & ERROR) != 0),
        "is_remote_frame": pa.array(remote),
    }


def records_of(table: pa.Table) -> Records:
    """The frames of a table of schema `RAW` or `RAW_FD` as records; their channel is not in them."""
    table = table.combine_chunks()
    columns = {name: table[name].to_numpy() for name in table.column_names if name not in ("data", "channel")}
    data = table["data"].combine_chunks() if table.num_rows else pa.array([], pa.binary())
    offsets = np.frombuffer(data.buffers()[1] or b"\0\0\0\0", np.int32)[data.offset :][: len(data) + 1]
    sizes = np.diff(offsets)
    wide = bool(len(sizes)) and (sizes.max() > 8 or bool(columns["is_fd"].any()))
    records = np.zeros(table.num_rows, WIDE if wide else CLASSIC)
    records["stamp"] = columns["timestamp"].astype(np.int64)
    records["id"] = columns["arb_id"]
    for name, bit in (("is_extended_id", EXTENDED), ("is_remote_frame", REMOTE), ("is_error_frame", ERROR)):
        records["id"] |= np.where(columns[name], np.uint32(bit), np.uint32(0))
    for name, bit in (
        ("is_fd", FD),
        ("bitrate_switch", BITRATE_SWITCH),
        ("error_state_indicator", ERROR_STATE),
    ):
        if name in columns:
            records["flags"] |= np.where(columns[name], np.uint8(bit), np.uint8(0))
    records["length"] = np.where(columns["is_remote_frame"], columns["dlc"], sizes)
    if len(sizes):
        values = np.frombuffer(data.buffers()[2] or b"", np.uint8)[offsets[0] : offsets[-1]]
        width = records["data"].shape[1]
        records["data"][np.arange(width) < sizes[:, None]] = values
    return records


def _as(records: Records, dtype: np.dtype[Any]) -> Records:
    """Frames in another dtype: the narrow one is the beginning of the wide one."""
    width = min(records.dtype.itemsize, dtype.itemsize)
    other = np.zeros((len(records), dtype.itemsize), np.uint8)
    octets = np.ascontiguousarray(records).view(np.uint8).reshape(len(records), records.dtype.itemsize)
    other[:, :width] = octets[:, :width]
    return other.reshape(-1).view(dtype)


def _whole(records: Records) -> Records:
    """The same frames, each as one piece: numpy moves records field by field, which takes ten times as long."""
    return records.view(np.dtype((np.void, records.dtype.itemsize)))


def _payloads(data: npt.NDArray[np.uint8], lengths: npt.NDArray[np.int64]) -> pa.BinaryArray:
    """The first `lengths` bytes of each row of uint8 (rows, width)."""
    rows, width = data.shape
    lengths = np.minimum(lengths, width)
    offsets = np.zeros(rows + 1, np.int32)
    np.cumsum(lengths, out=offsets[1:])
    if offsets[-1] == rows * width:
        values = np.ascontiguousarray(data).reshape(-1)
    else:
        values = data[np.arange(width) < lengths[:, None]]
    return pa.BinaryArray.from_buffers(pa.binary(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(values)])
