"""What is tested in the guest, where there are buses: `test_uml.py` boots it and runs these, one by one."""

import ctypes
import os
import re
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from edge_agent import socketcan
from edge_agent.capture import BusSource
from edge_agent.config import AgentConfig
from edge_agent.filters import parse_filters
from edge_agent.records import ERROR, EXTENDED, FD, REMOTE, Arrival, table_of, widened
from edge_agent.socketcan import listen_to
from telemetry_pipeline.lake.parquet import open_object, read_footer, read_raw
from telemetry_pipeline.lake.windows import stamps_of
from tests.edge_agent.can_sender import send_now, send_paced

SECOND = 1_000_000_000


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture(autouse=True)
def both_up():
    yield
    for bus in ("vcan0", "vcan1"):
        if not Path("/sys/class/net", bus).exists():
            ip("link", "add", "dev", bus, "type", "vcan")
        ip("link", "set", bus, "mtu", "72", "up")


@pytest.fixture
def config(tmp_path):
    def make(**changes):
        settings = {"vehicle_id": "V", "lake": "file:///x", "spool": tmp_path / "spool", "channel": "vcan0"}
        return AgentConfig(**{**settings, **changes})

    return make


@pytest.fixture
def bus():
    """A plain socket that sends, and hears what others send."""
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as can:
        can.setsockopt(socket.SOL_CAN_RAW, socket.CAN_RAW_FD_FRAMES, 1)
        can.bind(("vcan0",))
        yield can


def classic(can_id, data=b"", length=None):
    return struct.pack("=IB3x8s", can_id, len(data) if length is None else length, data)


def flexible(can_id, data, flags=0):
    return struct.pack("=IBB2x64s", can_id, len(data), flags, data)


def numbers_of(rows):
    return [int.from_bytes(row["data"][:8], "little") for row in rows]


def until(condition, seconds=180, process=None):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        assert process is None or process.poll() is None, process_log(process)
        time.sleep(0.05)


def read_until(reader, last):
    """Everything up to the frame with the id `last`: what is sent arrives a moment later."""
    parts = []

    def found():
        parts.append(reader.read())
        return last in parts[-1]["id"].tolist()

    until(found)
    return np.concatenate([widened(part) for part in parts])


class Listening:
    """A source that is read in a thread."""

    def __init__(self, source):
        self.source = source
        self.rows = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        for arrival in self.source.batches(self._stop):
            self.rows += table_of([arrival], "V").to_pylist()

    def __enter__(self):
        self._thread.start()
        until(lambda: all(line.reader or line.reconnects for line in self.source.lines))
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()


def test_every_kind_of_frame_is_kept(bus):
    reader = listen_to("vcan0", [])
    sent = [
        classic(0x123, b"\1\2\3"),
        classic(0x18FEF100 | EXTENDED, bytes(8)),
        classic(0x123 | EXTENDED),
        classic(0x7FF | REMOTE, length=5),
        classic(0x40 | ERROR, bytes(8)),
        flexible(0x55, bytes(range(64)), flags=1),
        flexible(0x56, b""),
        classic(0x57, b"x"),
    ]
    for frame in sent:
        bus.send(frame)
    rows = table_of([Arrival("vcan0", read_until(reader, 0x57))], "V").to_pylist()
    assert [row["arb_id"] for row in rows] == [0x123, 0x18FEF100, 0x123, 0x7FF, 0x40, 0x55, 0x56, 0x57]
    assert [row["data"] for row in rows] == [
        *(b"\1\2\3", bytes(8), b"", b"", bytes(8), bytes(range(64)), b"", b"x")
    ]
    assert [row["dlc"] for row in rows] == [3, 8, 0, 5, 8, 15, 0, 1]
    kinds = ("is_extended_id", "is_fd", "is_error_frame", "is_remote_frame")
    assert [next((kind for kind in kinds if row[kind]), "") for row in rows] == [
        *("", "is_extended_id", "is_extended_id", "is_remote_frame", "is_error_frame", "is_fd", "is_fd", "")
    ]
    reader.close()


