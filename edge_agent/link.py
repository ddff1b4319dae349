"""What the kernel knows about a CAN interface: its bitrate, whether it is up, off the bus, or only listens.

Asked over netlink, as `ip -details link show` does, and never changed.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_GETLINK: Final = 18
_REQUEST: Final = 1
_ERROR: Final = 2
_HEADER: Final = struct.Struct("=IHHII")
_LINK: Final = struct.Struct("=BxHiII")
_IFNAME, _LINKINFO, _KIND, _DATA = 3, 18, 1, 2
_NESTED: Final = 0x3FFF
# of a CAN device
_BITTIMING, _STATE, _CTRLMODE, _FAST_BITTIMING = 1, 4, 5, 9
_UP: Final = 1
_LISTEN_ONLY: Final = 2
STATES: Final = ("error-active", "error-warning", "error-passive", "bus-off", "stopped", "sleeping")
_COUNTERS: Final = ("rx_over_errors", "rx_missed_errors", "rx_fifo_errors")
_INTERFACES: Final = Path("/sys/class/net")


@dataclass(frozen=True)
class Link:
    """An interface as the kernel knows it. What a virtual one does not have is None, or empty."""

    kind: str
    is_up: bool
    state: str = ""
    """Of the controller: one of `STATES`."""
    bitrate: int | None = None
    fast_bitrate: int | None = None
    listens_only: bool | None = None


def read_link(channel: str) -> Link | None:
    """Ask about an interface; None if there is none of that name, or the kernel does not say."""
    name = channel.encode() + b"\0"
    attribute = struct.pack("=HH", 4 + len(name), _IFNAME) + name.ljust(-(-len(name) // 4) * 4, b"\0")
    body = _LINK.pack(0, 0, 0, 0, 0) + attribute
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as asked:
            asked.settimeout(1.0)
            asked.send(_HEADER.pack(_HEADER.size + len(body), _GETLINK, _REQUEST, 1, 0) + body)
            answer = asked.recv(65_536)
    except OSError:
        return None
    return parse_link(answer)


def parse_link(answer: bytes) -> Link | None:
    """Read the kernel's answer; None if it refuses."""
    size, kind, *_ = _HEADER.unpack_from(answer)
    if kind == _ERROR:
        return None
    *_, flags, _ = _LINK.unpack_from(answer, _HEADER.size)
    attributes = dict(_attributes(answer[_HEADER.size + _LINK.size : size]))
    info = dict(_attributes(attributes.get(_LINKINFO, b"")))
    name = info.get(_KIND, b"").rstrip(b"\0").decode()
    is_up = bool(flags & _UP)
    if name != "can":
        return Link(name, is_up)
    can = dict(_attributes(info.get(_DATA, b"")))
    state = _number(can.get(_STATE))
    mode = can.get(_CTRLMODE)
    return Link(
        name,
        is_up,
        STATES[state] if state is not None and state < len(STATES) else "",
        _number(can.get(_BITTIMING)) or None,
        _number(can.get(_FAST_BITTIMING)) or None,
        # the mask, then the flags
        bool(struct.unpack_from("=II", mode)[1] & _LISTEN_ONLY) if mode else None,
    )


def lost_before_us(channel: str) -> int:
    """Frames that the interface had no room for since it came up, as its driver counts them: nobody got those."""
    lost = 0
    for counter in _COUNTERS:
        with suppress(OSError, ValueError):
            lost += int((_INTERFACES / channel / "statistics" / counter).read_text())
    return lost


def _attributes(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        if size < 4:
            return
        yield kind & _NESTED, body[at + 4 : at + size]
        at += -(-size // 4) * 4


def _number(body: bytes | None) -> int | None:
    return int.from_bytes(body[:4], "little") if body else None
