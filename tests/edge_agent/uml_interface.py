"""Scenes in the guest: interfaces that go down, vanish and come back."""

import threading
import time

from edge_agent.capture import BusSource
from edge_agent.records import ERROR
from tests.edge_agent.can_sender import send_now
from tests.edge_agent.uml_tools import Listening, classic, ip, numbers_of, until


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


def test_a_controller_that_goes_bus_off_is_noted_and_heard_again(bus, config):
    """A virtual bus has no controller: what one says of itself is sent as the error frame that it would send."""
    with Listening(BusSource(config())) as listening:
        send_now("vcan0", 0, 2)
        until(lambda: len(listening.rows) == 2)  # as one is waited for, so are all
        bus.send(classic(0x40 | ERROR, bytes(8)))
        bus.send(classic(0x100 | ERROR, bytes(8)))
        send_now("vcan0", 2, 2)
        until(lambda: len(listening.rows) == 6)
    assert [(row["arb_id"], row["is_error_frame"]) for row in listening.rows[2:4]] == [
        (0x40, True),
        (0x100, True),
    ]
    assert [row["arb_id"] for row in listening.rows if not row["is_error_frame"]] == [0, 1, 2, 3]
