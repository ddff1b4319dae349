import numpy as np
import pytest

from edge_agent.database import BUNDLED, read_database
from edge_agent.records import CLASSIC, ERROR, EXTENDED, FD, REMOTE, WIDE, Arrival, records_of
from edge_agent.simulate import Simulator
from edge_agent.traffic import BUS_OFF, CONTROLLER, RESTARTED, Traffic

START = 1_795_334_400_000_000_000
BREAK_BITS = 3


def bits_on_the_wire(arb_id, extended, data):
    """Every bit of a data frame, stuffed as ISO 11898-1 says, with the gap after it."""
    bits = [0]
    if extended:
        bits += [(arb_id >> 18 >> k) & 1 for k in range(10, -1, -1)]
        bits += [1, 1, *((arb_id >> k) & 1 for k in range(17, -1, -1)), 0, 0, 0]
    else:
        bits += [*((arb_id >> k) & 1 for k in range(10, -1, -1)), 0, 0, 0]
    bits += [(len(data) >> k) & 1 for k in (3, 2, 1, 0)]
    bits += [(octet >> k) & 1 for octet in data for k in range(7, -1, -1)]
    crc = 0
    for bit in bits:
        invert = bit ^ (crc >> 14)
        crc = ((crc << 1) & 0x7FFF) ^ (0x4599 if invert else 0)
    bits += [(crc >> k) & 1 for k in range(14, -1, -1)]
    stuffed, run, last = 0, 0, None
    for bit in bits:
        run, last = (run + 1, last) if bit == last else (1, bit)
        if run == 5:
            stuffed, run, last = stuffed + 1, 1, 1 - bit
    return len(bits) + stuffed + 3 + 7 + BREAK_BITS  # delimiters and acknowledgement, end of frame


def frames(rows, dtype=CLASSIC):
    """Records of (id, length, data, flags)."""
    records = np.zeros(len(rows), dtype)
    for record, (arb_id, length, data, *flags) in zip(records, rows, strict=True):
        record["id"], record["length"] = arb_id, length
        record["data"][: len(data)] = list(data)
        record["flags"] = flags[0] if flags else 0
    return records


def counted(records, channel="can0"):
    traffic = Traffic()
    traffic.count(Arrival(channel, records))
    return traffic.channels[channel]


def drive():
    _, database = read_database(BUNDLED)
    return records_of(Simulator(database.database, "V", 0, START).frames(START, START + 2_000_000_000))


def random_payloads(extended):
    rng = np.random.default_rng(7)
    ids = rng.integers(0, 1 << (29 if extended else 11), 300) | (EXTENDED if extended else 0)
    lengths = rng.integers(0, 9, 300)
    return frames([(i, n, rng.integers(0, 256, n)) for i, n in zip(ids, lengths, strict=True)])


@pytest.mark.parametrize(
    "records",
    [
        drive(),
        random_payloads(extended=False),
        random_payloads(extended=True),
        frames([(0x100 + k, 8, [0] * 8) for k in range(100)]),
        frames([(k, 8, [k, *[0xFF] * 7]) for k in range(100)]),
    ],
    ids=["drive", "random", "extended", "zeros", "ones"],
)
def test_the_bits_are_those_on_the_wire_within_a_fifteenth(records):
    exact = sum(
        bits_on_the_wire(
            int(record["id"]) & 0x1FFF_FFFF,
            bool(record["id"] >> 31),
            bytes(record["data"][: record["length"]]),
        )
        for record in records
    )
    assert counted(records).bits == pytest.approx(exact, rel=1 / 15)
    assert counted(records).frames == len(records)


def test_a_remote_frame_has_no_data_and_an_error_frame_is_no_frame():
    remote, asked = frames([(REMOTE | 0x1, 8, [])]), frames([(0x1, 0, [])])
    assert counted(remote).bits == counted(asked).bits
    errors = counted(frames([(ERROR | BUS_OFF, 8, []), (0x1, 0, [])]))
    assert (errors.frames, errors.error_frames, errors.bits) == (1, 1, counted(asked).bits)


def test_the_faster_half_of_can_fd_is_counted_apart():
    slow = counted(frames([(0x1, 64, [7] * 64, FD)], WIDE))
    fast = counted(frames([(0x1, 64, [7] * 64, FD | 1)], WIDE))
    assert slow.fast_bits == 0
    assert fast.bits < 60
    assert 8 * 64 < fast.fast_bits < 680
    assert fast.bits + fast.fast_bits == pytest.approx(slow.bits)
    mixed = counted(frames([(0x1, 64, [7] * 64, FD | 1), (EXTENDED | 0x1, 8, [1] * 8), (0x2, 0, [])], WIDE))
    classic = counted(frames([(EXTENDED | 0x1, 8, [1] * 8), (0x2, 0, [])]))
    assert mixed.bits == pytest.approx(fast.bits + classic.bits)
    assert mixed.frames == 3


def test_what_the_controller_says_of_itself():
    traffic = Traffic()

    def say(*rows):
        traffic.count(Arrival("can0", frames(rows)))
        return traffic.channels["can0"]

    assert say((ERROR | BUS_OFF, 8, [])).is_off
    assert not say((ERROR | RESTARTED, 8, [])).is_off
    assert say((ERROR | BUS_OFF, 8, [])).bus_offs == 2
    assert not say((0x1, 0, [])).is_off  # who hears frames is back
    assert say((ERROR | CONTROLLER, 8, [0, 1]), (ERROR | CONTROLLER, 8, [0, 4])).overflows == 1
    assert (traffic.channels["can0"].error_frames, traffic.channels["can0"].frames) == (5, 1)


def test_channels_are_counted_apart_and_nothing_is_nothing():
    traffic = Traffic()
    traffic.count(Arrival("can0", frames([(1, 0, [])])))
    traffic.count(Arrival("can1", frames([(1, 0, [])] * 2)))
    traffic.count(Arrival("", frames([])))
    assert {name: counts.frames for name, counts in traffic.channels.items()} == {"can0": 1, "can1": 2}
