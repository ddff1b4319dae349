"""The agent's unit, as systemd reads it."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.chain import GRACE_S
from edge_agent.socketcan import BUFFER_BYTES

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "edge_agent" / "systemd" / "telemetry-agent.service"
SYSCTL = ROOT / "edge_agent" / "pi" / "sysctl.conf"
BIN = Path(sys.executable).parent


needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def section_of(name):
    """The last value of each key."""
    return {key: values[-1] for key, values in values_of(name).items()}


def values_of(name):
    (body,) = re.findall(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", UNIT.read_text(), re.MULTILINE | re.DOTALL)
    found: dict[str, list[str]] = {}
    for line in body.splitlines():
        if "=" in line and line[0] != "#":
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


@needs_systemd
def test_systemd_understands_every_line(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/can-telemetry/bin", str(BIN)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=one", copy],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line] == []


@needs_systemd
def test_it_is_exposed_to_little():
    done = subprocess.run(
        ["systemd-analyze", "security", "--no-pager", "--offline=yes", "--threshold=30", UNIT],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    (level,) = re.findall(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert float(level) <= 3


def test_nothing_in_it_can_make_a_listener_a_sender():
    service = section_of("Service")
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == ""
    (most,) = re.findall(r"^net.core.rmem_max = (\d+)$", SYSCTL.read_text(), re.MULTILINE)
    # what the agent asks for without a capability is what it gets
    assert int(most) >= BUFFER_BYTES


def test_the_agent_may_ask_whether_the_clock_is_right():
    # glibc's adjtimex asks by clock_adjtime
    assert {"adjtimex", "clock_adjtime"} <= set(values_of("Service")["SystemCallFilter"][-1].split())
    assert "ProtectClock" not in section_of("Service")


def test_a_hanging_capture_is_noticed():
    service = section_of("Service")
    assert service["Type"] == "notify"
    assert 3 <= float(service["WatchdogSec"]) <= 60


def test_it_is_started_again_for_ever_and_has_time_to_end():
    assert section_of("Unit")["StartLimitIntervalSec"] == "0"
    service = section_of("Service")
    assert service["Restart"] == "always"
    assert float(service["TimeoutStopSec"]) > 2 * GRACE_S


def test_its_command_is_one():
    program, *options = shlex.split(section_of("Service")["ExecStart"])
    asked = subprocess.run([BIN / Path(program).name, "--help"], capture_output=True, text=True, check=True)
    assert all(option in asked.stdout for option in options if option.startswith("--"))
