"""Netlink's answers: of this machine's own loopback, and of CAN devices as the kernel lays them out.

No CAN device exists here: its answer is built from the kernel's structures.
"""

import struct

from edge_agent.link import Link, lost_before_us, parse_link, read_link


def attribute(kind, body):
    return struct.pack("=HH", 4 + len(body), kind) + body.ljust(-(-len(body) // 4) * 4, b"\0")


def answer(info, flags=1):
    body = (
        struct.pack("=BxHiII", 0, 280, 3, flags, 0) + attribute(3, b"can0\0") + attribute(18 | 0x8000, info)
    )
    return struct.pack("=IHHII", 16 + len(body), 16, 0, 1, 0) + body


def timing(bitrate):
    return struct.pack("=8I", bitrate, 875, 125, 6, 7, 2, 1, 1)


def test_this_machine_has_a_loopback_and_no_such_bus():
    loopback = read_link("lo")
    assert loopback is not None
    assert (loopback.kind, loopback.bitrate, loopback.state) == ("", None, "")
    assert read_link("no-such-can") is None
    assert read_link("x" * 60) is None
    assert lost_before_us("no-such-can") == 0


def test_a_can_device_says_its_bitrate_its_state_and_that_it_only_listens():
    can = (
        attribute(1, timing(500_000))
        + attribute(4, struct.pack("=I", 3))
        + attribute(5, struct.pack("=II", 0x22, 0x22))
        + attribute(9, timing(2_000_000))
    )
    info = attribute(1, b"can\0") + attribute(2 | 0x8000, can)
    assert parse_link(answer(info)) == Link("can", True, "bus-off", 500_000, 2_000_000, True)
    talks = (
        attribute(1, timing(0)) + attribute(4, struct.pack("=I", 4)) + attribute(5, struct.pack("=II", 2, 0))
    )
    info = attribute(1, b"can\0") + attribute(2, talks)
    assert parse_link(answer(info, flags=0)) == Link("can", False, "stopped", None, None, False)


def test_what_is_virtual_or_torn_has_nothing_to_say():
    assert parse_link(answer(attribute(1, b"vcan\0"))) == Link("vcan", True)
    assert parse_link(answer(b"\x01\x00")) == Link("", True)
