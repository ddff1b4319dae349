"""Scenes in the guest: what the kernel has on a bus is what is read."""

import socket
import struct
from pathlib import Path

from edge_agent import socketcan
from edge_agent.capture import BusSource
from edge_agent.config import AgentConfig
from edge_agent.filters import parse_filters
from edge_agent.records import ERROR, EXTENDED, REMOTE, Arrival, table_of
from edge_agent.socketcan import listen_to
from tests.edge_agent.can_sender import send_now, send_paced
from tests.edge_agent.uml_tools import SECOND, Listening, classic, flexible, numbers_of, read_until, until


def test_every_kind_of_frame_is_kept(bus):
    reader = listen_to("vcan0", [])
    sent = [
        classic(0x123, b"\1\2\3"),
        classic(0x18FEF100 | EXTENDED, bytes(8)),
        classic(0x123 | EXTENDED),
        classic(0x7FF | REMOTE, length=5),
        classic(0x40 | ERROR, bytes(8)),
        flexible(0x55, bytes(range(64)), flags=1),
        flexible(0x56, b"", flags=2),
        classic(0x57, b"x"),
    ]
    for frame in sent:
        bus.send(frame)
    rows = table_of([Arrival("vcan0", read_until(reader, 0x57))], "V").to_pylist()
    assert [row["arb_id"] for row in rows] == [0x123, 0x18FEF100, 0x123, 0x7FF, 0x40, 0x55, 0x56, 0x57]
    assert [row["data"] for row in rows] == [
        *(b"\1\2\3", bytes(8), b"", b"", bytes(8), bytes(range(64)), b"", b"x")
    ]
    assert [row["dlc"] for row in rows] == [3, 8, 0, 5, 8, 15, 0, 1]
    kinds = ("is_extended_id", "is_fd", "is_error_frame", "is_remote_frame")
    assert [next((kind for kind in kinds if row[kind]), "") for row in rows] == [
        *("", "is_extended_id", "is_extended_id", "is_remote_frame", "is_error_frame", "is_fd", "is_fd", "")
    ]
    assert [row["arb_id"] for row in rows if row["bitrate_switch"]] == [0x55]
    assert [row["arb_id"] for row in rows if row["error_state_indicator"]] == [0x56]
    reader.close()


def test_times_are_the_kernels_to_the_nanosecond(bus):
    reader = listen_to("vcan0", [])
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as witness:
        witness.setsockopt(socket.SOL_SOCKET, socketcan.SO_TIMESTAMPNS, 1)
        witness.bind(("vcan0",))
        for nth in range(200):
            bus.send(classic(nth, b"x"))
        stamps = []
        for _ in range(200):
            _, ancillary, _, _ = witness.recvmsg(16, 64)
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            stamps.append(seconds * SECOND + nanoseconds)
    assert read_until(reader, 199)["stamp"].tolist() == stamps
    assert len({stamp % 1000 for stamp in stamps}) > 10  # they are not rounded to microseconds
    reader.close()


def test_the_kernel_filters(bus):
    reader = listen_to("vcan0", parse_filters("100:7F0,18FEF100:1FFFFF00"))
    for can_id in (0xFF, 0x100, 0x10F, 0x110, 0x105 | EXTENDED, 0x18FEF1AA | EXTENDED, 0x4 | ERROR):
        bus.send(classic(can_id))
    assert read_until(reader, 0x4 | ERROR)["id"].tolist() == [
        0x100,
        0x10F,
        0x18FEF1AA | EXTENDED,
        0x4 | ERROR,
    ]
    reader.close()
    many = listen_to("vcan0", parse_filters(",".join(f"{nth:X}" for nth in range(512))))
    for can_id in (512, 511):
        bus.send(classic(can_id))
    assert read_until(many, 511)["id"].tolist() == [511]
    many.close()


def test_what_the_kernel_drops_is_counted():
    reader = listen_to("vcan0", [])
    for first in range(0, 40_000, 64):
        send_now("vcan0", first, 64)
    read = [reader.read()]
    while len(read[-1]):
        read.append(reader.read())
    send_now("vcan0", 2047, 1)
    read.append(read_until(reader, 2047))
    got = sum(map(len, read)) - 1
    assert 10_000 < got < 40_000
    assert got + reader.dropped == 40_000
    reader.close()


def test_many_frames_come_whole_and_in_order():
    source = BusSource(
        AgentConfig(vehicle_id="V", lake="file:///x", spool=Path("/run"), channel="vcan0,vcan1")
    )
    with Listening(source) as listening:
        for fd in (False, True):
            send_paced(["vcan0", "vcan1"], 3000, 6000, fd=fd)
        until(lambda: len(listening.rows) >= 12_000)
    for channel in ("vcan0", "vcan1"):
        rows = [row for row in listening.rows if row["channel"] == channel]
        assert numbers_of(rows) == [*range(3000), *range(3000)]
        assert [row["is_fd"] for row in rows] == [False] * 3000 + [True] * 3000
        stamps = [row["timestamp"].value for row in rows]
        assert stamps == sorted(stamps)
