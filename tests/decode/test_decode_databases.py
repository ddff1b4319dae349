"""Every database of the corpus: it loads or says why, random payloads of every legal length decode bit for bit as with
cantools, and the simulator's frames of it decode.

What the simulator does otherwise is tests/edge_agent/test_simulator.py's: to parse the databases takes longer than to try
them, and here they are parsed once.
"""

import gc
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from cantools.database import DecodeError
from cantools.database.errors import Error as CantoolsError

from edge_agent.simulate import Simulator
from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.errors import BadDbc, BadSetting
from telemetry_pipeline.lake.parquet import conform_raw
from telemetry_pipeline.lake.windows import stamps_of
from tests.corpus import CORPUS, needs_corpus
from tests.decode.codec_oracle import (
    decode_columns,
    decode_frames_one_by_one,
    is_refused_by_cantools,
    same_columns,
)

pytestmark = pytest.mark.usefixtures("quiet")

FRAMES = 128
"""Frames of each message of one page."""

FRAMES_PAGED = 512
"""Frames of a message with a multiplexer, so that its pages are met: 0.6 million frames in all."""

SAMPLE = 8
"""Frames of each message on which the oracle is held against `Message.decode`."""

LEGAL = np.array([*range(9), 12, 16, 20, 24, 32, 48, 64])

SECOND = 1_000_000_000
START = 1_795_334_400 * SECOND


@dataclass(frozen=True)
class Entry:
    """A database of the corpus: what is known of it, and what we make of it or why we do not."""

    path: str
    known: dict[str, Any]
    dbc: Dbc | None
    refusal: str = ""


@pytest.fixture(scope="module")
def databases() -> list[Entry]:
    gc.disable()  # all of them stay, and looking through them again and again took half the time
    try:
        return [loaded(known) for known in json.loads((CORPUS / "manifest.json").read_text())["databases"]]
    finally:
        gc.enable()


def loaded(known: dict[str, Any]) -> Entry:
    path = known["path"]
    try:
        return Entry(path, known, load_dbc((CORPUS / path).read_bytes(), path.rpartition("/")[2]))
    except BadDbc as error:
        return Entry(path, known, None, str(error))


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


def decode_like_cantools(dbc: Dbc, seed: int) -> int:
    """Compare random frames of each message of a database; how many frames that were."""
    plan = compile_plan([dbc], match="exact")
    definitions = {(m.frame_id, m.is_extended_frame): m for m in dbc.database.messages}
    random = np.random.default_rng(seed)
    frames = []
    for compiled in plan.messages:
        message = definitions[compiled.arbitration_id, compiled.extended]
        count = FRAMES_PAGED if message.is_multiplexed() else FRAMES
        few = FRAMES // 2 if compiled.oracle is not None else count
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
def test_every_database_loads_or_says_why_in_one_line(databases):
    refused = [entry for entry in databases if entry.dbc is None]
    assert len(refused) < 20
    for entry in refused:
        assert "\n" not in entry.refusal
        assert not entry.known["cantools_loads"]["45.1.0"]["nonstrict"]["ok"], entry.refusal
    for entry in databases:
        if entry.dbc is not None:
            assert compile_plan([entry.dbc]).messages or not entry.known["summary"].get("messages"), (
                entry.path
            )


@needs_corpus
def test_random_frames_of_every_database_decode_as_with_cantools(databases):
    frames = 0
    for number, entry in enumerate(databases):
        if entry.dbc is None:
            continue
        try:
            frames += decode_like_cantools(entry.dbc, seed=number)
        except AssertionError as error:
            raise AssertionError(entry.path) from error
    assert frames > 600_000


@needs_corpus
def test_every_database_can_be_simulated_and_decodes_what_is_sent(databases):
    simulated, decoded, torn, unranged = 0, 0, 0, 0
    for path, database in ((entry.path, entry.dbc.database) for entry in databases if entry.dbc is not None):
        if not path.endswith(".dbc"):
            continue
        try:
            table = Simulator(database, "V", 0, START).frames(START, START + SECOND // 2)
        except BadSetting:
            assert not any(message.signals for message in database.messages if 0 < message.length <= 64), path
            continue
        simulated += 1
        stamps = stamps_of(table)
        assert (np.diff(stamps) > 0).all(), path
        messages = {
            (message.frame_id, bool(message.is_extended_frame)): message for message in database.messages
        }
        payloads = {}
        for row in table.select(["arb_id", "is_extended_id", "data"]).to_pylist():
            payloads.setdefault((row["arb_id"], row["is_extended_id"]), []).append(row["data"])
        for key, sent in payloads.items():
            message = messages[key]
            unranged += any(signal.minimum is None for signal in message.signals)
            for data in {sent[0], sent[-1]}:
                try:
                    assert message.decode(data, decode_choices=False), (path, message)
                    decoded += 1
                except DecodeError:  # signals that overlap, or lie beyond the end of their message
                    with pytest.raises(CantoolsError):
                        message.refresh(strict=True)
                    torn += 1
    assert simulated > 100
    assert decoded > 6000
    assert torn < decoded / 10
    assert unranged > 100