def test_times_are_the_kernels_to_the_nanosecond(bus):
    reader = listen_to("vcan0", [])
    with socket.socket(socket.AF_CAN, socket.SOCK_RAW, socket.CAN_RAW) as witness:
        witness.setsockopt(socket.SOL_SOCKET, socketcan.SO_TIMESTAMPNS, 1)
        witness.bind(("vcan0",))
        for nth in range(200):
            bus.send(classic(nth, b"x"))
        stamps = []
        for _ in range(200):
            _, ancillary, _, _ = witness.recvmsg(16, 64)
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            stamps.append(seconds * SECOND + nanoseconds)
    assert read_until(reader, 199)["stamp"].tolist() == stamps
    assert len({stamp % 1000 for stamp in stamps}) > 10  # they are not rounded to microseconds
    reader.close()


def test_the_kernel_filters(bus):
    reader = listen_to("vcan0", parse_filters("100:7F0,18FEF100:1FFFFF00"))
    for can_id in (0xFF, 0x100, 0x10F, 0x110, 0x105 | EXTENDED, 0x18FEF1AA | EXTENDED, 0x4 | ERROR):
        bus.send(classic(can_id))
    assert read_until(reader, 0x4 | ERROR)["id"].tolist() == [
        0x100,
        0x10F,
        0x18FEF1AA | EXTENDED,
        0x4 | ERROR,
    ]
    reader.close()
    many = listen_to("vcan0", parse_filters(",".join(f"{nth:X}" for nth in range(512))))
    for can_id in (512, 511):
        bus.send(classic(can_id))
    assert read_until(many, 511)["id"].tolist() == [511]
    many.close()


def test_what_the_kernel_drops_is_counted():
    reader = listen_to("vcan0", [])
    for first in range(0, 40_000, 64):
        send_now("vcan0", first, 64)
    read = [reader.read()]
    while len(read[-1]):
        read.append(reader.read())
    send_now("vcan0", 2047, 1)
    read.append(read_until(reader, 2047))
    got = sum(map(len, read)) - 1
    assert 10_000 < got < 40_000
    assert got + reader.dropped == 40_000
    reader.close()


def test_many_frames_come_whole_and_in_order():
    source = BusSource(
        AgentConfig(vehicle_id="V", lake="file:///x", spool=Path("/run"), channel="vcan0,vcan1")
    )
    with Listening(source) as listening:
        for fd in (False, True):
            send_paced(["vcan0", "vcan1"], 3000, 6000, fd=fd)
        until(lambda: len(listening.rows) >= 12_000)
    for channel in ("vcan0", "vcan1"):
        rows = [row for row in listening.rows if row["channel"] == channel]
        assert numbers_of(rows) == [*range(3000), *range(3000)]
        assert [row["is_fd"] for row in rows] == [False] * 3000 + [True] * 3000
        stamps = [row["timestamp"].value for row in rows]
        assert stamps == sorted(stamps)


def test_an_interface_that_goes_down_is_heard_again_from_its_first_frame_on(config, caplog):
    with Listening(BusSource(config())) as listening:
        send_now("vcan0", 0, 3)
        until(lambda: len(listening.rows) == 3)
        ip("link", "set", "vcan0", "down")
        until(lambda: "vcan0 is down" in caplog.text)
        ip("link", "set", "vcan0", "up")
        send_now("vcan0", 3, 3)
        until(lambda: len(listening.rows) == 6)
    assert numbers_of(listening.rows) == list(range(6))
    assert caplog.text.count("vcan0 is down") == 1


def test_what_came_before_the_end_is_read(config):
    stop = threading.Event()
    arrivals = BusSource(config()).batches(stop)
    assert len(next(arrivals).records) == 0
    send_now("vcan0", 0, 5)
    time.sleep(0.5)
    stop.set()
    assert [len(arrival.records) for arrival in arrivals] == [5]


def test_an_interface_that_is_down_at_first_is_waited_for(config):
    ip("link", "set", "vcan0", "down")
    with Listening(BusSource(config())) as listening:
        time.sleep(0.5)
        ip("link", "set", "vcan0", "up")
        send_now("vcan0", 0, 3)
        until(lambda: len(listening.rows) == 3)


