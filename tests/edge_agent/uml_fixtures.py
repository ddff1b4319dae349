"""What scenes in the guest start from: buses that are up, agents, disks, a clock that can be set. A plugin of pytest."""

import socket
import subprocess
import time
from pathlib import Path

import pytest

from edge_agent.config import AgentConfig
from tests.edge_agent.uml_agents import AgentProcess
from tests.edge_agent.uml_tools import ip, process_log, set_clock, until


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


@pytest.fixture
def agent(tmp_path):
    """Starts agents on both buses; ends those that are left."""
    started = []

    def start(*arguments, env=None, held_bytes=None):
        places = ["--spool", tmp_path / "spool", "--lake", (tmp_path / "lake").as_uri(), "--vehicle", "V"]
        process = AgentProcess(
            ["--channel", "vcan0,vcan1", *places, *arguments],
            env or {},
            tmp_path / f"{len(started)}.log",
            held_bytes=held_bytes,
        )
        started.append(process)
        until(lambda: process_log(process).count("listening on") == 2, process=process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def small_disk():
    """A disk of 1.2 MB, which can be made one that can only be read."""
    place = Path("/run/small")
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def card():
    """A disk with ext4, as a Pi's card is."""
    place = Path("/run/card")
    place.mkdir(exist_ok=True)
    subprocess.run(["mount", "/dev/ubda", place], check=True)
    yield place
    subprocess.run(["mount", "-o", "remount,rw", place], check=True)
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def clock():
    """Sets the clock, and puts it right again in the end."""
    real = time.time() - time.monotonic()
    yield set_clock
    set_clock(real + time.monotonic(), synced=False)
