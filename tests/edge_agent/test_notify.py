"""What systemd hears, over a real socket of the kind that it listens at."""

import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from edge_agent.agent import Agent
from edge_agent.config import AgentConfig
from edge_agent.notify import ServiceManager
from edge_agent.records import NOTHING
from edge_agent.surroundings import Service

PROJECT = Path(__file__).parents[2]


class Manager:
    """Listens as systemd does."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(120)

    def hear(self):
        return self.socket.recv(4096).decode()

    def forget(self):
        """Let go of what was said before now."""
        self.socket.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                self.socket.recv(4096)
        self.socket.settimeout(120)

    def hear_until(self, wanted):
        """All that is said up to and with the first message that begins so."""
        heard = []
        while not heard or not heard[-1].startswith(wanted):
            heard.append(self.hear())
        return heard


@pytest.fixture
def manager(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


class Bus:
    """Silent, until it hangs."""

    origin = "capture"

    def __init__(self):
        self.hangs, self.goes_on, self.hung = threading.Event(), threading.Event(), threading.Event()

    def batches(self, stop):
        while not stop.is_set():
            if self.hangs.is_set():
                self.hung.set()
                self.goes_on.wait()
            yield NOTHING
            stop.wait(0.01)


def test_a_silent_bus_is_alive_and_a_hung_capture_is_not(manager, tmp_path):
    config = AgentConfig(
        vehicle_id="V", lake=(tmp_path / "lake").as_uri(), spool=tmp_path / "spool", health_seconds=0.1
    )
    bus, stop = Bus(), threading.Event()
    service = ServiceManager(manager.socket.getsockname(), 0.3)
    running = threading.Thread(target=Agent(config, bus, service).run, args=(stop,))
    running.start()
    try:
        assert manager.hear_until("READY=1").count("READY=1") == 1
        for _ in range(3):
            manager.hear_until("WATCHDOG=1")
        manager.hear_until("STATUS=0 frames/s")
        bus.hangs.set()
        assert bus.hung.wait(60)
        # the rest of the agent goes on talking, and must not speak for the thread that hangs
        manager.forget()
        said = []
        while sum(one.startswith("STATUS=") for one in said) < 20:
            said.append(manager.hear())
        assert "WATCHDOG=1" not in said
        bus.goes_on.set()
        manager.hear_until("WATCHDOG=1")
        stop.set()
        assert "READY=1" not in manager.hear_until("STOPPING=1")
    finally:
        bus.goes_on.set()
        stop.set()
        running.join(60)


@pytest.mark.slow
@pytest.mark.parametrize("address", ["path", "abstract"])
def test_a_real_agent_on_a_silent_bus_is_ready_and_stays_alive(tmp_path, address):
    name = str(tmp_path / "n") if address == "path" else f"@edge-agent-test-{tmp_path.name}"
    manager = Manager(name.replace("@", "\0", 1))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "edge_agent", "--vehicle", "V", "--interface", "virtual"),
            *("--channel", "silent", "--lake", (tmp_path / "lake").as_uri(), "--spool", tmp_path / "spool"),
        ],
        cwd=PROJECT,
        env={
            "PATH": "/usr/bin:/bin",
            "NOTIFY_SOCKET": name,
            "WATCHDOG_USEC": "300000",
            "JOURNAL_STREAM": "1:2",
        },
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        manager.hear_until("READY=1")
        for _ in range(3):
            manager.hear_until("WATCHDOG=1")
        process.terminate()
        manager.hear_until("STOPPING=1")
        _, log = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
        manager.socket.close()
    assert process.returncode == 0, log
    assert all(
        line.startswith(("INFO ", "WARNING ")) for line in log.splitlines()
    )  # the journal has the time


def test_a_manager_that_does_not_listen_is_said_once_and_nothing_else_happens(tmp_path, caplog):
    service = ServiceManager(str(tmp_path / "nobody"), 0.0001)
    for _ in range(5):
        service.moved()
        service.status("well")
    assert service.failures > 5
    assert caplog.text.count("does not listen") == 1


def test_what_the_service_manager_has_set(monkeypatch):
    assert Service.read({}) == Service()
    env = {"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "10000000", "JOURNAL_STREAM": "8:1"}
    assert Service.read(env) == Service("/run/n", 10.0, True)
    # that of a parent is not ours
    assert Service.read(env | {"WATCHDOG_PID": "1"}).watchdog_s is None
    assert Service.read(env | {"WATCHDOG_USEC": "0"}).watchdog_s is None