def test_an_adapter_that_is_unplugged_and_plugged_in_again(config, caplog):
    with Listening(BusSource(config(channel="vcan0,vcan1"))) as listening:
        send_now("vcan0", 0, 1)
        until(lambda: len(listening.rows) == 1)
        ip("link", "del", "vcan0")
        until(lambda: "vcan0 is not usable" in caplog.text)
        send_now("vcan1", 7, 1)  # the other one goes on
        until(lambda: len(listening.rows) == 2)
        ip("link", "add", "dev", "vcan0", "type", "vcan")
        ip("link", "set", "vcan0", "up")
        until(lambda: listening.source.lines[0].reader)
        send_now("vcan0", 1, 1)
        until(lambda: len(listening.rows) == 3)
    assert [(row["channel"], *numbers_of([row])) for row in listening.rows] == [
        *(("vcan0", 0), ("vcan1", 7), ("vcan0", 1))
    ]


@pytest.fixture
def agent(tmp_path):
    """Starts agents on both buses; ends those that are left."""
    started = []

    def start(*arguments, env=None):
        places = ["--spool", tmp_path / "spool", "--lake", (tmp_path / "lake").as_uri(), "--vehicle", "V"]
        command = [sys.executable, "-m", "edge_agent", "--channel", "vcan0,vcan1", *places, *arguments]
        log = tmp_path / f"{len(started)}.log"
        with log.open("w") as file:
            process = subprocess.Popen(command, env=os.environ | (env or {}), stderr=file, text=True)
        process.log = log
        started.append(process)
        until(lambda: process_log(process).count("listening on") == 2, process=process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def process_log(process):
    return process.log.read_text()


def ended(process):
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0, process_log(process)
    return process_log(process)


def objects(tmp_path):
    for path in sorted((tmp_path / "lake").rglob("*_raw.parquet")):
        body = path.read_bytes()
        yield (
            path.relative_to(tmp_path / "lake"),
            read_raw(body, path.name),
            read_footer(open_object(body, path.name)),
        )


def rows_landed(tmp_path):
    return sum(pq.read_metadata(path).num_rows for path in (tmp_path / "lake").rglob("*_raw.parquet"))


@pytest.mark.parametrize(
    ("fd", "count", "rate"), [(False, 85_000, 8500), (True, 25_000, 4000)], ids=["classic", "fd"]
)
def test_a_saturated_bus_reaches_the_lake_whole_and_in_order(agent, tmp_path, fd, count, rate):
    process = agent("--window", "3", env={"AGENT_CLOCK_WAIT_SECONDS": "0"})
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = send_paced(["vcan0", "vcan1"], count, rate, fd=fd)
    until(lambda: rows_landed(tmp_path) == 2 * count, 300, process)
    peak = int(Path(f"/proc/{process.pid}/status").read_text().split("VmHWM:")[1].split()[0]) // 1000
    log = ended(process)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert "dropped" not in log
    assert "0 frames lost" in log
    tables = [table for _, table, _ in objects(tmp_path)]
    assert len(tables) > 1
    for channel in ("vcan0", "vcan1"):
        found, stamps = [], []
        for table in tables:
            chosen = table.filter(np.array(table["channel"].to_pylist()) == channel)
            data = b"".join(payload[:8] for payload in chosen["data"].to_pylist())
            found.append(np.frombuffer(data, "<u8"))
            stamps.append(stamps_of(chosen))
            assert chosen["is_fd"].to_pylist() == [fd] * chosen.num_rows
        assert np.array_equal(np.concatenate(found), np.arange(count))
        assert np.all(np.diff(np.concatenate(stamps)) >= 0)
    print(f"\n{2 * count} frames in {took:.1f} s: {spent / (2e-6 * count):.1f} CPU s/M frames, {peak} MB")


@pytest.fixture
def small_disk():
    """A disk of 1.2 MB, which can be made one that can only be read."""
    place = Path("/run/small")
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_gives_up_the_oldest_and_counts_it(agent, tmp_path, small_disk):
    nowhere = tmp_path / "nowhere"
    nowhere.write_text("a file where the lake's folder should be")
    env = {"AGENT_CLOCK_WAIT_SECONDS": "0", "AGENT_FREE_MEGABYTES": "1"}
    places = ["--spool", small_disk / "spool", "--lake", (nowhere / "lake").as_uri(), "--window", "1"]
    process = agent(*places, env=env)
    count, sent = 1000, 0
    deadline = time.monotonic() + 240
    while not (said := process_log(process)).count("gave up") > 1:
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        send_paced(["vcan0"], count, 8000)
        sent += count
    log = ended(process)
    given_up, lost = (
        int(re.findall(pattern, log)[-1]) for pattern in (r"windows? with (\d+) frames", r"(\d+) frames lost")
    )
    assert lost >= given_up > 0
    again = agent("--spool", small_disk / "spool", "--window", "1", env=env)
    until(lambda: not list((small_disk / "spool").glob("*.parquet")), process=again)
    ended(again)
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert len(rows) + lost == sent
    assert numbers_of(rows[-count:]) == list(range(count))  # the newest are there


def test_a_disk_that_can_only_be_read_stops_nothing(agent, tmp_path, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    process = agent("--spool", small_disk / "spool", "--window", "0.5", env={"AGENT_CLOCK_WAIT_SECONDS": "0"})
    send_now("vcan0", 0, 5)
    until(lambda: rows_landed(tmp_path) == 5, process=process)
    ended(process)


def set_clock(seconds, *, synced):
    """Set the guest's clock, and say whether something keeps it right."""
    time.clock_settime(time.CLOCK_REALTIME, seconds)
    state = ctypes.create_string_buffer(256)
    # struct timex with maximum error and status: an error that has grown too large makes the kernel unsynchronized
    state.raw = struct.pack("=I36xi", 0x10 | 0x04, 0 if synced else 0x40).ljust(256, b"\0")
    assert ctypes.CDLL(None, use_errno=True).adjtimex(state) >= 0


@pytest.fixture
def clock():
    """Sets the clock, and puts it right again in the end."""
    real = time.time() - time.monotonic()
    yield set_clock
    set_clock(real + time.monotonic(), synced=False)


def test_a_computer_that_wakes_in_1975_dates_what_it_recorded(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(157_766_400, synced=False)
    process = agent("--window", "0.5")
    sent = []
    for nth in range(8):
        if nth == 4:
            assert not list(objects(tmp_path))
            clock(really + time.monotonic(), synced=True)
        send_now("vcan0", nth, 1)
        sent.append(really + time.monotonic())
        time.sleep(0.4)
    until(lambda: sum(table.num_rows for _, table, _ in objects(tmp_path)) == 8, process=process)
    ended(process)
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == list(range(8))
    errors = [row["timestamp"].value / SECOND - when for row, when in zip(rows, sent, strict=True)]
    assert max(map(abs, errors)) < 0.1
    assert {footer["clock"] for _, _, footer in objects(tmp_path)} == {"known"}
    assert not [path for path, _, _ in objects(tmp_path) if "1975" in str(path)]


def test_a_clock_that_jumps_by_years_stops_nothing(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(really + time.monotonic(), synced=True)
    process = agent("--window", "0.5")
    sent = []
    for nth in range(9):
        if nth in (3, 6):
            clock(really + time.monotonic() + (3 if nth == 3 else -3) * 365 * 86_400, synced=False)
        send_now("vcan0", nth, 1)
        sent.append(really + time.monotonic())
        time.sleep(0.3)
    log = ended(process)
    assert log.count("the wall clock was set by") == 2
    rows = [row for _, table, _ in objects(tmp_path) for row in table.to_pylist()]
    assert numbers_of(rows) == list(range(9))
    errors = [row["timestamp"].value / SECOND - when for row, when in zip(rows, sent, strict=True)]
    assert max(map(abs, errors)) < 0.1


def test_a_time_that_never_comes_is_estimated_by_the_next_start_that_knows_it(agent, tmp_path, clock):
    really = time.time() - time.monotonic()
    clock(157_766_400, synced=False)
    process = agent("--window", "0.5")
    send_now("vcan1", 0, 5)
    time.sleep(1)
    ended(process)
    assert not list(objects(tmp_path))
    boot = Path("/run/boot_id")
    boot.write_text("ffffffff-another-boot\n")
    subprocess.run(["mount", "--bind", boot, "/proc/sys/kernel/random/boot_id"], check=True)
    try:
        clock(really + time.monotonic(), synced=True)
        process = agent("--window", "0.5")
        until(lambda: list(objects(tmp_path)), process=process)
        ended(process)
    finally:
        subprocess.run(["umount", "/proc/sys/kernel/random/boot_id"], check=True)
    ((path, table, footer),) = objects(tmp_path)
    assert footer["clock"] == "estimated"
    assert numbers_of(table.to_pylist()) == list(range(5))
    assert FD == 4  # as the kernel has it
    assert f"year={time.gmtime(really + time.monotonic()).tm_year}" in str(path)
