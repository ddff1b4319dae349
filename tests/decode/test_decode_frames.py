"""Frames to values: every frame is accounted for, and no fault costs more than itself."""

import numpy as np
import pyarrow as pa
import pytest
from cantools.database import Message, Signal

from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake import schema


def rows(decoded):
    names = ("vehicle_id", "message_name", "signal_name", "value", "unit", "channel")
    times = decoded.table["timestamp"].cast(pa.int64()).to_pylist()
    return list(zip(times, *(decoded.table[name].to_pylist() for name in names), strict=True))


def test_a_frame_gives_its_values_in_the_lake_s_columns(decode, frame):
    decoded = decode([frame | {"channel": "can1"}])
    assert decoded.table.schema.equals(schema.DECODED)
    assert rows(decoded) == [
        (1000, "V", "Engine", "Speed", 100.0, "rpm", "can1"),
        (1000, "V", "Engine", "Temp", 20.0, "°C", "can1"),
    ]
    assert decoded.report.messages == {"Engine": 1}


def test_no_frames_give_an_empty_table(decode, raw_of, small):
    decoded = decode_frames(raw_of([]), compile_plan([small]))
    assert decoded.table.schema.equals(schema.DECODED)
    assert decoded.table.num_rows == 0
    assert decoded.report.rows == 0
    assert decoded.report.adds_up()


def test_no_database_knows_no_id(raw_of, frame):
    report = decode_frames(raw_of([frame, frame]), compile_plan([])).report
    assert report.unknown_ids == {"0x100": 2}
    assert report.adds_up()


def test_standard_and_extended_ids_of_one_number_are_two_messages(decode, frame):
    extended = {"timestamp": 5, "arb_id": 256, "data": b"\x0a\0\0\0", "is_extended_id": True}
    decoded = decode([frame | {"is_extended_id": False}, extended, extended | {"arb_id": 512}])
    assert [(row[2], row[3], row[4]) for row in rows(decoded)] == [
        ("Engine", "Speed", 100.0),
        ("Engine", "Temp", 20.0),
        ("Engine29", "Load", 5.0),
    ]
    assert decoded.report.unknown_ids == {"0x200x": 1}


def test_error_and_remote_frames_are_skipped_by_kind(decode, frame):
    report = decode(
        [frame, frame | {"is_error_frame": True}, frame | {"is_remote_frame": True, "data": b""}]
    ).report
    assert report.skipped_by == {"error frame": 1, "remote frame": 1}
    assert (report.decoded_frames, report.skipped) == (1, 2)
    assert report.adds_up()


def test_flags_of_socketcan_in_the_id_are_understood(decode, frame):
    flagged = [frame | {"arb_id": 256 | flag} for flag in (1 << 31, 1 << 30, 1 << 29)]
    report = decode([frame, *flagged]).report
    assert report.messages == {"Engine": 1, "Engine29": 1}
    assert report.skipped_by == {"error frame": 1, "remote frame": 1}


def test_nulls_and_impossible_payloads_are_bad_rows(decode, frame):
    broken = [frame | {name: None} for name in ("timestamp", "arb_id", "data")]
    report = decode([*broken, frame, frame | {"data": bytes(65)}]).report
    assert report.bad_rows_by == {
        "timestamp is null": 1,
        "arb_id is null": 1,
        "data is null": 1,
        "payload over 64 bytes": 1,
    }
    assert report.decoded_frames == 1
    assert report.adds_up()


def test_nulls_elsewhere_cost_no_frame(decode, frame):
    blank = {"dlc": None, "vehicle_id": None, "is_extended_id": None, "is_error_frame": None, "channel": None}
    decoded = decode([frame, frame | blank])
    assert decoded.report.decoded_frames == 2
    assert [row[1] for row in rows(decoded)] == ["V", "", "V", ""]


def test_rows_are_sorted_by_time_and_stay_in_order_where_times_are_equal(decode, frame):
    speeds = [(30, 1), (10, 2), (20, 3), (10, 4), (30, 5), (25, 6)]
    frames = [frame | {"timestamp": time, "data": bytes([8 * speed, *bytes(7)])} for time, speed in speeds]
    decoded = decode(frames)
    assert [(row[0], row[4]) for row in rows(decoded) if row[3] == "Speed"] == [
        (10, 2.0),
        (10, 4.0),
        (20, 3.0),
        (25, 6.0),
        (30, 1.0),
        (30, 5.0),
    ]
    assert (decoded.report.signals[0].first_ns, decoded.report.signals[0].last_ns) == (10, 30)


