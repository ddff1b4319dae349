import itertools
import os
import socket
import subprocess
import sys
import threading
import time
import uuid

import can
import pytest

from edge_agent import capture, pythoncan, socketcan
from edge_agent.capture import BusSource
from edge_agent.config import AgentConfig
from edge_agent.pythoncan import records_of_messages
from edge_agent.records import table_of
from telemetry_pipeline.errors import BadSetting


@pytest.fixture
def config(tmp_path):
    def make(**changes):
        settings = {"vehicle_id": "V", "lake": "file:///x", "spool": tmp_path, "interface": "virtual"}
        return AgentConfig(**{**settings, "channel": f"test-{uuid.uuid4().hex}", **changes})

    return make


def gather(source, wanted, meanwhile=lambda: None, seconds=120):
    """Rows from a source until there are `wanted`; `meanwhile` is called once, when it listens."""
    stop, rows = threading.Event(), []
    deadline = time.monotonic() + seconds
    for number, arrival in enumerate(source.batches(stop)):
        rows += table_of([arrival], "V").to_pylist()
        if number == 0:
            meanwhile()
        if len(rows) >= wanted or time.monotonic() > deadline:
            stop.set()
    return rows


def test_every_kind_of_frame_arrives_as_it_was_sent(config):
    settings = config()
    sent = [
        can.Message(arbitration_id=0x123, data=b"\x01\x02\x03", is_extended_id=False),
        can.Message(arbitration_id=0x123, data=b"", is_extended_id=True),
        can.Message(arbitration_id=0x18FEF100, data=bytes(8), is_extended_id=True),
        can.Message(arbitration_id=0x7FF, is_remote_frame=True, dlc=5, is_extended_id=False),
        can.Message(arbitration_id=0x20, is_error_frame=True, data=bytes(8), is_extended_id=False),
        can.Message(arbitration_id=0x55, is_fd=True, data=bytes(range(20)), is_extended_id=False),
        can.Message(0, 0x56, is_extended_id=False, is_fd=True, bitrate_switch=True, data=b"\1"),
        can.Message(0, 0x57, is_extended_id=False, is_fd=True, error_state_indicator=True, data=b"\2"),
    ]
    with can.Bus(interface="virtual", channel=settings.channel) as sender:
        before = time.time_ns()
        rows = gather(BusSource(settings), len(sent), lambda: [sender.send(message) for message in sent])
        after = time.time_ns()
    assert [row["arb_id"] for row in rows] == [message.arbitration_id for message in sent]
    assert [row["data"] for row in rows] == [bytes(message.data) for message in sent]
    assert [row["dlc"] for row in rows] == [3, 0, 8, 5, 8, 11, 1, 1]
    for name in ("is_extended_id", "is_fd", "is_error_frame", "is_remote_frame"):
        assert [row[name] for row in rows] == [getattr(message, name) for message in sent]
    for name in ("bitrate_switch", "error_state_indicator"):
        assert [row.get(name, False) for row in rows] == [getattr(message, name) for message in sent]
    assert {row["vehicle_id"] for row in rows} == {"V"}
    assert {row["channel"] for row in rows} == {settings.channel}
    assert all(before - 1_000_000 <= row["timestamp"].value <= after + 1_000_000 for row in rows)


def test_timestamps_are_whole_microseconds():
    stamp = 1_795_334_400.123457
    messages = [can.Message(timestamp=stamp, data=b"\x01"), can.Message(timestamp=stamp + 1e-6, data=b"")]
    assert records_of_messages(messages)["stamp"].tolist() == [
        1_795_334_400_123_457_000,
        1_795_334_400_123_458_000,
    ]


def test_a_silent_bus_says_so_again_and_again(config):
    stop = threading.Event()
    arrivals = list(itertools.islice(BusSource(config()).batches(stop), 3))
    assert [len(arrival.records) for arrival in arrivals] == [0, 0, 0]


class Unplugged:
    """A bus that fails as an adapter does when it is pulled out."""

    def __init__(self, error):
        self.error = error

    def read(self, _):
        raise self.error

    def close(self):
        pass


def test_an_adapter_that_comes_and_goes_is_waited_for(config, monkeypatch):
    monkeypatch.setattr(capture, "FIRST_WAIT_S", 0.01)
    settings = config()
    source = BusSource(settings)
    (line,) = source.lines
    real = line.open
    faults = [
        OSError(19, "No such device"),  # not plugged in
        OSError("cannot be initialized"),
        Unplugged(OSError(32, "Broken pipe")),
        Unplugged(OSError(19, "No such device")),
    ]

    def opened():
        if not faults:
            reader = real()
            sender.send(can.Message(arbitration_id=1, data=b"\x07"))
            return reader
        fault = faults.pop(0)
        if isinstance(fault, Unplugged):
            return fault
        raise fault

    line.open = opened
    with can.Bus(interface="virtual", channel=settings.channel) as sender:
        rows = gather(source, 1)
    assert [row["data"] for row in rows] == [b"\x07"]
    assert line.reconnects == 4


def test_what_python_can_raises_is_one_kind_of_error(config, monkeypatch):
    reader = BusSource(config()).lines[0].open()

    def fail(*_, **__):
        raise can.CanOperationError("Network is down")

    monkeypatch.setattr(reader._bus, "recv", fail)
    with pytest.raises(OSError, match="Network is down"):
        reader.read(0.01)
    reader.close()
    monkeypatch.setattr(can, "Bus", fail)
    with pytest.raises(OSError, match="Network is down"):
        BusSource(config()).lines[0].open()


