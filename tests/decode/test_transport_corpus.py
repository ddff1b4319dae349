"""Real recordings of multi-frame protocols, reassembled and decoded."""

import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.decode.transport.reassemble import reassemble
from tests.corpus import CORPUS, needs_corpus, recording
from tests.decode.transport_bus import frames_of
from tests.decode.transport_oracle import Oracle

POSITION = """VERSION ""
BU_: GPS
BO_ 2583168510 GnssPositionData: 43 GPS
 SG_ Sid : 0|8@1+ (1,0) [0|255] "" GPS
 SG_ Latitude : 56|64@1- (1E-16,0) [-90|90] "deg" GPS
 SG_ Longitude : 120|64@1- (1E-16,0) [-180|180] "deg" GPS
BO_ 2583167486 PositionRapidUpdate: 8 GPS
 SG_ LatitudeNow : 0|32@1- (1E-07,0) [-90|90] "deg" GPS
 SG_ LongitudeNow : 32|32@1- (1E-07,0) [-180|180] "deg" GPS
BO_ 2582648062 ProductInformation: 134 GPS
 SG_ Database : 0|16@1+ (0.001,0) [0|65] "" GPS
 SG_ Code : 16|16@1+ (1,0) [0|65535] "" GPS
"""


def values(decoded, signal, message=None):
    wanted = pc.equal(decoded.table["signal_name"].cast(pa.string()), signal)
    if message is not None:
        wanted = pc.and_(wanted, pc.equal(decoded.table["message_name"].cast(pa.string()), message))
    return decoded.table.filter(wanted)["value"]


@needs_corpus
@pytest.mark.parametrize("pieces", [1, 7])
def test_diagnostic_responses_decode_as_the_reference_says(pieces):
    reference = json.loads((CORPUS / "pairs" / "ev_uds" / "reference.json").read_text())
    expected = reference["isotp"]["reference"]
    path = CORPUS / reference["bindings"][0]["dbc"]
    plan = compile_plan([load_dbc(path.read_bytes(), path.name)], transport=["isotp"])
    raw, before, tables = recording("ev_uds"), None, []
    report = None
    size = -(-raw.num_rows // pieces)
    for start in range(0, raw.num_rows, size):
        whole = reassemble(raw.slice(start, size), plan, before)
        before = whole.open
        tables.append(whole.table)
        report = whole.report if report is None else report + whole.report
    decoded = decode_frames(pa.concat_tables(tables), plan)
    report += whole.unfinished() + decoded.report
    counts = reference["isotp"]["reassembly"]
    assert report.transfers == {
        f"isotp {name}": counts[name] for name in ("complete", "interrupted", "unfinished")
    }
    assert report.adds_up()
    assert report.rows == raw.num_rows == counts["first"] + counts["consecutive"]
    assert report.skipped_by == {"isotp segment": raw.num_rows - counts["complete"]}
    assert report.decoded_frames == expected["frames_decoded"] == reference["isotp"]["payloads"]
    assert (report.unknown_id, report.decode_error) == (0, 0)
    assert report.messages == expected["frames_by_message"]
    assert decoded.table.num_rows == expected["signal_values"]
    found = {f"{stats.message}.{stats.signal}": stats for stats in decoded.report.signals}
    assert found.keys() == expected["signals"].keys()
    for name, stats in expected["signals"].items():
        ours = found[name]
        series = values(decoded, *reversed(name.split(".")))
        assert (ours.rows, ours.minimum, ours.maximum) == (stats["count"], stats["min"], stats["max"])
        assert (series[0].as_py(), series[-1].as_py()) == (stats["first"], stats["last"])
        assert ours.total / ours.rows == pytest.approx(stats["mean"], rel=1e-9)


@needs_corpus
def test_without_the_transport_the_frames_are_counted_not_lost():
    reference = json.loads((CORPUS / "pairs" / "ev_uds" / "reference.json").read_text())
    path = CORPUS / reference["bindings"][0]["dbc"]
    plan = compile_plan([load_dbc(path.read_bytes(), path.name)])
    whole = reassemble(recording("ev_uds"), plan)
    report = decode_frames(whole.table, plan).report
    assert (report.rows, report.decode_error) == (2010, 2010)
    assert whole.report.rows == 0


@needs_corpus
def test_fast_packets_of_a_boat_agree_with_its_single_frames():
    """The position that comes in 43 bytes is the one that comes in 8, and the product's text is its text."""
    raw = recording("n2k_boat")
    plan = compile_plan([load_dbc(POSITION.encode(), "boat.dbc")], match="pgn", transport=["fastpacket"])
    whole = reassemble(raw, plan)
    decoded = decode_frames(whole.table, plan)
    report = whole.report + whole.unfinished() + decoded.report
    assert report.adds_up()
    assert report.rows == raw.num_rows
    messages = report.messages
    assert (
        messages["GnssPositionData"] + messages["ProductInformation"]
        == report.transfers["fastpacket complete"]
    )
    assert messages["PositionRapidUpdate"] == 717
    # 504 frames of 7, and 100 of 20
    assert messages["GnssPositionData"] == 72
    assert messages["ProductInformation"] == 5
    for long, short in (("Latitude", "LatitudeNow"), ("Longitude", "LongitudeNow")):
        one, other = values(decoded, long).to_numpy(), values(decoded, short).to_numpy()
        one, other = one[np.abs(one) <= 180], other[np.abs(other) <= 180]
        assert len(one) == 10  # the others say that there is no fix
        assert np.abs(one[:, None] - other).min(axis=1).max() < 1e-5
    texts = [frame.data for frame in frames_of(whole.table) if len(frame.data) == 134]
    assert sum(b"GPSMAP 820" in text for text in texts) > 0


@needs_corpus
def test_broadcasts_of_a_truck_are_those_that_one_frame_at_a_time_gives():
    raw = recording("truck_j1939")
    path = CORPUS / "dbc/ebroecker__canmatrix/src/canmatrix/j1939.dbc"
    dbc = load_dbc(path.read_bytes(), path.name)
    plan = compile_plan([dbc], match="pgn", transport=["j1939"])
    frames = frames_of(raw)
    oracle = Oracle("j1939")
    for frame in frames:
        if frame.extended and frame.arb_id >> 16 & 0x3FF in (0xEB, 0xEC):
            oracle.feed([frame])
    whole = reassemble(raw, plan)
    long = [frame for frame in frames_of(whole.table) if len(frame.data) > 8]
    assert long == [frame for frame in oracle.out if len(frame.data) > 8]
    assert len(long) == 152
    assert whole.report.transfers == {"j1939 complete": oracle.transfers["complete"]}
    groups = Counter(frame.arb_id >> 8 & 0x3FFFF for frame in long)
    assert set(groups) == {0xFECA, 0xFEE3}
    plain = decode_frames(raw, compile_plan([dbc], match="pgn")).report
    report = whole.report + decode_frames(whole.table, plan).report
    assert report.adds_up()
    assert report.rows == raw.num_rows
    # nothing that decoded before is gone, and the engine's configuration has come
    assert {name: report.messages[name] for name in plain.messages} == plain.messages
    assert set(report.messages) - set(plain.messages)