def test_names_are_in_code_point_order(decode, frame, database_of):
    names = ("b", "B", "a", "é", "Z", "_")
    signals = [Signal(name, 8 * position, 8) for position, name in enumerate(names)]
    dbc = database_of([Message(256, "m", 8, list(signals)), Message(257, "M", 8, list(signals))])
    decoded = decode([frame, frame | {"arb_id": 257}], dbcs=[dbc])
    found = [(row[2], row[3]) for row in rows(decoded)]
    assert found == sorted(found)
    assert [(stats.message, stats.signal) for stats in decoded.report.signals] == found


def test_vehicles_and_channels_are_carried_through(decode, frame):
    mixed = [
        frame | {"timestamp": number, "vehicle_id": vehicle, "channel": channel}
        for number, (vehicle, channel) in enumerate([("A", "can0"), ("B", "can1"), ("A", "can1")])
    ]
    decoded = decode(mixed)
    assert [(row[1], row[6]) for row in rows(decoded) if row[3] == "Speed"] == [
        ("A", "can0"),
        ("B", "can1"),
        ("A", "can1"),
    ]


def test_chunked_and_sliced_tables_give_the_same(decode, frame, raw_of, small):
    frames = [frame | {"timestamp": number, "data": bytes([number, *bytes(7)])} for number in range(20)]
    frames += [frame | {"timestamp": 99, "vehicle_id": "W", "data": b"\x01\x02"}]
    whole = raw_of(frames)
    chunked = pa.concat_tables([whole.slice(0, 7), whole.slice(7, 5), whole.slice(12)])
    plan = compile_plan([small])
    assert decode_frames(chunked, plan).table.equals(decode_frames(whole, plan).table)
    part = decode_frames(whole.slice(3, 9), plan)
    assert part.table.equals(decode_frames(raw_of(frames[3:12]), plan).table)


def test_a_column_too_big_for_one_binary_array_gives_the_same(decode, frame, monkeypatch):
    frames = [frame, frame | {"data": b"\x08\x00"}]
    expected = rows(decode(frames))
    monkeypatch.setattr("telemetry_pipeline.decode.payload._BINARY_MAX", 0)
    assert rows(decode(frames)) == expected


def test_a_short_frame_gives_the_signals_that_it_holds(decode, frame):
    decoded = decode([frame, frame | {"data": b"\x08\x00"}, frame | {"data": b"\x08"}])
    assert [(row[3], row[4]) for row in rows(decoded)] == [("Speed", 100.0), ("Speed", 1.0), ("Temp", 20.0)]
    report = decoded.report
    assert (report.decoded_frames, report.truncated, report.decode_error) == (2, 1, 1)
    assert report.decode_errors == {"Engine: frame holds no whole signal": 1}
    assert report.adds_up()


def test_strict_length_refuses_short_frames(decode, frame):
    report = decode([frame, frame | {"data": b"\x08\x00"}], strict_length=True).report
    assert (report.decoded_frames, report.truncated) == (1, 0)
    assert report.decode_errors == {"Engine: frame shorter than its message": 1}


def test_longer_frames_are_read_as_their_message(decode, frame):
    report = decode([frame | {"data": frame["data"] + bytes(56)}]).report
    assert (report.decoded_frames, report.truncated) == (1, 0)


def test_an_unknown_page_costs_the_frame(decode, frame):
    pages = [frame | {"arb_id": 512, "data": bytes([page, 7, 0, 0, 0, 0, 0, 0])} for page in (1, 2, 3)]
    decoded = decode(pages)
    assert [(row[3], row[4]) for row in rows(decoded)] == [
        ("A", 7.0),
        ("B", 7.0),
        ("Page", 1.0),
        ("Page", 2.0),
    ]
    assert decoded.report.decode_errors == {"Paged: unknown value of multiplexer Page": 1}


def test_frames_of_a_message_without_signals_are_decoded(decode, frame):
    report = decode([frame | {"arb_id": 768, "data": b""}, frame | {"arb_id": 768}]).report
    assert report.messages == {"Silent": 2}
    assert report.truncated == 1
    assert report.adds_up()


def test_a_signal_that_does_not_fit_costs_only_itself(decode, frame, database_of):
    signals = [Signal("inside", 0, 8), Signal("outside", 60, 8), Signal("over", 4, 8)]
    dbc = database_of([Message(256, "M", 8, signals, strict=False)])
    decoded = decode([frame], dbcs=[dbc])
    assert [(row[3], row[4]) for row in rows(decoded)] == [("inside", 32.0), ("over", 50.0)]
    assert decoded.report.signal_errors == {"M.outside: does not fit in 8 bytes": 1}
    assert decoded.report.adds_up()


