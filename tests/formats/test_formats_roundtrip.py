"""Logs written by python-can's own writers come back frame for frame."""

import importlib
import time

import can
import can.io.mf4
import pytest

from telemetry_pipeline.formats.reader import read_log
from telemetry_pipeline.formats.report import LogReport
from telemetry_pipeline.lake import schema

START = 1_800_000_000


def message(nth, **kwargs):
    return can.Message(timestamp=START + nth * 0.25 + 0.000_125, check=True, **kwargs)


CLASSIC = [
    message(
        0, arbitration_id=0x123, is_extended_id=False, data=b"\x01\x02\x03\x04\x05\x06\x07\x08", channel=0
    ),
    message(1, arbitration_id=0x7FF, is_extended_id=False, data=b"", channel=1),
    message(2, arbitration_id=0x1FFFFFFF, is_extended_id=True, data=b"\xff\x00\xab", channel=0),
    message(3, arbitration_id=0x123, is_extended_id=True, data=b"\x00", channel=1),
]
FD = [
    message(4, arbitration_id=0x1, is_extended_id=False, is_fd=True, data=bytes(range(64)), channel=0),
    message(
        5,
        arbitration_id=0x18DAF110,
        is_extended_id=True,
        is_fd=True,
        bitrate_switch=True,
        data=b"\x5a" * 12,
        channel=1,
    ),
    message(
        6,
        arbitration_id=0x2,
        is_extended_id=False,
        is_fd=True,
        error_state_indicator=True,
        data=b"\x01",
        channel=0,
    ),
]
REMOTE = [message(7, arbitration_id=0x321, is_extended_id=False, is_remote_frame=True, dlc=0, channel=0)]
ERROR = [message(8, is_error_frame=True, is_extended_id=False, channel=0)]
END = [message(9, arbitration_id=0x100, is_extended_id=False, data=b"\x09", channel=1)]

FLAGS = (
    *("is_extended_id", "is_fd", "is_error_frame", "is_remote_frame"),
    *("bitrate_switch", "error_state_indicator"),
)

EVERYTHING = [*CLASSIC, *FD, *REMOTE, *ERROR, *END]


def write(path, messages):
    if path.suffix == ".mf4":  # who imports cantools first has python-can without asammdf
        importlib.reload(can.io.mf4)
        logger = can.io.mf4.MF4Writer(path)
    else:
        logger = can.Logger(path)
    with logger:
        for item in messages:
            logger(item)


def rows(path, **kwargs):
    tables = list(read_log(path, vehicle_id="V", **kwargs))
    assert all(table.schema == schema.RAW_FD for table in tables)
    return [row for table in tables for row in table.to_pylist()]


def expected(item, channel):
    flags = tuple(getattr(item, name) for name in FLAGS)
    return (item.arbitration_id, bytes(item.data), *flags, channel)


def got(row):
    return (row["arb_id"], row["data"], *(row[name] for name in FLAGS), row["channel"])


def stamps(found):
    return [row["timestamp"].value for row in found]


def exact(messages):
    return [round(item.timestamp * 1e6) * 1000 for item in messages]


def test_candump(tmp_path):
    write(tmp_path / "a.log", EVERYTHING)
    found = rows(tmp_path / "a.log")
    assert [got(row) for row in found if not row["is_error_frame"]] == [
        expected(item, f"can{item.channel}") for item in EVERYTHING if not item.is_error_frame
    ]
    # candump writes an error frame's class as its id
    assert [row["arb_id"] for row in found if row["is_error_frame"]] == [0x80]
    assert stamps(found) == exact(EVERYTHING)


def test_asc(tmp_path):
    write(tmp_path / "a.asc", EVERYTHING)
    found = rows(tmp_path / "a.asc", start_ns=exact(EVERYTHING)[0])
    assert [got(row) for row in found] == [expected(item, str(item.channel + 1)) for item in EVERYTHING]
    assert stamps(found) == exact(EVERYTHING)


def test_blf(tmp_path):
    write(tmp_path / "a.blf", EVERYTHING)
    found = rows(tmp_path / "a.blf")
    assert [got(row) for row in found] == [expected(item, str(item.channel + 1)) for item in EVERYTHING]
    assert stamps(found) == exact(EVERYTHING)


def test_trc(tmp_path):
    messages = [*CLASSIC, *END]  # python-can writes no other kinds
    write(tmp_path / "a.trc", messages)
    found = rows(tmp_path / "a.trc")
    assert [got(row) for row in found] == [expected(item, str(item.channel + 1)) for item in messages]
    assert stamps(found) == pytest.approx(exact(messages), abs=1000)


def test_python_can_csv(tmp_path):
    messages = [*CLASSIC, *REMOTE, *ERROR, *END]  # python-can's CSV knows no CAN FD
    write(tmp_path / "a.csv", messages)
    found = rows(tmp_path / "a.csv")
    assert [got(row) for row in found] == [expected(item, "") for item in messages]
    assert stamps(found) == [START * 10**9 + nth * 250_000_000 + 125_000 for nth in (0, 1, 2, 3, 7, 8, 9)]


def test_python_can_csv_keeps_times_in_exponent_form(tmp_path):
    write(
        tmp_path / "a.csv",
        [can.Message(timestamp=5e-5, data=b"\x01"), can.Message(timestamp=1.5, data=b"\x02")],
    )
    assert stamps(rows(tmp_path / "a.csv", start_ns=START * 10**9)) == [
        START * 10**9,
        START * 10**9 + 1_499_950_000,
    ]


@pytest.mark.filterwarnings("ignore")
def test_mf4(tmp_path):
    # the writer counts from the moment it is opened and knows no earlier times
    origin = int(time.time()) + 3600
    messages = EVERYTHING
    for item in messages:
        item.timestamp += origin - START
    try:
        write(tmp_path / "a.mf4", messages)
        found = rows(tmp_path / "a.mf4")
        wanted = exact(messages)
    finally:
        for item in messages:
            item.timestamp -= origin - START
    assert [got(row) for row in found] == [expected(item, str(item.channel)) for item in messages]
    assert stamps(found) == pytest.approx(wanted, abs=1000)


@pytest.mark.parametrize("name", ["a.log", "a.asc", "a.blf", "a.csv"])
def test_the_content_tells_the_format_not_the_name(tmp_path, name):
    write(tmp_path / name, CLASSIC)
    disguised = (tmp_path / name).rename(tmp_path / "recording.bin")
    report = LogReport()
    assert len(rows(disguised, start_ns=START * 10**9, report=report)) == len(CLASSIC)
    assert report.bad_lines == 0


def test_dlc_is_the_code_on_the_bus(tmp_path):
    write(tmp_path / "a.log", [*CLASSIC, *FD])
    assert [row["dlc"] for row in rows(tmp_path / "a.log")] == [8, 0, 3, 1, 15, 9, 1]
    write(tmp_path / "a.blf", [*CLASSIC, *FD])
    assert [row["dlc"] for row in rows(tmp_path / "a.blf")] == [8, 0, 3, 1, 15, 9, 1]
