import cantools
import numpy as np
import pytest
from cantools.database.can import Message, Signal
from cantools.database.conversion import BaseConversion
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_agent.encode import encode_frames, signal_range


@st.composite
def signals(draw, length=8):
    bits = draw(st.integers(1, 64))
    big = draw(st.booleans())
    low = draw(st.integers(0, length * 8 - bits))
    start = 8 * (low // 8) + 7 - low % 8 if big else low
    is_float = bits in (16, 32, 64) and draw(st.booleans())
    scale = draw(st.sampled_from([1, 0.5, 0.1, -0.25, 2, 0.001]))
    offset = draw(st.sampled_from([0, -40, 12.5]))
    return Signal(
        "S",
        start,
        bits,
        byte_order="big_endian" if big else "little_endian",
        is_signed=draw(st.booleans()),
        conversion=BaseConversion.factory(scale=scale, offset=offset, is_float=is_float),
    )


def message_of(*parts, length=8):
    return Message(1, "M", length, list(parts))


@given(signal=signals(), fractions=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_the_bytes_are_those_of_cantools(signal, fractions):
    # a float64 cannot name every raw value of a longer signal: those are in the next test
    assume(signal.length <= 52 or signal.is_float)
    low, high = signal_range(signal)
    values = np.array([low + fraction * (high - low) for fraction in fractions])
    message = message_of(signal)
    ours = encode_frames(message, {"S": values}, len(values))
    for row, value in zip(ours, values.tolist(), strict=True):
        assert row.tobytes() == message.encode({"S": value}, strict=False)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("bits", [53, 63, 64])
def test_long_signals_reach_both_ends_without_wrapping(bits, signed):
    signal = Signal("S", 0, bits, is_signed=signed)
    low, high = signal_range(signal)
    message = message_of(signal)
    rows = encode_frames(message, {"S": np.array([low * 2, low, 0, high, high * 2])}, 5)
    decoded = [message.decode(row.tobytes())["S"] for row in rows]
    assert decoded[0] == decoded[1] == low
    assert decoded[2] == 0
    assert decoded[3] == decoded[4] == pytest.approx(high, rel=1e-15)


@given(values=st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20), signal=signals())
def test_values_outside_are_clipped_to_the_range(values, signal):
    signal.minimum, signal.maximum = signal_range(signal)
    message = message_of(signal)
    step = abs(signal.scale)
    for row in encode_frames(message, {"S": np.array(values)}, len(values)):
        decoded = message.decode(row.tobytes())["S"]
        slack = step + 1e-3 * max(abs(signal.minimum), abs(signal.maximum))
        assert signal.minimum - slack <= decoded <= signal.maximum + slack


def test_a_declared_range_limits_the_payload():
    signal = Signal("S", 0, 16, minimum=2.5, maximum=4.2, conversion=BaseConversion.factory(0.001, 0))
    message = message_of(signal)
    rows = encode_frames(message, {"S": np.array([0, 2.5, 3.3, 4.2, 9])}, 5)
    assert [message.decode(row.tobytes())["S"] for row in rows] == pytest.approx([2.5, 2.5, 3.3, 4.2, 4.2])


@pytest.mark.parametrize(("minimum", "maximum"), [(0, 0), (None, None), (5, 1), (1000, 2000)])
def test_a_range_that_says_nothing_leaves_the_bits(minimum, maximum):
    assert signal_range(Signal("S", 0, 8, minimum=minimum, maximum=maximum)) == (0, 255)


def test_signals_share_a_payload_and_the_others_stay_zero():
    database = cantools.database.load_string(
        'VERSION ""\nBU_: A\nBO_ 1 M: 8 A\n'
        ' SG_ Sel M : 0|4@1+ (1,0) [0|15] "" A\n'
        ' SG_ Low m0 : 7|12@0- (0.5,-3) [0|0] "" A\n'
        ' SG_ High m1 : 16|20@1- (1,0) [0|0] "" A\n'
        ' SG_ Always : 39|9@0+ (1,0) [0|0] "" A\n',
        "dbc",
        strict=False,
    )
    message = database.messages[0]
    values = {"Sel": 1.0, "High": -12345.0, "Always": 300.0}
    row = encode_frames(message, {name: np.array([value]) for name, value in values.items()}, 1)[0]
    assert row.tobytes() == message.encode(values, strict=False)
