"""Frames as a table of the raw schema: from arrays when they are made, from lists when they are received."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from telemetry_pipeline.lake import schema

MAX_BYTES: Final = 64
"""The longest payload of one frame (CAN FD); a message above it takes a transport protocol."""

_LENGTHS: Final = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])


def dlc_of(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The data length code (ISO 11898-1) of payloads of 0 to 64 bytes: the smallest that holds them."""
    codes: npt.NDArray[np.uint8] = np.searchsorted(_LENGTHS, lengths).astype(np.uint8)
    return codes


def binary_of(payload: npt.NDArray[np.uint8]) -> pa.BinaryArray:
    """Payloads of one length, uint8 of shape (rows, bytes), as an Arrow binary array."""
    rows, width = payload.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * np.int32(width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(payload))]
    return pa.BinaryArray.from_buffers(pa.binary(), rows, buffers)


def frames_table(
    stamps: npt.NDArray[np.int64],
    arb_id: npt.NDArray[np.uint32],
    data: pa.BinaryArray,
    *,
    vehicle_id: str,
    channel: str,
    is_extended_id: Sequence[bool],
    is_fd: Sequence[bool],
    is_error_frame: Sequence[bool],
    is_remote_frame: Sequence[bool],
    dlc: npt.NDArray[np.uint8],
    bitrate_switch: Sequence[bool] | None = None,
) -> pa.Table:
    """Frames in the columns of schema `RAW`, or of `RAW_FD` if `bitrate_switch` is given.

    Args:
        stamps: Nanoseconds since the epoch.
        arb_id: Arbitration ids without flags.
        data: Payloads.
        vehicle_id: The vehicle they come from.
        channel: The bus they were on.
        is_extended_id: Whether the id has 29 bits.
        is_fd: Whether it is a CAN FD frame.
        is_error_frame: Whether it is an error frame.
        is_remote_frame: Whether it is a remote frame.
        dlc: Data length codes.
        bitrate_switch: Whether its data came at the higher bit rate. No sender is error-passive.
    """
    rows = len(stamps)
    columns = [
        pa.array(stamps).cast(schema.TIMESTAMP),
        pa.array(arb_id),
        pa.array(dlc),
        data,
        pa.repeat(vehicle_id, rows),
        *(pa.array(flags, pa.bool_()) for flags in (is_extended_id, is_fd, is_error_frame, is_remote_frame)),
        pa.repeat(channel, rows),
    ]
    if bitrate_switch is None:
        return pa.table(columns, schema=schema.RAW)
    flags = [pa.array(bitrate_switch, pa.bool_()), pa.repeat(False, rows)]
    return pa.table([*columns, *flags], schema=schema.RAW_FD)
