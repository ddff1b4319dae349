"""What came over each channel since the start: frames, errors, and how long the bus was busy. Counted as it arrives.

What an interface itself knows about its bus is `link`'s business.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from edge_agent.records import BITRATE_SWITCH, ERROR, FD, ID_MASK, WIDE, Arrival, Records

STUFFED: Final = 0.1
"""Stuff bits for a bit that may need them: 0.03 with random payloads, 0.12 in a simulated drive, 0.14 with zeros.

Exact counts would need the bits of every frame; the difference is at most a fifteenth of the load.
"""

# what stands around the payload: bits that are stuffed, and bits that never are
_STANDARD, _EXTENDED, _END = 34, 54, 13
_FD_STANDARD, _FD_EXTENDED = 17, 36
# of CAN FD's faster half: error state and length; count of stuff bits, checksum, and their fixed stuff bits
_FD_HEAD, _FD_SHORT, _FD_LONG = 5, 27, 32
_FD_SHORT_MOST: Final = 16

BUS_OFF: Final = 0x40
"""The controller has withdrawn from the bus (CAN_ERR_BUSOFF)."""

RESTARTED: Final = 0x100
CONTROLLER: Final = 0x04
_RX_OVERFLOW: Final = 0x01


@dataclass
class Counts:
    """One channel since the start. Bits are those at the nominal bitrate and those at CAN FD's faster one."""

    frames: int = 0
    error_frames: int = 0
    bus_offs: int = 0
    overflows: int = 0
    """How often the controller said that it had no room for a frame."""
    is_off: bool = False
    bits: float = 0.0
    fast_bits: float = 0.0


class Traffic:
    """Counts per channel. One thread counts, others look."""

    def __init__(self) -> None:
        self.channels: dict[str, Counts] = {}

    def count(self, arrival: Arrival) -> None:
        """Take what has arrived, possibly nothing."""
        records = arrival.records
        if not len(records):
            return
        counts = self.channels.get(arrival.channel)
        if counts is None:
            # a copy, for those who are looking
            self.channels = {**self.channels, arrival.channel: (counts := Counts())}
        kinds = np.bincount(records["id"] >> 29, minlength=8)  # bits: error, remote, extended
        errors = int(kinds[1::2].sum())
        if errors:
            self._take_errors(counts, records[(records["id"] & ERROR) != 0])
            records = records[(records["id"] & ERROR) == 0]
        else:
            counts.is_off = False
        counts.frames += len(records)
        if records.dtype == WIDE and (is_fd := (records["flags"] & FD) != 0).any():
            _add_fd(counts, records[is_fd])
            records = records[~is_fd]
            kinds = np.bincount(records["id"] >> 29, minlength=8)
        extended, standard = int(kinds[[4, 6]].sum()), int(kinds[[0, 2]].sum())
        if kinds[2] or kinds[6]:  # a remote frame asks for data and has none
            records = records[(records["id"] >> 30) & 1 == 0]
        stuffable = (
            standard * _STANDARD + extended * _EXTENDED + 8 * int(records["length"].sum(dtype=np.int64))
        )
        counts.bits += stuffable * (1 + STUFFED) + (standard + extended) * _END

    def _take_errors(self, counts: Counts, errors: Records) -> None:
        counts.error_frames += len(errors)
        for error in errors:
            kind = int(error["id"]) & ID_MASK
            if kind & BUS_OFF:
                counts.bus_offs += 1
                counts.is_off = True
            elif kind & RESTARTED:
                counts.is_off = False
            if kind & CONTROLLER and error["data"][1] & _RX_OVERFLOW:
                counts.overflows += 1


def _add_fd(counts: Counts, records: Records) -> None:
    lengths = records["length"].astype(np.int64)
    heads = np.where(records["id"] >> 31, _FD_EXTENDED, _FD_STANDARD)
    slow = heads * (1 + STUFFED) + _END
    ends = np.where(lengths > _FD_SHORT_MOST, _FD_LONG, _FD_SHORT)
    fast = (_FD_HEAD + 8 * lengths) * (1 + STUFFED) + ends
    faster = (records["flags"] & BITRATE_SWITCH) != 0
    counts.fast_bits += float(fast[faster].sum())
    counts.bits += float(slow.sum() + fast[~faster].sum())
