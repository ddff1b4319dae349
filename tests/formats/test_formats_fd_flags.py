"""How each format says that a CAN FD frame switched its bit rate, and that its sender was error-passive."""

import pytest

from telemetry_pipeline.formats.reader import read_log

CANDUMP = (
    "(1800000000.1) can0 123##011\n(1800000000.2) can0 123##111\n(1800000000.3) can0 123##211\n"
    "(1800000000.4) can0 123##311\n(1800000000.5) can0 123##711\n(1800000000.6) can0 123#11\n"
)
SCREEN = (
    " (1800000000.1)  can0  RX - -  123  [12]  00 00 00 00 00 00 00 00 00 00 00 00\n"
    " (1800000000.2)  can0  RX B -  123  [12]  00 00 00 00 00 00 00 00 00 00 00 00\n"
    " (1800000000.3)  can0  TX - E  123  [12]  00 00 00 00 00 00 00 00 00 00 00 00\n"
    " (1800000000.4)  can0  RX B E  123  [12]  00 00 00 00 00 00 00 00 00 00 00 00\n"
)
ASC = (
    "date Fri Jan 15 08:00:00.000 am 2027\nbase hex  timestamps absolute\n"
    "   0.100000 CANFD   1 Rx        123                                   0 0 1  1 11        0    0     1000\n"
    "   0.200000 CANFD   1 Rx        123                             Name  1 0 1  1 11        0    0     1000\n"
    "   0.300000 CANFD   1 Rx        123                                   0 1 1  1 11        0    0     1000\n"
    "   0.400000 CANFD   1 Rx        123                                   1 1 1  1 11        0    0     1000\n"
)
TRC = (
    ";$FILEVERSION=2.1\n;$STARTTIME=46402.3333\n;$COLUMNS=N,O,T,B,I,d,R,L,D\n"
    "1 100.000 FD 1 0123 Rx - 1 11\n2 200.000 FB 1 0123 Rx - 1 11\n"
    "3 300.000 FE 1 0123 Rx - 1 11\n4 400.000 BI 1 0123 Rx - 1 11\n5 500.000 DT 1 0123 Rx - 1 11\n"
)
CANEDGE = (
    "TimestampEpoch;BusChannel;ID;IDE;DLC;DataLength;Dir;EDL;BRS;DataBytes\n"
    "1800000000.1;1;123;0;1;1;0;1;0;11\n1800000000.2;1;123;0;1;1;0;1;1;11\n1800000000.3;1;123;0;1;1;0;0;1;11\n"
)
NEITHER, SWITCHED, PASSIVE, BOTH = (False, False), (True, False), (False, True), (True, True)


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("a.log", CANDUMP, [NEITHER, SWITCHED, PASSIVE, BOTH, BOTH, NEITHER]),
        ("a.txt", SCREEN, [NEITHER, SWITCHED, PASSIVE, BOTH]),
        ("a.asc", ASC, [NEITHER, SWITCHED, PASSIVE, BOTH]),
        ("a.trc", TRC, [NEITHER, SWITCHED, PASSIVE, BOTH, NEITHER]),
        ("a.csv", CANEDGE, [NEITHER, SWITCHED, NEITHER]),  # the last one is no frame of CAN FD
    ],
)
def test_each_format_says_it(tmp_path, name, text, wanted):
    (tmp_path / name).write_text(text)
    tables = read_log(tmp_path / name, vehicle_id="V", start_ns=1_800_000_000_000_000_000)
    found = [row for table in tables for row in table.to_pylist()]
    assert [(row["bitrate_switch"], row["error_state_indicator"]) for row in found] == wanted
