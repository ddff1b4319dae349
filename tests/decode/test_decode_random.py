"""Random databases and payloads, compared with cantools frame by frame and bit by bit."""

import struct

import pyarrow as pa
import pytest
from cantools.database import DecodeError, Message, Signal
from cantools.database.conversion import BaseConversion
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_pipeline.decode import flat
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan

pytestmark = pytest.mark.usefixtures("quiet")

SCALES = (1, 1.0, 2, 0.1, 0.5, -1, -0.25, 3, 1_000_003, 10**12, 1e-310, 0, 2.0, 1e10)
OFFSETS = (0, 0.0, 1, -40, 0.5, -273.15, 10**9, 2**53 + 1, -1e-9)


@st.composite
def signals_in_free_bits(draw, name, free, depth, *, parent=None, ids=None):
    """Signals side by side in the bits [free[0], free[1]) of one byte order, some of them multiplexers with children."""
    start, end = free
    found = []
    big = draw(st.booleans())
    for number in range(draw(st.integers(0 if parent else 1, 4))):
        start += draw(st.sampled_from((0, 0, 0, 1, 3)))
        room = end - start
        if room < 1:
            break
        mux = depth < 3 and room > 4 and draw(st.integers(0, 3)) == 0
        is_float = not mux and room >= 16 and draw(st.integers(0, 5)) == 0
        if is_float:
            length = draw(st.sampled_from([bits for bits in (16, 32, 64) if bits <= room]))
        else:
            length = draw(st.integers(1, min(room, 4 if mux else draw(st.sampled_from((8, 16, 33, 64, 90))))))
        plain = mux and draw(st.booleans())
        signal = Signal(
            f"{name}{number}",
            8 * (start // 8) + 7 - start % 8 if big else start,
            length,
            "big_endian" if big else "little_endian",
            draw(st.booleans()),
            conversion=BaseConversion.factory(
                1 if plain else draw(st.sampled_from(SCALES)),
                0 if plain else draw(st.sampled_from(OFFSETS)),
                {0: "zero", 2: "two"} if draw(st.integers(0, 4)) == 0 else None,
                is_float,
            ),
            is_multiplexer=mux,
            multiplexer_ids=ids,
            multiplexer_signal=parent,
        )
        found.append(signal)
        start += length
        if mux:
            pages = draw(st.lists(st.integers(-2, 9), min_size=1, max_size=4, unique=True))
            for number_, page in enumerate(pages):
                both = sorted({page, pages[0]}) if draw(st.booleans()) else [page]
                child = f"{signal.name}_{number_}_"
                strategy = signals_in_free_bits(child, (start, end), depth + 1, parent=signal.name, ids=both)
                found += draw(strategy)
    return found


@st.composite
def cases(draw):
    length = draw(st.sampled_from((1, 2, 4, 7, 8, 8, 8, 12, 24, 64)))
    signals = draw(signals_in_free_bits("s", (0, 8 * length), 0))
    lengths = st.just(length) | st.integers(0, min(64, length + 3))
    size = draw(st.just(lengths) | st.just(st.just(8)))
    payload = size.flatmap(
        lambda n: (
            st.binary(min_size=n, max_size=n)
            | st.lists(st.sampled_from((0, 1, 2, 127, 128, 255)), min_size=n, max_size=n).map(bytes)
        )
    )
    return Message(5, "M", length, signals, strict=False), draw(st.lists(payload, min_size=1, max_size=30))


def bits(value):
    return struct.pack("<d", value)


def by_cantools(message, payloads, *, strict):
    values, errors = {}, 0
    for time, payload in enumerate(payloads):
        try:
            found = message.decode(payload, decode_choices=False, scaling=True, allow_truncated=not strict)
            found = {name: bits(float(value)) for name, value in found.items()}
        except (DecodeError, ValueError, OverflowError) as error:
            if "unpacking" in str(error):
                return None, None  # overlapping pages: cantools refuses every frame, we do not
            errors += 1
            continue
        if not found:
            errors += 1
        values.update({(time, name): value for name, value in found.items()})
    return values, errors


@pytest.mark.parametrize("byte_order", ["little_endian", "big_endian"])
@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("length", [1, 8, 31, 32, 57, 58, 63, 64, 65])
def test_every_place_of_a_long_signal_is_read(length, is_signed, byte_order, database_of, raw_of):
    starts = range(100 - length)
    places = [8 * (bit // 8) + 7 - bit % 8 if byte_order == "big_endian" else bit for bit in starts]
    messages = [
        Message(i, f"M{i}", 13, [Signal("s", start, length, byte_order, is_signed)])
        for i, start in enumerate(places)
    ]
    payloads = [
        bytes(range(201, 214)),
        bytes(13),
        b"\xff" * 13,
        b"\x80\x01" * 6 + b"\x7f",
        bytes(range(119, 132)),
    ]
    frames = [
        {"timestamp": time, "arb_id": message.frame_id, "data": data}
        for message in messages
        for time, data in enumerate(payloads)
    ]
    decoded = decode_frames(raw_of(frames), compile_plan([database_of(messages)]))
    expected = {message.name: [float(message.decode(data)["s"]) for data in payloads] for message in messages}
    names, values = decoded.table["message_name"].to_pylist(), decoded.table["value"].to_pylist()
    found = {}
    for name, value in zip(names, values, strict=True):
        found.setdefault(name, []).append(value)
    assert found == expected


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(case=cases(), strict=st.booleans())
def test_every_value_has_the_bits_that_cantools_gives(case, strict, database_of, raw_of):
    message, payloads = case
    expected, errors = by_cantools(message, payloads, strict=strict)
    raw = raw_of([{"timestamp": time, "arb_id": 5, "data": data} for time, data in enumerate(payloads)])
    plan = compile_plan([database_of([message])], strict_length=strict)
    decoded = decode_frames(raw, plan)
    report = decoded.report
    assert report.adds_up()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flat, "VALUES_MAX", 0)
        by_message = decode_frames(raw, plan)
    assert by_message.table["value"].to_numpy().tobytes() == decoded.table["value"].to_numpy().tobytes()
    assert by_message.table.drop(["value"]).equals(decoded.table.drop(["value"]))
    assert repr(by_message.report) == repr(report)
    assert sum(stats.rows for stats in report.signals) == decoded.table.num_rows
    if expected is None:
        return
    times, names, values = (
        decoded.table[name].to_pylist()
        if name != "timestamp"
        else decoded.table[name].cast(pa.int64()).to_pylist()
        for name in ("timestamp", "signal_name", "value")
    )
    found = {(time, name): bits(value) for time, name, value in zip(times, names, values, strict=True)}
    assert found == expected
    assert report.decode_error == errors
    assert report.decoded_frames == len(payloads) - errors
