"""Frames of a SocketCAN interface, hundreds with one call right into an array, timed by the kernel to the nanosecond.

Nothing is ever sent. When an interface that is gone is opened anew is not known here.
"""

import ctypes
import logging
import os
import socket
import struct
from contextlib import suppress
from errno import EAGAIN, EINTR
from typing import Final

import numpy as np

from edge_agent.filters import Filter
from edge_agent.records import CLASSIC, FD, ID_MASK, Records, copied, joined, widened

log = logging.getLogger("edge_agent.capture")

AT_ONCE: Final = 1024
MOST_AT_ONCE: Final = 20 * AT_ONCE
BUFFER_BYTES: Final = 8 << 20
"""What the kernel keeps for us, which it doubles: some 20,000 frames, two seconds of a saturated bus."""

_KEPT_BYTES: Final = 768
"""What one frame takes of that."""

_FULL_BUS: Final = 8500
"""Frames a second at 1 Mbit/s, with 8 bytes each."""

CAN_RAW_ERR_FILTER: Final = 2
SO_RCVBUFFORCE: Final = 33
SO_TIMESTAMPNS: Final = 64
"""The form whose seconds have 64 bits on every machine."""

SO_RXQ_OVFL: Final = 40
MSG_DONTWAIT: Final = 0x40
FRAME_BYTES, FD_FRAME_BYTES = 16, 72
_STAMP_BYTES: Final = 8
_CONTROL_WORDS: Final = 8
_HEAD: Final = CLASSIC.itemsize - _STAMP_BYTES
"""What the kernel fills of a narrow record."""
_REST: Final = FD_FRAME_BYTES - _HEAD
"""What a frame of CAN FD has more than that."""

_TIMED: Final = 5
"""Words of a control message that hold the time: a header of two, then seconds and nanoseconds."""

# struct mmsghdr of 64-bit Linux; pyarrow exists for no other
_MMSGHDR: Final = np.dtype(
    [
        *[("name", "u8"), ("name_size", "u8"), ("parts", "u8"), ("part_count", "u8")],
        *[("control", "u8"), ("control_size", "u8"), ("flags", "u8"), ("size", "u4"), ("_", "u4")],
    ]
)
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


class SocketCanReader:
    """One interface that is listened to.

    Args:
        channel: What it is called.
        can: Its socket, set up by `listen_to`.
    """

    def __init__(self, channel: str, can: socket.socket) -> None:
        self._channel = channel
        self._socket = can
        self.dropped = 0
        """Frames that the kernel had no room for, as it counts them."""
        size = can.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.kept_s = size / _KEPT_BYTES / _FULL_BUS
        """For so long the kernel keeps what a full bus brings, in seconds."""
        # the kernel fills narrow records, and puts what more there is of CAN FD aside
        self._frames = np.zeros(AT_ONCE, CLASSIC)
        self._rest = np.zeros((AT_ONCE, _REST), np.uint8)
        self._control = np.zeros((AT_ONCE, _CONTROL_WORDS), np.int64)
        rows = np.arange(AT_ONCE, dtype=np.uint64)
        parts = np.zeros((AT_ONCE, 2, 2), np.uint64)
        parts[:, 0, 0] = self._frames.ctypes.data + _STAMP_BYTES + rows * CLASSIC.itemsize
        parts[:, 0, 1] = _HEAD
        parts[:, 1, 0] = self._rest.ctypes.data + rows * _REST
        parts[:, 1, 1] = _REST
        self._headers = np.zeros(AT_ONCE, _MMSGHDR)
        self._headers["parts"] = parts.ctypes.data + rows * parts.strides[0]
        self._headers["part_count"] = 2
        self._headers["control"] = self._control.ctypes.data + rows * self._control.strides[0]
        self._headers["control_size"] = self._control.strides[0]
        self._parts = parts  # the kernel is told of its address

    def fileno(self) -> int:
        """The socket, to be waited for."""
        return self._socket.fileno()

    def close(self) -> None:
        """Listen no longer."""
        self._socket.close()

    def set_filters(self, filters: list[Filter]) -> None:
        """Want other frames from now on; what has come stays.

        Raises:
            OSError: The kernel does not take them.
        """
        # one that lets everything through, if none is wanted
        packed = b"".join(struct.pack("=II", *one.kernel) for one in filters) or bytes(8)
        self._socket.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, packed)

    def read(self) -> Records:
        """What has come so far, possibly nothing; `stamp` is nanoseconds since the epoch.

        Raises:
            OSError: The interface is down or gone.
        """
        found: list[Records] = []
        while sum(map(len, found)) < MOST_AT_ONCE:
            count = self._receive()
            if count:
                found.append(self._taken(count))
            if count < AT_ONCE:
                break
        return found[0] if len(found) == 1 else joined(found)

    def _receive(self) -> int:
        """Let the kernel fill the arrays; how many frames there are."""
        count: int = _LIBC.recvmmsg(
            self.fileno(), ctypes.c_void_p(self._headers.ctypes.data), AT_ONCE, MSG_DONTWAIT, None
        )
        if count < 0:
            number = ctypes.get_errno()
            if number in (EAGAIN, EINTR):
                return 0
            raise OSError(number, os.strerror(number), self._channel)
        return count

    def _taken(self, count: int) -> Records:
        """The frames that were just received, as records of their own."""
        headers, control = self._headers[:count], self._control[:count]
        if (control[:, 1] >> 32 != SO_TIMESTAMPNS).any():
            raise OSError("the kernel gives frames without their time")
        if headers["control_size"][-1] > 8 * _TIMED:  # so many were dropped up to here
            self.dropped = int(control[-1, 6]) & 0xFFFF_FFFF
        headers["control_size"] = self._control.strides[0]  # the kernel has written what it used
        frames = copied(self._frames[:count])
        frames["stamp"] = control[:, 2] * 1_000_000_000 + control[:, 3]
        is_fd = headers["size"] == FD_FRAME_BYTES
        if not is_fd.any():
            frames["flags"] = 0  # the kernel leaves something there
            return frames
        frames["flags"] = np.where(is_fd, frames["flags"] | FD, 0)
        wide = widened(frames)
        wide["data"][:, -_REST:] = np.where(is_fd[:, None], self._rest[:count], 0)
        return wide


def listen_to(channel: str, filters: list[Filter]) -> SocketCanReader:
    """Listen to an interface.

    Args:
        channel: The interface, such as `can0`.
        filters: The frames that are wanted, for the kernel; none is all. Error frames always come.

    Raises:
        OSError: There is no such interface, or no SocketCAN.
    """
    can = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
    try:
        can.setsockopt(socket.SOL_CAN_RAW, CAN_RAW_ERR_FILTER, ID_MASK)
        if filters:
            packed = b"".join(struct.pack("=II", *one.kernel) for one in filters)
            can.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, packed)
        with suppress(OSError):  # a kernel without CAN FD has no such frames either
            can.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        set_up(can, channel)
        can.bind((channel,))
    except OSError:
        can.close()
        raise
    return SocketCanReader(channel, can)


def set_up(can: socket.socket, channel: str) -> None:
    """Have the kernel time what a socket receives, count what it drops, and keep seconds of it."""
    can.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    can.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    try:
        can.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_BYTES)
    except PermissionError:
        can.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    size = can.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    if size < BUFFER_BYTES:
        log.warning(
            "the kernel keeps only %d kB of %s for us: allow CAP_NET_ADMIN, or set net.core.rmem_max to %d",
            *(size // 1000, channel, BUFFER_BYTES),
        )