def test_a_raspberry_that_captures_needs_no_python_can():
    code = "import sys, edge_agent.__main__, edge_agent.capture, edge_agent.check; sys.exit('can' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_waits_grow_to_their_limit_and_start_over(config, monkeypatch, caplog):
    now = [1000.0]
    monkeypatch.setattr(capture.time, "monotonic", lambda: now[0])
    (line,) = BusSource(config()).lines
    tried = []

    def missing():
        tried.append(now[0])
        raise OSError(19, "No such device")

    line.open = missing
    while len(tried) < 8:
        assert line.take(0) is None
        now[0] += 0.25
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    assert waits == [1, 2, 4, 8, 16, 30, 30]
    assert caplog.text.count("not usable") == 8
    line._failures = 0  # frames came
    line.take(0)
    assert "trying again in 1 s" in caplog.text


def test_an_interface_that_appears_is_opened_at_once(config, monkeypatch, tmp_path):
    monkeypatch.setattr(capture, "_INTERFACES", tmp_path)
    (line,) = BusSource(config(channel="can7")).lines
    tried = []

    def missing():
        tried.append(1)
        raise OSError(19, "No such device")

    line.open = missing
    line._failures = 10  # 30 s to go
    for _ in range(3):
        line.take(0)
    assert len(tried) == 1
    (tmp_path / "can7").mkdir()
    for _ in range(3):
        line.take(0)
    assert len(tried) == 2


def test_the_end_does_not_wait_for_the_adapter(config):
    stop = threading.Event()
    source = BusSource(config())

    def missing():
        raise OSError(19, "No such device")

    source.lines[0].open = missing
    source.lines[0]._failures = 10  # 30 s to go
    began = time.monotonic()
    for _ in source.batches(stop):
        stop.set()
    assert time.monotonic() - began < 25


def test_several_channels_and_one_of_them_missing(config):
    names = [f"test-{uuid.uuid4().hex}" for _ in range(3)]
    source = BusSource(config(channel=",".join(names)))

    def missing():
        raise OSError(19, "No such device")

    source.lines[1].open = missing
    with (
        can.Bus(interface="virtual", channel=names[0]) as first,
        can.Bus(interface="virtual", channel=names[2]) as last,
    ):

        def send():
            for nth in range(3):
                first.send(can.Message(arbitration_id=1, data=[nth]))
                last.send(can.Message(arbitration_id=1, data=[nth]))

        rows = gather(source, 6, send)
    assert sorted((row["channel"], row["data"]) for row in rows) == sorted(
        (name, bytes([nth])) for name in (names[0], names[2]) for nth in range(3)
    )


def test_only_what_is_wanted_comes(config):
    settings = config(filters="100:7F0,18FEF100")
    with can.Bus(interface="virtual", channel=settings.channel) as sender:

        def send():
            for arb_id, extended in ((0x0FF, False), (0x105, False), (0x105, True), (0x18FEF100, True)):
                sender.send(can.Message(arbitration_id=arb_id, is_extended_id=extended))

        rows = gather(BusSource(settings), 2, send)
    assert [(row["arb_id"], row["is_extended_id"]) for row in rows] == [(0x105, False), (0x18FEF100, True)]


def test_an_adapter_that_counts_from_its_own_start_is_dated(config):
    settings = config()
    source = BusSource(settings)
    with can.Bus(interface="virtual", channel=settings.channel) as sender:
        before = time.time_ns()
        stamps = iter([12.5, 12.75])

        def send():
            bus = source.lines[0].reader._bus
            real = bus.recv

            def receive(wait):
                message = real(wait)
                if message:
                    message.timestamp = next(stamps)
                return message

            bus.recv = receive
            sender.send(can.Message(arbitration_id=1))
            sender.send(can.Message(arbitration_id=2))

        rows = gather(source, 2, send)
        after = time.time_ns()
    first, second = (row["timestamp"].value for row in rows)
    assert second - first == 250_000_000
    assert before <= second <= after + 1_000_000_000


def test_an_interface_that_does_not_exist_is_refused(config):
    with pytest.raises(BadSetting, match="nonsense"):
        next(BusSource(config(interface="nonsense")).batches(threading.Event()))


@pytest.mark.parametrize("module", [capture, pythoncan, socketcan], ids=lambda module: module.__name__)
def test_nothing_is_ever_sent(module):
    source = module.__spec__.loader.get_source(module.__name__)
    for word in ("send(", "send_periodic", "sendmsg", "sendmmsg", "sendto", "write("):
        assert word not in source


@pytest.mark.parametrize("size", [200_000, 4_000_000])
def test_what_the_kernel_keeps_little_of_is_read_sooner(config, monkeypatch, size):
    """A full bus fills the usual buffer in 33 ms: reads that wait longer would lose what comes meanwhile."""
    source = BusSource(config(interface="socketcan", channel="can0"))
    with socket.socket(
        socket.AF_INET, socket.SOCK_DGRAM
    ) as udp:  # stands in for a bus, which this kernel may lack
        udp.setsockopt(
            socket.SOL_SOCKET, socketcan.SO_RCVBUFFORCE if os.geteuid() == 0 else socket.SO_RCVBUF, size
        )
        udp.bind(("127.0.0.1", 0))
        source.lines[0].reader = reader = socketcan.SocketCanReader("can0", udp)
        rests = []
        monkeypatch.setattr(capture.time, "sleep", rests.append)
        source._rest(threading.Event(), is_busy=True)
    assert rests == [min(capture.LINGER_S, reader.kept_s / 2)]
    assert rests[0] > 0
