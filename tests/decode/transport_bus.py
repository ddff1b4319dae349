"""A bus that speaks multi-frame protocols, made by hand: an encoder that shares nothing with the decoder under test."""

from dataclasses import dataclass

import pyarrow as pa

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.lake.parquet import conform_raw

MS = 1_000_000


@dataclass(frozen=True)
class Frame:
    """One frame as it was on the bus."""

    time: int
    arb_id: int
    data: bytes
    extended: bool = False
    channel: str = ""

    @property
    def row(self):
        return {
            "timestamp": self.time,
            "arb_id": self.arb_id,
            "dlc": min(len(self.data), 8),
            "data": self.data,
            "vehicle_id": "V",
            "is_extended_id": self.extended,
            "channel": self.channel,
        }


def table(frames) -> pa.Table:
    """Frames as a raw table."""
    rows = [frame.row for frame in frames]
    kinds = {
        "timestamp": pa.timestamp("ns"),
        "arb_id": pa.uint32(),
        "dlc": pa.uint8(),
        "data": pa.binary(),
        "vehicle_id": pa.string(),
        "is_extended_id": pa.bool_(),
        "channel": pa.string(),
    }
    columns = {name: pa.array([row[name] for row in rows], kind) for name, kind in kinds.items()}
    return conform_raw(pa.table(columns), "test")


def frames_of(raw: pa.Table):
    """The frames of a raw table."""
    return [
        Frame(
            row["timestamp"].value if hasattr(row["timestamp"], "value") else row["timestamp"],
            row["arb_id"],
            row["data"],
            row["is_extended_id"],
            row["channel"],
        )
        for row in raw.set_column(0, "timestamp", raw["timestamp"].cast(pa.int64())).to_pylist()
    ]


def plan_of(messages, *transport, match=None) -> Plan:
    """A plan of messages {(id, extended): length}, each with its first byte as its only signal."""
    lines = ['VERSION ""', "BU_: ECU"]
    for number, ((arb_id, extended), length) in enumerate(messages.items()):
        lines.append(f"BO_ {arb_id | extended << 31} M{number}: {length} ECU")
        lines.append(' SG_ First : 0|8@1+ (1,0) [0|0] "" ECU')
    return compile_plan([load_dbc("\n".join(lines).encode(), "t.dbc")], match=match, transport=transport)


def isotp(payload: bytes, frame=8):
    """The frames of a payload in ISO-TP, without the frame for short ones that has a length of its own."""
    if len(payload) <= 7:
        return [bytes([len(payload)]) + payload]
    if len(payload) <= 4095:
        head = bytes([0x10 | len(payload) >> 8, len(payload) & 0xFF])
    else:
        head = b"\x10\x00" + len(payload).to_bytes(4, "big")
    room = frame - len(head)
    frames, rest, number = [head + payload[:room]], payload[room:], 1
    while rest:
        frames.append(bytes([0x20 | number % 16]) + rest[: frame - 1])
        rest, number = rest[frame - 1 :], number + 1
    return frames


def fastpacket(payload: bytes, sequence=0):
    """The frames of a payload in fast packet, the last one filled up."""
    frames, rest, number = [bytes([sequence << 5, len(payload)]) + payload[:6]], payload[6:], 1
    while rest:
        frames.append(bytes([sequence << 5 | number]) + rest[:7])
        rest, number = rest[7:], number + 1
    return [frame.ljust(8, b"\xff") for frame in frames]


def j1939(payload: bytes, pgn: int, source: int, to=None):
    """(arbitration id, data) of a payload: broadcast, or from request to acknowledgement between two nodes."""
    packets = [payload[at : at + 7].ljust(7, b"\xff") for at in range(0, len(payload), 7)]
    destination = 255 if to is None else to
    size, group = len(payload).to_bytes(2, "little"), pgn.to_bytes(3, "little")
    control = 0x1CEC0000 | destination << 8 | source
    answer = 0x1CEC0000 | source << 8 | destination
    data = 0x1CEB0000 | destination << 8 | source
    numbered = [(data, bytes([number]) + packet) for number, packet in enumerate(packets, 1)]
    if to is None:
        return [(control, b"\x20" + size + bytes([len(packets), 0xFF]) + group), *numbered]
    return [
        (control, b"\x10" + size + bytes([len(packets), 0xFF]) + group),
        (answer, bytes([17, len(packets), 1, 255, 255]) + group),
        *numbered,
        (answer, b"\x13" + size + bytes([len(packets), 0xFF]) + group),
    ]
