"""J1939 transport protocol (SAE J1939-21): up to 1785 bytes, to everybody (BAM) or to one node (RTS/CTS).

The connection's announcement (TP.CM) names the transported PGN; its segments (TP.DT) carry seven bytes each.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.transport.segments import Carriers, Numbers, Segments

CONNECTION: Final = 0xEC
DATA: Final = 0xEB
"""PDU formats of TP.CM and TP.DT, on data page 0."""

_REQUEST_TO_SEND: Final = 16
_BROADCAST: Final = 32
_ABORT: Final = 255
_FRAME: Final = 8
_SIZE_MAX: Final = 1785
_PDU2_MIN: Final = 0xF0
_PRIORITY: Final = 6
"""Of the long frame: the default of J1939-21, for the segments' own priority says nothing about it."""


def carries(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Which arbitration ids (with `EXTENDED_BIT`) are TP.CM or TP.DT, shape (n,)."""
    pdu_format = keys >> np.uint32(16) & np.uint32(0x3FF)
    extended = (keys & np.uint32(EXTENDED_BIT)) != 0
    ours: npt.NDArray[np.bool_] = extended & ((pdu_format == CONNECTION) | (pdu_format == DATA))
    return ours


def read_segments(carriers: Carriers) -> Segments:
    """Announcements and data; an abort, by either side, ends the transfer of its PGN.

    CTS and end-of-message are no part of a transfer. Packets of RTS/CTS may be asked for again: they count once,
    wherever they come. An announcement that contradicts itself is none.
    """
    control, lengths, keys = carriers.byte(0), carriers.lengths, carriers.keys
    packets = carriers.byte(3)
    size = carriers.number(1, 2, big_endian=False)
    pgn = carriers.number(5, 3, big_endian=False) & 0x3FFFF
    is_data = keys >> 16 & 0x3FF == DATA
    whole = ~is_data & (lengths == _FRAME)
    asks = whole & (control == _REQUEST_TO_SEND)
    tells = whole & (control == _BROADCAST)
    sane = (size > 0) & (size <= _SIZE_MAX) & (packets == (size + 6) // 7)
    first = (asks | tells) & sane
    aborts = whole & (control == _ABORT)

    pair = keys & 0xFFFF  # destination and source
    reverse = (pair & 0xFF) << 8 | pair >> 8
    kept = np.flatnonzero(first | (is_data & (lengths > 1)) | aborts)
    ours = np.concatenate([kept, np.flatnonzero(aborts)])  # an abort ends either direction
    streams = carriers.sources[ours] << 16 | np.concatenate([pair[kept], reverse[aborts]])
    order = np.argsort(ours, kind="stable")
    at, streams = ours[order], streams[order]
    fitting = ~aborts[at] | (_announced(streams, np.where(first[at], pgn[at], -1)) == pgn[at])
    at, streams = at[fitting], streams[fitting]
    begins = first[at]
    return Segments(
        rows=carriers.rows[at],
        streams=streams,
        times=carriers.times[at],
        first=begins,
        ends=aborts[at],
        aborts=aborts[at],
        number=np.where(begins, 0, control[at]),
        skip=np.where(begins, lengths[at], 1),
        lengths=lengths[at],
        frame=np.full(len(at), _FRAME),
        size=size[at],
        repeats=asks[at],
        keys=_long_key(pgn[at], pair[at]),
        modulus=1 << 16,
    )


def _announced(streams: Numbers, pgn: Numbers) -> Numbers:
    """For each event the PGN announced last in its stream, -1 if none; `pgn` is that of announcements, else -1."""
    order = np.argsort(streams, kind="stable")
    sorted_streams, sorted_pgn = streams[order], pgn[order]
    latest = np.maximum.accumulate(np.where(sorted_pgn >= 0, np.arange(len(order)), 0))
    known = (sorted_streams[latest] == sorted_streams) & (sorted_pgn[latest] >= 0)
    found = np.empty(len(order), np.int64)
    found[order] = np.where(known, sorted_pgn[latest], -1)
    return found


def _long_key(pgn: Numbers, pair: Numbers) -> Numbers:
    """The arbitration id of a transported PGN, with its source, and with its destination if it has one (PDU1)."""
    specific = np.where(pgn >> 8 & 0xFF < _PDU2_MIN, pgn & 0x3FF00 | pair >> 8, pgn)
    return EXTENDED_BIT | _PRIORITY << 26 | specific << 8 | pair & 0xFF
