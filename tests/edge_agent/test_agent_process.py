"""The agent as its users run it: a process that is started, stopped, killed and started again."""

import itertools
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_agent.spool import Spool
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.windows import stamps_of

PROJECT = Path(__file__).parents[2]
ENV = {
    name: value for name, value in os.environ.items() if not name.startswith(("AGENT_", "TELEMETRY_", "AWS_"))
}


@pytest.fixture
def agent(tmp_path):
    """Starts agents whose lake and spool are in the test's folder, and ends those that are left."""
    started = []

    def start(*arguments, lake=None, env=None):
        command = [
            sys.executable,
            "-m",
            "edge_agent",
            "--vehicle",
            "V",
            "--spool",
            tmp_path / "spool",
            *arguments,
        ]
        process = subprocess.Popen(
            [*command, "--lake", lake or (tmp_path / "lake").as_uri()],
            cwd=PROJECT,
            env=ENV | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(condition, process=None, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process is None or process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def landed(folder):
    return sorted((folder / "lake").rglob("*_raw.parquet")) if (folder / "lake").is_dir() else []


def frames_of(folder):
    tables = []
    for path in landed(folder):
        raw = RawObject.parse(path.relative_to(folder / "lake").as_posix())
        table = read_raw(path.read_bytes(), path.name)
        assert raw.partition.start_ns <= stamps_of(table)[0] < raw.partition.end_ns
        tables.append(table)
    return [row for table in tables for row in table.to_pylist()]


@pytest.mark.slow
def test_sigterm_lands_the_last_window(agent, tmp_path):
    process = agent("--simulate", "--window", "1")
    until(lambda: len(landed(tmp_path)) >= 2, process)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "0 wait for the next start" in log
    assert log.count("landed raw/") == len(landed(tmp_path))
    with Spool(tmp_path / "spool") as spool:
        assert spool.waiting() == []
    stamps = [row["timestamp"].value for row in frames_of(tmp_path) if row["arb_id"] == 0x2B0]
    gaps = [later - earlier for earlier, later in itertools.pairwise(stamps)]
    assert max(gaps) < 11_000_000  # a 10 ms message: nothing is missing between windows
    assert min(gaps) > 9_000_000


@pytest.mark.slow
def test_it_lands_in_a_bucket(agent, s3_lake, s3_server):
    lake = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    process = agent("--simulate", "--window", "1", lake=s3_lake, env=s3_server.env)
    until(lambda: len(list(lake.list_objects("raw"))) >= 2, process)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=90)
    assert process.returncode == 0, log
    keys = sorted(info.key for info in lake.list_objects("raw"))
    assert len(keys) == log.count("landed raw/") >= 2
    assert sum(read_raw(lake.get(key), key).num_rows for key in keys) > 200
    check = agent("--check", "--simulate", lake=s3_lake, env=s3_server.env)
    output, _ = check.communicate(timeout=90)
    assert check.returncode == 0, output
    assert sorted(info.key for info in lake.list_objects("raw")) == keys


@pytest.mark.slow
def test_a_killed_agent_delivers_at_the_next_start(agent, tmp_path):
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file where the lake's folder should be")
    process = agent("--simulate", "--window", "0.5", lake=(nowhere / "lake").as_uri())
    spooled = tmp_path / "spool"
    until(lambda: len(list(spooled.glob("*.parquet"))) >= 3, process)
    process.kill()
    process.communicate()
    with Spool(spooled) as spool:
        waiting = {raw.key: spool.read(raw) for raw in spool.waiting()}
    assert len(waiting) >= 3
    process = agent("--simulate", "--duration", "0.5")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    lake = Store.open((tmp_path / "lake").as_uri())
    assert {key: lake.get(key) for key in waiting} == waiting
    assert "of an earlier run wait" in log


@pytest.mark.slow
def test_a_lake_that_is_away_neither_stops_capture_nor_holds_up_the_end(agent, tmp_path):
    # nobody listens on the discard port of this machine
    env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    process = agent("--simulate", "--window", "0.5", lake="s3://away", env=env)
    until(lambda: len(list((tmp_path / "spool").glob("*.parquet"))) >= 4, process)
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    with Spool(tmp_path / "spool") as spool:
        assert len(spool.waiting()) >= 4
    process = agent("--simulate", "--duration", "0.3")
    process.communicate(timeout=60)
    assert len(landed(tmp_path)) >= 5


@pytest.mark.slow
def test_a_silent_bus_does_not_hold_up_the_end(agent, tmp_path):
    process = agent("--interface", "virtual", "--channel", "silent")
    line = process.stderr.readline()
    assert "listening" in line
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=55)  # shorter than the window that a silent bus never fills
    assert process.returncode == 0