def test_a_message_in_which_nothing_fits_is_an_error(decode, frame, database_of):
    dbc = database_of([Message(256, "M", 1, [Signal("outside", 60, 8)], strict=False)])
    report = decode([frame], dbcs=[dbc]).report
    assert report.decode_errors == {"M: no signal fits in the message": 1}


def test_of_two_signals_of_one_name_the_last_one_counts(decode, frame, database_of):
    message = Message(256, "M", 8, [Signal("twin", 0, 8), Signal("twin", 16, 8, unit="V")], strict=False)
    decoded = decode([frame], dbcs=[database_of([message])])
    assert [(row[3], row[4], row[5]) for row in rows(decoded)] == [
        ("twin", float(message.decode(frame["data"])["twin"]), "V")
    ]


def test_values_outside_the_database_s_limits_are_counted_and_kept(decode, frame):
    frames = [
        frame | {"timestamp": number, "data": bytes([0, 0, raw, 0, 0, 0, 0, 0])}
        for number, raw in enumerate((0, 128, 1, 200))
    ]
    report = decode(frames).report
    temp = next(stats for stats in report.signals if stats.signal == "Temp")
    assert (temp.rows, temp.minimum, temp.maximum) == (4, -168.0, -39.0)
    assert (temp.out_of_range, temp.first_out_of_range_ns, temp.worst_out_of_range) == (2, 1, -168.0)


def test_numbers_that_are_not_finite_are_counted_and_kept(decode, frame):
    text = 'BU_: X\nBO_ 256 M: 8 X\n SG_ F : 0|64@1- (1,0) [-1|1] "" X\nSIG_VALTYPE_ 256 F : 2;\n'
    numbers = [np.nan, np.inf, -0.0, 2.0, -np.inf]
    frames = [frame | {"data": np.array([number]).tobytes()} for number in numbers]
    decoded = decode(frames, dbcs=[load_dbc(text.encode(), "f.dbc")])
    assert decoded.table["value"].to_numpy().tobytes() == np.array(numbers).tobytes()
    (stats,) = decoded.report.signals
    assert (stats.rows, stats.nonfinite, stats.minimum, stats.maximum, stats.total) == (5, 3, 0.0, 2.0, 2.0)
    assert (stats.out_of_range, stats.worst_out_of_range) == (1, 2.0)


def test_a_million_unknown_ids_are_counted_but_not_listed(raw_of, small):
    count = 1_000_000
    flags = pa.array(np.zeros(count, bool))
    raw = pa.table(
        {
            "timestamp": pa.array(np.arange(count), pa.timestamp("ns")),
            "arb_id": pa.array(np.arange(count, dtype=np.uint32) + 0x10000),
            "data": pa.repeat(pa.scalar(b"", pa.binary()), count),
            "vehicle_id": pa.repeat("V", count),
            "is_extended_id": pa.array(np.ones(count, bool)),
            "is_error_frame": flags,
            "is_remote_frame": flags,
            "channel": pa.repeat("", count),
        }
    )
    report = decode_frames(raw, compile_plan([small])).report
    assert report.unknown_id == count
    assert len(report.unknown_ids) == 1001
    assert report.unknown_ids["other"] == count - 1000
    assert report.adds_up()


@pytest.mark.parametrize("width", [1, 3, 8, 12, 64])
def test_payloads_of_any_width_are_read_to_their_last_bit(decode, frame, database_of, width):
    last = Signal("last", 8 * width - 8, 8)
    dbc = database_of([Message(256, "M", width, [last])])
    frames = [
        frame | {"timestamp": number, "data": bytes([*bytes(width - 1), number])} for number in range(5)
    ]
    assert [row[4] for row in rows(decode(frames, dbcs=[dbc]))] == [0, 1, 2, 3, 4]


def test_names_for_values_and_missing_limits_cost_no_signal(decode, frame):
    text = """BU_: X
BO_ 256 M: 8 X
 SG_ Named : 0|8@1+ (1,0) [0|3] "" X
 SG_ Unlimited : 8|8@1+ (2,1) [0|0] "" X
 SG_ Limited : 16|8@1+ (1,0) [0|10] "" X
VAL_ 256 Named 1 "on" 2 "off" ;
"""
    decoded = decode([frame | {"data": bytes([2, 200, 9])}], dbcs=[load_dbc(text.encode(), "n.dbc")])
    assert {row[3]: row[4] for row in rows(decoded)} == {
        "Named": 2.0,
        "Unlimited": 401.0,
        "Limited": 9.0,
    }
    assert (decoded.report.decoded_frames, decoded.report.decode_error) == (1, 0)
