"""Which frames of a table speak which multi-frame protocol, by channel and arbitration id.

A protocol claims only ids on which the bound databases expect more than one frame holds: the first byte of any other
frame can look like a segment's.
"""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.match import EXTENDED_BIT, IdTable
from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.decode.transport import j1939


class Transport(StrEnum):
    """A multi-frame protocol."""

    ISOTP = "isotp"
    J1939 = "j1939"
    FASTPACKET = "fastpacket"


PROTOCOLS: Final = tuple(Transport)

Keys = npt.NDArray[np.uint32]
Protocols = npt.NDArray[np.int8]

NONE: Final = -1
"""No protocol; any other number is a position in `PROTOCOLS`."""

_CLASSIC_MAX: Final = 8
_DIAGNOSTIC: Final = np.array([0x7DF, *range(0x7E0, 0x7F0)], np.uint32)
_DIAGNOSTIC_FORMATS: Final = (0xDA, 0xDB)
"""ISO 15765-4: functional requests, physical requests and responses, with standard ids and with 29 bits."""


def protocols_of(keys: Keys, table: IdTable, plan: Plan) -> Protocols:
    """The protocol of each arbitration id on a channel, shape (n,), as a position in `PROTOCOLS` or `NONE`.

    - J1939: TP.CM and TP.DT.
    - Fast packet: parameter groups whose message is longer than 8 bytes.
    - ISO-TP: ids whose message is longer than 8 bytes, and the diagnostic ids of ISO 15765-4 that a database knows.
      Where J1939 or fast packet are spoken as well, the long messages with 29 bits are theirs, not ISO-TP's.

    Args:
        keys: Arbitration ids with `EXTENDED_BIT`, shape (n,).
        table: What ids mean on the channel.
        plan: The plan that the table is from.
    """
    found = np.full(len(keys), NONE, np.int8)
    if not table.transport:
        return found
    lengths = np.array([message.length for message in plan.messages] + [-1])
    length = lengths[table.lookup(keys, len(plan.messages))]
    extended = (keys & np.uint32(EXTENDED_BIT)) != 0
    pdu_format = keys >> np.uint32(16) & np.uint32(0xFF)
    diagnostic = np.where(extended, np.isin(pdu_format, _DIAGNOSTIC_FORMATS), np.isin(keys, _DIAGNOSTIC))
    long = length > _CLASSIC_MAX
    if Transport.ISOTP in table.transport:
        groups = extended & (Transport.J1939 in table.transport or Transport.FASTPACKET in table.transport)
        found[(long & ~groups) | (diagnostic & (length >= 0))] = PROTOCOLS.index(Transport.ISOTP)
    if Transport.FASTPACKET in table.transport:
        found[long & extended & (found == NONE)] = PROTOCOLS.index(Transport.FASTPACKET)
    if Transport.J1939 in table.transport:
        found[j1939.carries(keys)] = PROTOCOLS.index(Transport.J1939)
    return found
