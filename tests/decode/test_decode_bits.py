"""Bits to numbers at the edges that random frames seldom meet: block borders, extremes, signed zeros, NaN."""

import struct

import numpy as np
import pytest
from cantools.database import Message, Signal
from cantools.database.conversion import BaseConversion

from telemetry_pipeline.decode.bits import BLOCK, Field, Rounding, Scaling
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from tests.decode.codec_oracle import decode_columns


def payloads_of(length, *patterns):
    """Payloads of one byte repeated, of one bit set, and of one bit missing."""
    ones = (1 << 8 * length) - 1
    bits = [1 << bit for bit in range(8 * length)]
    numbers = [0, ones, *bits, *(ones ^ bit for bit in bits)]
    return [number.to_bytes(length, "big") for number in numbers] + list(patterns)


@pytest.fixture
def check(database_of, raw_of):
    """Decode payloads of signals in one message and compare with cantools, bit for bit."""

    def run(signals, payloads, length):
        message = Message(5, "M", length, signals, strict=False)
        raw = raw_of([{"timestamp": time, "arb_id": 5, "data": data} for time, data in enumerate(payloads)])
        decoded = decode_frames(raw, compile_plan([database_of([message])]))
        expected, count = decode_columns(message, payloads)
        assert decoded.report.decoded_frames == count
        values = decoded.table["value"].to_numpy()
        start = 0
        for stats in decoded.report.signals:
            own = values[start : start + stats.rows]
            assert own.view(np.uint64).tolist() == expected[stats.signal][1].view(np.uint64).tolist(), (
                stats.signal
            )
            start += stats.rows
        assert start == sum(len(column) for _, column in expected.values())

    return run


@pytest.mark.parametrize("byte_order", ["little_endian", "big_endian"])
@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 16, 31, 32, 33, 52, 53, 54, 57, 58, 63, 64, 65, 72])
def test_every_single_bit_counts(length, is_signed, byte_order, check):
    for first in (0, 1, 5, 7):
        start = 8 * (first // 8) + 7 - first % 8 if byte_order == "big_endian" else first
        check([Signal("s", start, length, byte_order, is_signed)], payloads_of(10), 10)


@pytest.mark.parametrize("length", [16, 58, 64])
def test_rows_behind_the_first_block_are_read(length, check):
    random = np.random.default_rng(length)
    body = random.integers(0, 256, (2 * BLOCK + 3, 10), np.uint8)
    signal = Signal("s", 5, length, "little_endian", is_signed=True)
    other = Signal("t", 3, length, "big_endian")
    check([signal, other], [row.tobytes() for row in body], 10)


@pytest.mark.parametrize("length", [8, 53, 64, 70])
@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize(
    ("scale", "offset"),
    [
        (1, 2**53 + 1),
        (-1, 2**53 + 1),
        (3, -1),
        (3, 0.5),
        (-7, 0.1),
        (2.0, 1.0),
        (10**6, -(10**12)),
        (0.1, 0),
        (-0.1, 0.0),
        (1e-310, 0),
        (0, 0),
        (0.0, -0.0),
        (1.0, -40.0),
    ],
)
def test_every_way_to_scale_rounds_as_cantools_does(scale, offset, is_signed, length, check):
    signal = Signal(
        "s",
        0,
        length,
        is_signed=is_signed,
        conversion=BaseConversion.factory(scale, offset, None, is_float=False),
    )
    check([signal], payloads_of(9), 9)


@pytest.mark.parametrize("byte_order", ["little_endian", "big_endian"])
@pytest.mark.parametrize(
    ("scale", "offset"), [(1, 0), (0.5, -40), (0.01, -0.5), (-0.1, 0), (1e-300, 0), (0.1, 3)]
)
def test_signals_in_nine_bytes_are_scaled(scale, offset, byte_order, check):
    start = 5 if byte_order == "little_endian" else 2
    conversion = BaseConversion.factory(scale, offset, None, is_float=False)
    check([Signal("s", start, 62, byte_order, conversion=conversion)], payloads_of(9), 9)


@pytest.mark.parametrize(("length", "form"), [(16, "e"), (32, "f"), (64, "d")])
@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (2, 0), (0.5, -1), (-1, 0), (1, 0.0), (1, 5)])
def test_floats_keep_zeros_infinities_and_nan(length, form, scale, offset, check):
    numbers = [0.0, -0.0, 1.5, -2.25, float("inf"), -float("inf"), float("nan"), -float("nan")]
    signal = Signal("s", 0, length, conversion=BaseConversion.factory(scale, offset, None, is_float=True))
    payloads = [struct.pack(f"<{form}", number).ljust(8, b"\0") for number in numbers]
    # a NaN with a payload of its own
    payloads.append(((1 << length) - 3).to_bytes(8, "little"))
    check([signal], payloads, 8)


@pytest.mark.parametrize("length", [1, 2, 9, 10])
def test_a_short_frame_gives_the_signals_that_it_holds_to_the_bit(length, check):
    little = [Signal(f"l{bit}", bit, 2) for bit in range(0, 78, 3)]
    big = [Signal(f"b{bit}", 8 * (bit // 8) + 7 - bit % 8, 2, "big_endian") for bit in range(0, 78, 3)]
    for signals in (little, big):
        check(signals, [payload[:length] for payload in payloads_of(10)], 10)


def test_a_field_that_ends_with_its_payload_fits():
    field = Field.at(start=7, length=16, big_endian=True, signed=False, is_float=False)
    assert field.fault(2) is None
    assert field.fault(1) == "does not fit in 1 bytes"
    assert (
        Field.at(start=0, length=24, big_endian=False, signed=False, is_float=True).fault(8)
        == "a float of 24 bits"
    )


def test_values_beyond_float64_are_refused():
    wide = Field.at(start=0, length=300, big_endian=False, signed=False, is_float=False)
    with pytest.raises(OverflowError):
        Scaling.of(10**300, 0, wide)
    assert Scaling.of(1, 0, wide).rounding is Rounding.PYTHON
