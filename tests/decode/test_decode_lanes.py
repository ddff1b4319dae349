"""Many signals at once give what each gives by Python's own integers, as a matrix and row by row."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.decode import lanes as module
from telemetry_pipeline.decode.bits import Field, Scaling
from telemetry_pipeline.decode.lanes import Lane, Lanes
from telemetry_pipeline.decode.pile import Pile
from telemetry_pipeline.decode.selected import Selected

NUMBERS = st.sampled_from([0, 1, -1, 2, 2.0, 0.1, -0.5, 0.01, 40, -40.5, 1e-300, 3.25, 10**7])


@st.composite
def some_lanes(draw: st.DrawFn) -> list[Lane]:
    found = []
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.integers(1, 64))
        big_endian = draw(st.booleans())
        first = draw(st.integers(0, 64 - length))  # of the payload's bits in the field's own order
        start = 8 * (first // 8) + 7 - first % 8 if big_endian else first
        is_float = length in (16, 32, 64) and draw(st.booleans())
        field = Field.at(
            start=start,
            length=length,
            big_endian=big_endian,
            signed=draw(st.booleans()),
            is_float=is_float,
        )
        found.append((field, Scaling.of(draw(NUMBERS), draw(NUMBERS), field)))
    return found


def expected(lane: Lane, payload: bytes) -> float:
    field, scaling = lane
    order = "big" if field.big_endian else "little"
    shift = 64 - field.first_bit - field.length if field.big_endian else field.first_bit
    raw = int.from_bytes(payload, order) >> shift & ((1 << field.length) - 1)  # type: ignore[arg-type]
    if field.is_float:
        code = {16: "e", 32: "f", 64: "d"}[field.length]
        number = struct.unpack(f">{code}", raw.to_bytes(field.length // 8, "big"))[0]
        return (
            number if (scaling.scale, scaling.offset) == (1, 0) else number * scaling.scale + scaling.offset
        )
    if field.signed and raw >> (field.length - 1):
        raw -= 1 << field.length
    return float(raw * scaling.scale + scaling.offset)


def frames_of(words: np.ndarray) -> Selected:
    times = np.arange(len(words))
    return Selected([(Pile([0, len(words)], words, times, 8, 0, 0, 8), 0, len(words))])


@pytest.mark.parametrize("many", [0, 1 << 30])
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid")
@settings(max_examples=150)
@given(lanes=some_lanes(), seed=st.integers(0, 2**32 - 1), count=st.integers(1, 40), some=st.booleans())
def test_all_signals_of_some_frames(many: int, lanes: list[Lane], seed: int, count: int, some: bool) -> None:
    random = np.random.default_rng(seed)
    words = random.integers(0, 1 << 64, count, np.uint64)
    words[random.random(count) < 0.2] = 0
    rows = np.flatnonzero(random.random(count) < 0.5) if some else None
    chosen = words if rows is None else words[rows]
    out = np.full((len(lanes), len(chosen)), 77.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MANY", many)
        patch.setattr(module, "BLOCK", 16)
        Lanes.of(lanes).read(frames_of(words), rows, out)
    for lane, values in zip(lanes, out, strict=True):
        wanted = np.array([expected(lane, word.tobytes()) for word in chosen])
        same = (values.view(np.uint64) == wanted.view(np.uint64)) | (np.isnan(values) & np.isnan(wanted))
        assert same.all(), lane
