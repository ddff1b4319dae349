"""Puts numbered frames onto SocketCAN interfaces, as fast as they are asked for."""

import ctypes
import os
import socket
import sys
import time
from contextlib import ExitStack

import numpy as np

CHUNK = 64
_HEADER = np.dtype(
    [(name, "u8") for name in ("name", "named", "parts", "count", "control", "size", "flags", "sent")]
)
_LIBC = ctypes.CDLL(None, use_errno=True)


class Sender:
    """Sends frames whose payload is their number, on one interface."""

    def __init__(self, channel: str, *, fd: bool = False) -> None:
        self.socket = socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW)
        self.socket.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        self.socket.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FILTER, b"")
        self.socket.bind((channel,))
        width = 64 if fd else 8
        self._frames = np.zeros(
            CHUNK, [("id", "<u4"), ("length", "u1"), ("flags", "u1"), ("_", "u1", 2), ("data", "u1", width)]
        )
        self._frames["length"] = width
        rows = np.arange(CHUNK, dtype=np.uint64)
        self._parts = np.zeros((CHUNK, 2), np.uint64)
        self._parts[:, 0] = self._frames.ctypes.data + rows * self._frames.itemsize
        self._parts[:, 1] = self._frames.itemsize
        self._headers = np.zeros(CHUNK, _HEADER)
        self._headers["parts"] = self._parts.ctypes.data + rows * 16
        self._headers["count"] = 1

    def __enter__(self) -> "Sender":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, first: int, count: int) -> None:
        """Send the frames `first` to `first + count`, at most `CHUNK` of them."""
        numbers = np.arange(first, first + count, dtype="<u8")
        self._frames["id"][:count] = numbers % 2048
        self._frames["data"][:count, :8] = numbers.view(np.uint8).reshape(-1, 8)
        at = 0
        while at < count:
            headers = ctypes.c_void_p(self._headers.ctypes.data + at * _HEADER.itemsize)
            sent = _LIBC.sendmmsg(self.socket.fileno(), headers, count - at, 0)
            if sent < 0:
                assert ctypes.get_errno() in (11, 105), os.strerror(ctypes.get_errno())  # the queue is full
                time.sleep(0.0005)
            else:
                at += sent


def send_paced(channels: list[str], count: int, rate: float, *, fd: bool = False) -> float:
    """Send `count` frames on each of the channels, `rate` a second on each; how many seconds that took."""
    with ExitStack() as stack:
        senders = [stack.enter_context(Sender(channel, fd=fd)) for channel in channels]
        began = time.monotonic()
        for first in range(0, count, CHUNK):
            ahead = began + first / rate - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            for sender in senders:
                sender.send(first, min(CHUNK, count - first))
        return time.monotonic() - began


def send_now(channel: str, first: int, count: int) -> None:
    """Send a few frames at once."""
    with Sender(channel) as sender:
        sender.send(first, count)


if __name__ == "__main__":
    names, frames, pace, *kind = sys.argv[1:]
    took = send_paced(names.split(","), int(frames), float(pace), fd=kind == ["fd"])
    print(f"sent {frames} frames on each of {names} in {took:.2f} s")
