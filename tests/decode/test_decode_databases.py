"""Every database of the corpus, with random payloads of every legal length: bit for bit what cantools makes of them."""

import json

import numpy as np
import pyarrow as pa
import pytest

from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.lake.parquet import conform_raw
from tests.corpus import CORPUS, needs_corpus
from tests.decode.codec_oracle import (
    decode_columns,
    decode_frames_one_by_one,
    is_refused_by_cantools,
    same_columns,
)

pytestmark = pytest.mark.usefixtures("quiet")

FRAMES = 512
"""Frames of each message: with the corpus' 4,300 messages 2.2 million in all."""

SAMPLE = 8
"""Frames of each message on which the oracle is held against `Message.decode`."""

LEGAL = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])


def databases() -> list[str]:
    return [entry["path"] for entry in json.loads((CORPUS / "manifest.json").read_text())["databases"]]


def payloads_for(length: int, random: np.random.Generator, count: int) -> list[bytes]:
    """Half of them as long as the message, the others of every legal length; some of extreme bytes."""
    lengths = np.where(np.arange(count) % 2, length, random.choice(LEGAL, count))
    lengths[: len(LEGAL)] = LEGAL
    body = random.integers(0, 256, (count, 64), np.uint8)
    extreme = random.random(count) < 0.1
    body[extreme] = random.choice(np.array([0, 1, 0x7F, 0x80, 0xFF], np.uint8), (int(extreme.sum()), 64))
    small = random.random(count) < 0.3  # so that pages of wide multiplexers are met
    body[small] &= 0x07
    return [row[:size].tobytes() for row, size in zip(body, lengths.tolist(), strict=True)]


def raw_table(frames: list[tuple[int, bool, list[bytes]]]) -> pa.Table:
    """Frames of several ids; the time of each is its position among those of its id."""
    counts = [len(payloads) for _, _, payloads in frames]
    columns = {
        "timestamp": pa.array(np.concatenate([np.arange(count) for count in counts]), pa.timestamp("ns")),
        "arb_id": pa.array(np.repeat([frame_id for frame_id, _, _ in frames], counts), pa.uint32()),
        "dlc": pa.array(np.zeros(sum(counts)), pa.uint8()),
        "data": pa.array([payload for _, _, payloads in frames for payload in payloads], pa.binary()),
        "vehicle_id": pa.repeat("V", sum(counts)),
        "is_extended_id": pa.array(np.repeat([extended for _, extended, _ in frames], counts), pa.bool_()),
    }
    return conform_raw(pa.table(columns), "random")


def check_message(message, compiled, payloads, found, report) -> None:
    """Compare what was decoded of one message with cantools."""
    if compiled.refusal:
        assert report.messages.get(compiled.name, 0) == 0
        return
    if compiled.oracle is not None:
        columns, decoded = decode_frames_one_by_one(message, payloads)
    else:
        columns, decoded = decode_columns(message, payloads)
        if not is_refused_by_cantools(message):
            first = payloads[:SAMPLE]
            assert same_columns(
                decode_columns(message, first)[0], decode_frames_one_by_one(message, first)[0]
            )
    assert report.messages.get(compiled.name, 0) == decoded
    assert found.keys() == columns.keys()
    for name, (at, values) in columns.items():
        times, ours = found[name]
        assert np.array_equal(times, at), name
        assert np.array_equal(ours.view(np.uint64), values.view(np.uint64)), name


def decode_like_cantools(dbc: Dbc, count: int, seed: int) -> int:
    """Compare `count` random frames of each message of a database; how many frames that were."""
    plan = compile_plan([dbc], match="exact")
    definitions = {(m.frame_id, m.is_extended_frame): m for m in dbc.database.messages}
    random = np.random.default_rng(seed)
    frames = []
    for compiled in plan.messages:
        few = count // 8 if compiled.oracle is not None else count
        frames.append(payloads_for(compiled.length, random, max(few, len(LEGAL))))
    if not frames:
        return 0
    raw = raw_table(
        [(m.arbitration_id, m.extended, own) for m, own in zip(plan.messages, frames, strict=True)]
    )
    decoded = decode_frames(raw, plan)
    assert decoded.report.adds_up()
    assert decoded.report.unknown_id == 0
    times = decoded.table["timestamp"].cast(pa.int64()).to_numpy()
    values = decoded.table["value"].to_numpy()
    found: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    start = 0
    for stats in decoded.report.signals:
        rows = slice(start, start + stats.rows)
        found.setdefault(stats.message, {})[stats.signal] = (times[rows], values[rows])
        start += stats.rows
    assert start == len(values)
    for compiled, own in zip(plan.messages, frames, strict=True):
        message = definitions[compiled.arbitration_id, compiled.extended]
        check_message(message, compiled, own, found.get(compiled.name, {}), decoded.report)
    return raw.num_rows


@needs_corpus
def test_random_frames_of_every_database_decode_as_with_cantools():
    frames, refused = 0, []
    for number, path in enumerate(databases()):
        try:
            dbc = load_dbc((CORPUS / path).read_bytes(), path.rpartition("/")[2])
        except BadDbc:
            refused.append(path)
            continue
        try:
            frames += decode_like_cantools(dbc, FRAMES, seed=number)
        except AssertionError as error:
            raise AssertionError(path) from error
    assert len(refused) < 20
    assert frames > 2_000_000
