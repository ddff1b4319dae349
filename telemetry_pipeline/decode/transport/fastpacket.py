"""NMEA 2000 fast packet: up to 223 bytes in up to 32 frames of one arbitration id.

The upper three bits of the first byte number the transfer, the lower five its frames; the first frame's second byte
is the length (IEC 61162-3; the same in canboat's analyzer).
"""

from typing import Final

import numpy as np

from telemetry_pipeline.decode.transport.segments import Carriers, Segments

FRAME: Final = 8
SIZE_MAX: Final = 223


def read_segments(carriers: Carriers) -> Segments:
    """Every frame is a segment. One that announces no byte, or more than 223, begins nothing."""
    head, size, lengths = carriers.byte(0), carriers.byte(1), carriers.lengths
    first = (head & 0x1F == 0) & (lengths > 1) & (size > 0) & (size <= SIZE_MAX)
    first &= (lengths == FRAME) | (lengths - 2 >= size)
    count = len(head)
    none = np.zeros(count, bool)
    return Segments(
        rows=carriers.rows,
        streams=carriers.sources << 32 | carriers.keys,
        times=carriers.times,
        first=first,
        ends=none,
        aborts=none,
        number=np.where(lengths > 0, head, -1),
        skip=np.minimum(np.where(head & 0x1F == 0, 2, 1), lengths),
        lengths=lengths,
        frame=np.full(count, FRAME),
        size=size,
        repeats=none,
        keys=carriers.keys,
        modulus=1 << 16,
    )
