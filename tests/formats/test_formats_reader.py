"""What holds for every log: start, channel, order, and one clear line for what is no log."""

import pytest

from telemetry_pipeline.errors import BadKey, BadLog
from telemetry_pipeline.formats import order
from telemetry_pipeline.formats.dialects import CANDUMP
from telemetry_pipeline.formats.lines import split_lines
from telemetry_pipeline.formats.reader import read_log
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.formats.text import match_frames

START = 1_800_000_000 * 10**9


def table_of(path, **kwargs):
    return [row for table in read_log(path, vehicle_id="V", **kwargs) for row in table.to_pylist()]


def candump(path, stamps, channel="can0"):
    path.write_text("".join(f"({stamp}) {channel} 123#{nth:04X}\n" for nth, stamp in enumerate(stamps)))
    return path


def test_a_log_that_counts_from_its_boot_needs_a_start(tmp_path):
    log = candump(tmp_path / "a.log", ["12.000001", "13.000002"])
    with pytest.raises(BadLog, match="--start"):
        table_of(log)
    assert [row["timestamp"].value for row in table_of(log, start_ns=START)] == [START, START + 1_000_001_000]


def test_start_moves_all_channels_alike(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("(10.0) can0 123#00\n(12.5) can1 123#01\n")
    (row,) = table_of(log, start_ns=START, channel="can1")
    assert row["timestamp"].value == START + 2_500_000_000


def test_channel_keeps_one_of_many(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("(1800000000.0) can0 123#00\n(1800000000.5) can1 123#01\n")
    report = LogReport()
    assert [row["data"] for row in table_of(log, channel="can1", report=report)] == [b"\x01"]
    assert (report.frames, report.other_channels) == (1, 1)
    with pytest.raises(BadLog, match="can0, can1"):
        table_of(log, channel="can7")


def test_channel_names_a_log_without_channels(tmp_path):
    log = tmp_path / "a.txt"
    log.write_text("820298   0x085: 7C 33 80 00 47 E0 7C 7F\n")
    (row,) = table_of(log, channel="body", start_ns=START)
    assert (row["channel"], row["arb_id"], row["data"].hex()) == ("body", 0x85, "7c33800047e07c7f")


def test_frames_come_in_order_of_time_and_equal_times_in_order_of_the_log(tmp_path):
    report = LogReport()
    log = candump(tmp_path / "a.log", ["1800000002.0", "1800000001.0", "1800000002.0", "1800000001.5"])
    assert [row["data"][1] for row in table_of(log, report=report)] == [1, 3, 0, 2]
    assert report.out_of_order == 0


def test_frames_too_late_to_be_sorted_in_are_given_and_counted():
    def batch(*stamps):
        text = "".join(f"(180000000{stamp}.0) can0 123#00\n" for stamp in stamps)
        return match_frames(split_lines(text.encode()), CANDUMP)[1]

    report = LogReport()
    batches = iter([batch(1, 3, 5, 7), batch(2, 8, 6, 9)])
    given = [int(stamp) for part in order.in_order(batches, report, reach=2) for stamp in part.stamps]
    assert [stamp // 10**9 % 10 for stamp in given] == [1, 3, 2, 5, 6, 7, 8, 9]
    assert report.out_of_order == 1


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.log", b""),
        ("text.txt", b"Dear diary,\ntoday I drove to work.\n"),
        ("noise.log", bytes(range(256)) * 50),
        ("page.csv", b"<html><body>404</body></html>"),
        ("a.blf", b"not a BLF at all"),
        ("cut.blf", b"LOGG\x90\x00"),
        ("a.mf4", b"MDF     4.10    " + bytes(100)),
        ("a.mf4", b"nothing of the kind"),
        ("a.log.gz", b"\x1f\x8b\x08\x00rubbish"),
        (
            "a.asc",
            b"date Thu Apr 28 10:44:52.480 am 2022\nbase dec  timestamps absolute\n  0.1 1  64  Rx   d 1 12\n",
        ),
        ("b.asc", b"base hex  timestamps relative\n  0.1 1  64  Rx   d 1 12\n"),
    ],
)
def test_what_is_no_log_is_refused_in_one_line(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BadLog) as caught:
        table_of(tmp_path / name, start_ns=START)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)


def test_a_log_that_is_not_there(tmp_path):
    with pytest.raises(BadLog, match="cannot be opened"):
        table_of(tmp_path / "a.log")
    with pytest.raises(BadLog, match="cannot be opened"):
        table_of(tmp_path)


def test_a_vehicle_id_is_checked_before_anything_is_read(tmp_path):
    with pytest.raises(BadKey):
        list(read_log(tmp_path / "a.log", vehicle_id="../etc"))


def test_gvret_with_direction_column_and_padding(tmp_path):
    log = tmp_path / "a.csv"
    log.write_text(
        "Time Stamp,ID,Extended,Dir,Bus,LEN,D1,D2,D3,D4,D5,D6,D7,D8\n"
        "1800000000000001,0000021A,false,Rx,1,2,FE,36,00,00,00,00,00,00,\n"
        "1800000000000002,18DAF110,true,Tx,0,0,\n"
        "1800000000000003,18DAF110,true,Tx,0,3,01,02\n"
    )
    report = LogReport()
    rows = table_of(log, report=report)
    assert [
        (row["arb_id"], row["is_extended_id"], row["dlc"], row["data"], row["channel"]) for row in rows
    ] == [
        (0x21A, False, 2, b"\xfe\x36", "1"),
        (0x18DAF110, True, 0, b"", "0"),
    ]
    assert [row["timestamp"].value for row in rows] == [START + 1_000, START + 2_000]
    assert report.bad_line_numbers == [4]


def test_a_log_without_frames_is_in_order():
    empty, report = match_frames(split_lines(b"no frame\n"), CANDUMP)[1], LogReport()
    assert list(order.in_order(iter([empty, empty]), report)) == []
    assert list(order.in_order(iter([]), report)) == []


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (
            "a.trc",
            "     1)       1.5  Rx         0123  2  01 02",
            f"     2)  {'9' * 20}.5  Rx         0123  2  01 02",
        ),
        (
            "a.asc",
            "base hex timestamps absolute\n   0.001 CANFD   1 Rx        123  1 0 2 2 01 02 0 0 0 0 0 0 0",
            f"   0.002 CANFD   1 Rx        123  1 0 2 {'2' * 20} 01 02 0 0 0 0 0 0 0",
        ),
        (
            "a.csv",
            "1771804800.5;1;123;0;2;2;0;0;0;0102",
            f"1771804801.5;1;123;0;2;{'2' * 20};0;0;0;0102",
        ),
    ],
)
def test_a_number_that_nobody_holds_costs_its_line(tmp_path, name, good, bad):
    path = tmp_path / name
    path.write_text(f"{good}\n{bad}\n")
    report = LogReport()
    assert len(table_of(path, start_ns=START, report=report)) == 1
    assert report.bad_lines == 1


def test_a_start_that_no_clock_shows_is_refused(tmp_path):
    path = tmp_path / "a.trc"
    path.write_text(
        f";$FILEVERSION=1.1\n;$STARTTIME={'9' * 30}.5\n     1)       1.5  Rx         0123  2  01 02\n"
    )
    with pytest.raises(BadLog, match=r"\$STARTTIME is day 9+"):
        table_of(path)
