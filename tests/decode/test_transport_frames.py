"""Which frames are segments, what the long frame looks like, and what is left alone."""

import pyarrow as pa
import pytest

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import Source, compile_plan
from telemetry_pipeline.decode.transport.reassemble import reassemble
from tests.decode.transport_bus import MS, Frame, fastpacket, frames_of, isotp, j1939, plan_of, table

UDS = plan_of({(0x7EC, False): 62, (0x7E8, False): 8, (0x123, False): 8, (0x18DAF110, True): 20}, "isotp")
LONG = bytes(range(40))


def at(arb_id, parts, *, extended=False, channel="", start=0):
    return [
        Frame(10**18 + (start + number) * MS, arb_id, part, extended, channel)
        for number, part in enumerate(parts)
    ]


def run(frames, plan):
    whole = reassemble(table(frames), plan)
    return frames_of(whole.table), whole


def test_the_long_frame_is_the_last_one_with_the_length_and_the_payload():
    frames = at(0x7EC, isotp(LONG), channel="can1")
    out, whole = run(frames, UDS)
    assert out == [Frame(frames[-1].time, 0x7EC, bytes([40]) + LONG, channel="can1")]
    assert whole.report.skipped_by == {"isotp segment": len(frames) - 1}
    assert whole.report.transfers == {"isotp complete": 1}


@pytest.mark.parametrize(("size", "frame"), [(8, 8), (4095, 8), (4096, 8), (70_000, 8), (63, 64), (5000, 64)])
def test_isotp_of_any_size(size, frame):
    payload = bytes(number * 7 % 251 for number in range(size))
    out, _ = run(at(0x7EC, isotp(payload, frame)), UDS)
    assert [frame.data for frame in out] == [bytes([size & 0xFF]) + payload]


def test_a_first_frame_may_announce_a_mebibyte_and_no_more():
    for size, begins in ((1 << 20, True), ((1 << 20) + 1, False), (0xFFFFFFFF, False)):
        frames = at(0x7EC, [b"\x10\x00" + size.to_bytes(4, "big") + bytes(2)])
        out, whole = run(frames, UDS)
        assert whole.opened == ({"isotp": 1} if begins else {})
        assert out == ([] if begins else frames)


def test_a_single_frame_of_can_fd_gets_its_length_first_like_all_others():
    out, whole = run(at(0x7EC, [b"\x00\x0a" + bytes(range(10)) + b"\xcc" * 4]), UDS)
    assert [frame.data for frame in out] == [b"\x0a" + bytes(range(10))]
    assert whole.report.transfers == {"isotp complete": 1}


def test_single_frames_and_flow_control_are_left_alone():
    frames = at(
        0x7EC, [b"\x03\x7f\x22\x78", b"\x30\x00\x00", b"", b"\x40", b"\x10\x05" + bytes(6), b"\x10\x09"]
    )
    out, whole = run(frames, UDS)
    assert out == frames
    assert whole.report.transfers == {}


def test_flow_control_and_other_senders_do_not_interrupt():
    first, second = at(0x7EC, isotp(LONG)), at(0x7E8, isotp(LONG[::-1]))
    woven = [frame for pair in zip(first, second, strict=True) for frame in pair]
    woven.insert(3, Frame(first[1].time, 0x7EC, b"\x30\x00\x00"))
    out, whole = run(woven, UDS)
    assert [frame.data for frame in out] == [b"\x30\x00\x00", b"\x28" + LONG, b"\x28" + LONG[::-1]]
    assert whole.report.transfers == {"isotp complete": 2}


def test_isotp_claims_long_messages_and_known_diagnostic_ids_only():
    segments = isotp(LONG)
    for arb_id, extended, claimed in (
        (0x7EC, False, True),
        (0x7E8, False, True),
        (0x123, False, False),
        (0x7E9, False, False),  # unknown to the database: its frames are counted as they are
        (0x7EC, True, False),
        (0x18DAF110, True, True),
    ):
        frames = at(arb_id, segments, extended=extended)
        out, _ = run(frames, UDS)
        assert (len(out) == 1) is claimed, hex(arb_id)
        assert claimed or out == frames


def test_parameter_groups_are_not_isotp_where_j1939_is_spoken():
    plan = plan_of({(0x18FECA00, True): 20, (0x18DAF110, True): 20}, "isotp", "j1939", match="pgn")
    frames = at(0x18FECA00, isotp(LONG), extended=True)
    assert run(frames, plan)[0] == frames
    assert len(run(at(0x18DAF110, isotp(LONG), extended=True), plan)[0]) == 1
    assert (
        len(run(at(0x18FECA00, isotp(LONG), extended=True), plan_of({(0x18FECA00, True): 20}, "isotp"))[0])
        == 1
    )


def test_fast_packet_is_for_parameter_groups_longer_than_a_frame():
    plan = plan_of({(0x0DF80503, True): 43, (0x0DF11903, True): 8}, "fastpacket", match="pgn")
    frames = at(0x19F80507, fastpacket(LONG), extended=True)  # another source, another priority
    out, _ = run(frames, plan)
    assert out == [Frame(frames[-1].time, 0x19F80507, LONG, extended=True)]
    single = at(0x0DF11903, fastpacket(LONG), extended=True)
    assert run(single, plan)[0] == single
    out, whole = run(at(0x0DF80503, fastpacket(b"\x01\x02"), extended=True), plan)
    assert [frame.data for frame in out] == [b"\x01\x02"]
    assert whole.report.rows == 0


