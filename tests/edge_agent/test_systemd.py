"""The agent's unit, as systemd reads it."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge_agent.agent import GRACE_S

ROOT = Path(__file__).parents[2]
UNIT = ROOT / "edge_agent" / "systemd" / "telemetry-agent.service"
BIN = Path(sys.executable).parent


def section_of(name):
    (body,) = re.findall(rf"^\[{name}\]\n(.*?)(?=^\[|\Z)", UNIT.read_text(), re.MULTILINE | re.DOTALL)
    return dict(line.split("=", 1) for line in body.splitlines() if "=" in line and line[0] != "#")


def test_systemd_understands_every_line(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("there is no systemd-analyze")
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


def test_it_is_started_again_for_ever_and_has_time_to_end():
    assert section_of("Unit")["StartLimitIntervalSec"] == "0"
    service = section_of("Service")
    assert service["Restart"] == "always"
    assert float(service["TimeoutStopSec"]) > 2 * GRACE_S


def test_its_command_is_one():
    program, *options = shlex.split(section_of("Service")["ExecStart"])
    asked = subprocess.run([BIN / Path(program).name, "--help"], capture_output=True, text=True, check=True)
    assert all(option in asked.stdout for option in options if option.startswith("--"))
