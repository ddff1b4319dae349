import itertools
import threading
import time
import uuid

import can
import pytest

from edge_agent import capture
from edge_agent.capture import BusSource
from edge_agent.config import AgentConfig
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.windows import stamps_of


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
    for number, table in enumerate(source.batches(stop)):
        assert table.schema == schema.RAW
        rows += table.to_pylist()
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
    ]
    with can.Bus(interface="virtual", channel=settings.channel) as sender:
        before = time.time_ns()
        rows = gather(BusSource(settings), len(sent), lambda: [sender.send(message) for message in sent])
        after = time.time_ns()
    assert [row["arb_id"] for row in rows] == [message.arbitration_id for message in sent]
    assert [row["data"] for row in rows] == [bytes(message.data) for message in sent]
    assert [row["dlc"] for row in rows] == [3, 0, 8, 5, 8, 11]
    for name in ("is_extended_id", "is_fd", "is_error_frame", "is_remote_frame"):
        assert [row[name] for row in rows] == [getattr(message, name) for message in sent]
    assert {row["vehicle_id"] for row in rows} == {"V"}
    assert {row["channel"] for row in rows} == {settings.channel}
    assert all(before - 1_000_000 <= row["timestamp"].value <= after + 1_000_000 for row in rows)


def test_timestamps_are_whole_microseconds():
    stamp = 1_795_334_400.123457
    messages = [can.Message(timestamp=stamp, data=b"\x01"), can.Message(timestamp=stamp + 1e-6, data=b"")]
    table = capture.messages_table(messages, "V", "can0")
    assert stamps_of(table).tolist() == [1_795_334_400_123_457_000, 1_795_334_400_123_458_000]


def test_a_silent_bus_says_so_again_and_again(config):
    stop = threading.Event()
    tables = list(itertools.islice(BusSource(config()).batches(stop), 3))
    assert [table.num_rows for table in tables] == [0, 0, 0]


class Unplugged:
    """A bus that fails as an adapter does when it is pulled out."""

    def __init__(self, error):
        self.error = error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def recv(self, _):
        raise self.error


def test_an_adapter_that_comes_and_goes_is_waited_for(config, monkeypatch):
    monkeypatch.setattr(capture, "FIRST_WAIT_S", 0.01)
    settings = config()
    source = BusSource(settings)
    real = source.open_bus
    faults = [
        OSError(19, "No such device"),  # not plugged in
        can.CanInitializationError("down"),
        Unplugged(can.CanOperationError("Network is down")),
        Unplugged(OSError(19, "No such device")),
    ]

    def open_bus():
        if not faults:
            bus = real()
            sender.send(can.Message(arbitration_id=1, data=b"\x07"))
            return bus
        fault = faults.pop(0)
        if isinstance(fault, Unplugged):
            return fault
        raise fault

    source.open_bus = open_bus
    with can.Bus(interface="virtual", channel=settings.channel) as sender:
        rows = gather(source, 1)
    assert [row["data"] for row in rows] == [b"\x07"]
    assert source.reconnects == 4


def test_the_waits_grow_to_their_limit_and_start_over(config, monkeypatch, caplog):
    monkeypatch.setattr(capture, "FIRST_WAIT_S", 0.001)
    monkeypatch.setattr(capture, "LONGEST_WAIT_S", 0.004)
    source = BusSource(config())
    waits = []
    original = source._wait

    def noted(error, stop):
        began = time.monotonic()
        yield from original(error, stop)
        waits.append(time.monotonic() - began)
        if len(waits) == 5:
            stop.set()

    def missing():
        raise OSError(19, "No such device")

    source._wait, source.open_bus = noted, missing
    stop = threading.Event()
    assert all(table.num_rows == 0 for table in source.batches(stop))
    assert all(wait >= least for wait, least in zip(waits, (0.001, 0.002, 0.004, 0.004, 0.004), strict=True))
    assert caplog.text.count("not usable") == 5


def test_the_end_does_not_wait_for_the_adapter(config):
    stop = threading.Event()
    source = BusSource(config())

    def missing():
        raise OSError(19, "No such device")

    source.open_bus = missing
    source._failures = 10  # 30 s to go
    began = time.monotonic()
    for _ in source.batches(stop):
        stop.set()
    assert time.monotonic() - began < 25


def test_an_interface_that_does_not_exist_is_refused(config):
    with pytest.raises(BadSetting, match="nonsense"):
        next(BusSource(config(interface="nonsense")).batches(threading.Event()))


def test_nothing_is_ever_sent():
    source = capture.__spec__.loader.get_source(capture.__name__)
    assert ".send(" not in source
    assert "send_periodic" not in source