def test_a_j1939_transfer_becomes_its_parameter_group_from_its_source():
    plan = plan_of({(0x18FECA00, True): 20, (0x18EF0000, True): 20}, "j1939", match="pgn")
    for pgn, to, arb_id, left in (
        (0xFECA, None, 0x18FECA17, 0),
        (0xFECA, 0x21, 0x18FECA17, 2),
        (0xEF00, 0x21, 0x18EF2117, 2),
        (0xEF00, None, 0x18EFFF17, 0),
    ):
        sent = j1939(LONG, pgn, 0x17, to)
        frames = [Frame(10**18 + k * MS, arb, part, extended=True) for k, (arb, part) in enumerate(sent)]
        out, whole = run(frames, plan)
        assert [(f.arb_id, f.data) for f in out if len(f.data) > 8] == [(arb_id, LONG)]
        assert len(out) == 1 + left  # clear to send and acknowledgement are no segments
        assert decode_frames(whole.table, plan).report.decoded_frames == 1


def test_packets_that_are_sent_again_count_once():
    plan = plan_of({(0x18FECA00, True): 20}, "j1939", match="pgn")
    sent = j1939(LONG, 0xFECA, 0x17, 0x21)
    packets = sent[2:-1]
    sent[2:-1] = [packets[0], packets[2], packets[4], packets[1], packets[2], packets[3], packets[5]]
    frames = [Frame(10**18 + k * MS, arb, part, extended=True) for k, (arb, part) in enumerate(sent)]
    out, whole = run(frames, plan)
    assert LONG in [frame.data for frame in out]
    assert whole.report.skipped_by == {"j1939 segment": 1 + 6}


def test_a_transport_is_spoken_on_the_channels_of_its_binding_only():
    body = b'VERSION ""\nBU_: E\nBO_ 2028 M: 62 E\n SG_ A : 0|8@1+ (1,0) [0|0] "" E\n'
    dbc = load_dbc(body, "t.dbc")
    plan = compile_plan(
        [Source(dbc, channels=("diag",), transport=("isotp",)), Source(dbc, channels=("body",))]
    )
    spoken, plain = at(0x7EC, isotp(LONG), channel="diag"), at(0x7EC, isotp(LONG), channel="body")
    out, _ = run(spoken + plain, plan)
    assert [frame for frame in out if frame.channel == "body"] == plain
    assert [frame.data for frame in out if frame.channel == "diag"] == [b"\x28" + LONG]


def test_rows_that_are_no_frames_are_counted_and_belong_to_no_transfer():
    frames = at(0x7EC, isotp(LONG))
    raw = table([*frames[:2], Frame(frames[1].time, 0x7EC, bytes(65)), *frames[2:], frames[0], frames[0]])
    error = [False] * raw.num_rows
    error[-2] = True
    raw = raw.set_column(raw.schema.get_field_index("is_error_frame"), "is_error_frame", pa.array(error))
    times = raw["timestamp"].to_pylist()
    times[-1] = None
    raw = raw.set_column(0, raw.schema.field(0), pa.array(times, pa.timestamp("ns")))
    whole = reassemble(raw, UDS)
    report = whole.report + decode_frames(whole.table, UDS).report
    assert report.rows == raw.num_rows
    assert report.adds_up()
    assert report.bad_rows_by == {"payload over 64 bytes": 1, "timestamp is null": 1}
    assert report.skipped_by == {"isotp segment": len(frames) - 1, "error frame": 1}
    assert report.decoded_frames == 1


def test_values_of_a_long_payload_are_read_from_all_of_it():
    text = (
        'VERSION ""\nBU_: E\nBO_ 2028 M: 300 E\n SG_ Last : 2392|8@1+ (1,0) [0|0] "" E\n'
        ' SG_ Far : 2095|16@0- (0.5,0) [0|0] "" E\n'
    )
    plan = compile_plan([load_dbc(text.encode(), "t.dbc")], transport=["isotp"])
    payload = bytes(number % 256 for number in range(299))
    out, whole = run(at(0x7EC, isotp(payload)), plan)
    decoded = decode_frames(whole.table, plan)
    held = out[0].data
    assert decoded.table["value"].to_pylist() == [
        int.from_bytes(held[261:263], "big", signed=True) * 0.5,
        held[299],
    ]


def test_without_a_transport_the_table_is_the_same_object():
    raw = table(at(0x7EC, isotp(LONG)))
    whole = reassemble(raw, plan_of({(0x7EC, False): 62}))
    assert whole.table is raw
    assert whole.open.num_rows == 0


def test_an_empty_table_keeps_what_is_open():
    frames = at(0x7EC, isotp(LONG))
    first = reassemble(table(frames[:3]), UDS)
    assert first.opened == {"isotp": 1}
    still = reassemble(table([]), UDS, first.open)
    assert frames_of(still.open) == frames[:3]
    assert still.report.rows == 0
    assert frames_of(reassemble(table(frames[3:]), UDS, still.open).table)[0].data == b"\x28" + LONG