@pytest.mark.slow
def test_what_is_shown_and_not_stored(agent, tmp_path):
    rate, _ = agent("--simulate", "--dry-run", "--duration", "1.5").communicate(timeout=60)
    assert "frames/s" in rate
    # the first frames may be slow to come where much else is going on
    values, _ = agent("--simulate", "--decode-live", "--duration", "5").communicate(timeout=90)
    for text in ("BMS_PackStatus", "Pack_Voltage", "Motor_RPM", "rpm", "0x1A1"):
        assert text in values
    assert landed(tmp_path) == []
    assert not (tmp_path / "spool").exists()


@pytest.mark.slow
def test_the_check_names_what_is_missing(agent, tmp_path):
    process = agent("--check", "--simulate")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert [line.split()[:2] for line in output.splitlines()] == [
        ["pass", "settings"],
        ["pass", "disk"],
        ["pass", "lake"],
        ["pass", "dbc"],
    ]
    assert not [path for path in (tmp_path / "lake").rglob("*") if path.is_file()]
    process = agent("--check", "--interface", "nonsense", "--dbc", tmp_path / "none.dbc", lake="ftp://x")
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    failed = {line.split()[1] for line in output.splitlines() if line.startswith("FAIL")}
    assert {"lake", "dbc", "can0"} <= failed <= {"lake", "dbc", "can0", "clock"}


def test_a_bad_setting_is_one_line(agent):
    process = agent("--window", "0")
    _, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert log.splitlines() == ["edge-agent: window_seconds: 0.0 is out of range. Use 0.1 to 3600"]


@pytest.mark.slow
def test_a_server_that_never_answers_does_not_stop_capture(agent, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"http://127.0.0.1:{server.getsockname()[1]}"
        env = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": endpoint}
        process = agent("--simulate", "--window", "0.5", lake="s3://silent", env=env)
        server.settimeout(180)
        upload, _ = server.accept()
        with upload:
            spooled = tmp_path / "spool"
            before = len(list(spooled.glob("*.parquet")))
            until(lambda: len(list(spooled.glob("*.parquet"))) >= before + 3, process)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "0 windows landed" in log


@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while_loses_nothing(agent, tmp_path):
    process = agent("--simulate", "--window", "0.5")
    until(lambda: landed(tmp_path), process)
    _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    # no file may grow any more, for this one process: the same error path as a full disk
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (100, most))
    seen = ""
    while "takes no frames" not in seen:
        line = process.stderr.readline()
        assert line, seen
        seen += line
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log
    assert "0 frames lost" in log
    assert "error" not in (seen + log).lower()
    agent("--simulate", "--vehicle", "W", "--duration", "0.1").communicate(timeout=60)  # brings what is left
    assert not [
        path for path in (tmp_path / "spool").iterdir() if path.suffix in (".parquet", ".staged", ".journal")
    ]
    sent = [row for row in frames_of(tmp_path) if row["vehicle_id"] == "V" and row["arb_id"] == 0x2B0]
    stamps = [row["timestamp"].value for row in sent]
    assert max(later - earlier for earlier, later in itertools.pairwise(stamps)) < 11_000_000


@pytest.mark.slow
@pytest.mark.parametrize("view", ["--dry-run", "--decode-live"])
def test_a_view_of_a_silent_bus_ends_when_it_is_told_to(agent, tmp_path, view):
    process = agent("--interface", "virtual", "--channel", "silent", view)
    assert "listening" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=55)
    assert process.returncode == 0, log
    assert not (tmp_path / "spool").exists()
