"""ISO-TP (ISO 15765-2), normal addressing: single, first and consecutive frames, on CAN and CAN FD.

The long frame is what a DBC of a diagnostic protocol describes: one byte of length, then the payload, as in a single
frame. That is the first frame without its first byte, so single frames are left as they are.
"""

from typing import Final

import numpy as np

from telemetry_pipeline.decode.transport.segments import Carriers, Segments

_SINGLE: Final = 0
_FIRST: Final = 1
_CONSECUTIVE: Final = 2
_FRAME_MIN: Final = 8
"""Bytes of the shortest first frame."""

SIZE_MAX: Final = 1 << 20
"""Bytes of the longest payload: no four bytes of length make a recording be held for ever."""


def read_segments(carriers: Carriers) -> Segments:
    """First and consecutive frames, and single frames, which end what is open; flow control is none of ours.

    A first frame that announces no more than it holds, or more than a mebibyte, or is shorter than 8 bytes, is none.
    Of CAN FD are read: first frames with 32 bits of length (their first 12 bits are 0), and single frames with a byte
    of length of their own, which become long frames, so that the length is the first byte of these, too.
    """
    head, second, lengths = carriers.byte(0), carriers.byte(1), carriers.lengths
    kind = np.where(lengths > 0, head >> 4, -1)
    size = (head & 0xF) << 8 | second
    long = (kind == _FIRST) & (size == 0)
    size = np.where(long, carriers.number(2, 4, big_endian=True), size)
    skip = np.where(long, 5, 1)
    first = (kind == _FIRST) & (lengths >= _FRAME_MIN)
    first &= (size > lengths - skip - 1) & (size <= SIZE_MAX)
    single = kind == _SINGLE
    own_length = single & (head == 0) & (lengths > _FRAME_MIN) & (second > 0) & (second <= lengths - 2)
    size = np.where(own_length, second, size)
    consecutive = (kind == _CONSECUTIVE) & (lengths > 1)

    kept = np.flatnonzero(first | consecutive | single)
    starts = (first | own_length)[kept]
    return Segments(
        rows=carriers.rows[kept],
        streams=(carriers.sources << 32 | carriers.keys)[kept],
        times=carriers.times[kept],
        first=starts,
        ends=(single & ~own_length)[kept],
        aborts=np.zeros(len(kept), bool),
        number=np.where(starts, 0, head[kept] & 0xF),
        skip=skip[kept],
        lengths=lengths[kept],
        frame=lengths[kept],
        size=size[kept] + 1,  # the byte of length is a part of the long frame
        repeats=np.zeros(len(kept), bool),
        keys=carriers.keys[kept],
        modulus=16,
    )
