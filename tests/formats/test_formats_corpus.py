"""Real recordings: what is imported equals what others read in them."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats.reader import read_log
from telemetry_pipeline.formats.report import LogReport
from tests.corpus import CORPUS, needs_corpus

pytestmark = needs_corpus

START = 1_800_000_000 * 10**9
MANIFEST = (
    json.loads((CORPUS / "manifest.json").read_text()) if CORPUS.is_dir() else {"pairs": [], "logs": []}
)

NO_LOG = {
    "multiple_LIN.csv": "frame",  # LIN, not CAN
    "multiple_CAN.pcap": "not a CAN log",
    "BusMasterLog.log.gz": "not a CAN log",
    "CarBusAnalyzer.trc": "not a CAN log",
    "truckdevil-forcompare.txt": "not a CAN log",
    "candumpSample1.txt": "no times",
    "candumpSample2.txt": "no times",
}
MORE_THAN_PYTHON_CAN = {
    # python-can's reader takes the first frame for the end of the header
    "multiple_CAN.asc": 164,
    "multiple_LIN.asc": 12,
    # it has no reader for these
    "multiple_CAN.csv": 164,
    "test_mfr_spec.log": 1,
    "test_priority.log": 3,
    "test_propa2.log": 1,
    "test_unknown_real.log": 1,
}


@pytest.mark.parametrize("pair", MANIFEST["pairs"], ids=lambda pair: pair["id"])
def test_the_frames_of_a_pair(pair):
    wanted = pq.read_table(CORPUS / pair["frames_file"])
    first = wanted["timestamp"][0].value
    start = START if first < 10**9 * 10**8 else None
    path = CORPUS / pair["log"]
    found = pa.concat_tables(read_log(path, vehicle_id="V", start_ns=start))
    names = {"arb_id": "arb_id", "data": "data", "dlc": "dlc", "is_extended": "is_extended_id", "is_fd": "is_fd",
             "is_error": "is_error_frame", "is_remote": "is_remote_frame"}  # fmt: skip
    for theirs, ours in names.items():
        assert found[ours].to_pylist() == wanted[theirs].to_pylist(), ours
    theirs, ours = (table["timestamp"].cast(pa.int64()).to_numpy() for table in (wanted, found))
    if path.suffix == ".MF4":
        ours = (ours + 500) // 1000 * 1000  # the reference is rounded, the file has nanoseconds
    assert np.array_equal(ours, theirs + (START - first if start else 0))
    if pc.unique(found["channel"]).to_pylist() != [""]:
        assert found["channel"].to_pylist() == wanted["channel"].to_pylist()


@pytest.mark.parametrize("log", MANIFEST["logs"], ids=lambda log: log["path"].removeprefix("logs/"))
def test_every_log_is_imported_or_refused_clearly(log):
    path = CORPUS / log["path"]
    report = LogReport()
    start = START if (log.get("first_timestamp_s") or 0) < 1e8 else None
    if path.name in NO_LOG:
        with pytest.raises(BadLog, match=NO_LOG[path.name]) as caught:
            list(read_log(path, vehicle_id="V", start_ns=START))
        assert "\n" not in str(caught.value)
        return
    frames = sum(table.num_rows for table in read_log(path, vehicle_id="V", start_ns=start, report=report))
    assert frames == report.frames == MORE_THAN_PYTHON_CAN.get(path.name, log["frames"])
    assert report.bad_lines == 0
    assert report.damage == ""
    if path.name not in MORE_THAN_PYTHON_CAN:
        assert report.error_frames == (log.get("error_frames") or 0)
        assert report.remote_frames == (log.get("remote_frames") or 0)


@pytest.mark.parametrize(
    "log",
    [log for log in MANIFEST["logs"] if log["frames"] and log["first_timestamp_s"] < 1e8],
    ids=lambda log: log["path"].removeprefix("logs/"),
)
def test_a_log_that_counts_from_its_boot_never_lands_in_1970(log):
    with pytest.raises(BadLog):
        list(read_log(CORPUS / log["path"], vehicle_id="V"))


def test_damaged_candump():
    case = next(item for item in MANIFEST["hostile"] if item["id"] == "log_candump_bad_lines")
    report = LogReport()
    list(read_log(CORPUS / case["files"][0], vehicle_id="V", report=report))
    assert report.frames == case["numbers"]["lines"] - len(case["numbers"]["damaged"])
    assert report.bad_line_numbers == case["numbers"]["damaged"]


def test_truncated_blf():
    report = LogReport()
    list(read_log(CORPUS / "hostile/logs/truncated.blf", vehicle_id="V", report=report))
    assert report.frames == 2
    assert "cut" in report.damage


def test_mf4_of_a_logger_that_lost_power(tmp_path):
    pair = next(item for item in MANIFEST["pairs"] if item["id"] == "ev_uds")
    log = tmp_path / "cut.MF4"
    log.write_bytes((CORPUS / pair["log"]).read_bytes()[:-40])
    report = LogReport()
    found = pa.concat_tables(read_log(log, vehicle_id="V", report=report))
    wanted = pq.read_table(CORPUS / pair["frames_file"])
    assert found["data"].to_pylist() == wanted["data"].to_pylist()[: found.num_rows]
    assert found.num_rows >= wanted.num_rows - 3
    assert "cut" in report.damage


def test_a_damaged_mf4_is_refused_in_one_line(tmp_path, capfd):
    pair = next(item for item in MANIFEST["pairs"] if item["id"] == "ev_uds")
    body = bytearray((CORPUS / pair["log"]).read_bytes())
    body[64:2000] = bytes(1936)
    (tmp_path / "bad.MF4").write_bytes(body)
    with pytest.raises(BadLog) as caught:
        list(read_log(tmp_path / "bad.MF4", vehicle_id="V"))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
