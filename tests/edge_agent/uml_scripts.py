"""The Pi's scripts in a kernel with buses: a simulated drive over vcan, and what the diagnostics say of a bus."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PI = Path(__file__).parents[2] / "edge_agent" / "pi"
BIN = Path(sys.executable).parent
ENV = {**os.environ, "BIN": str(BIN), "PATH": f"{BIN}:{os.environ['PATH']}"}


@pytest.fixture
def said_by(tmp_path):
    """Runs a script as on a vehicle, where there is no pandas; what it says."""
    (tmp_path / "pandas.py").write_text('raise ImportError("a vehicle has none")')
    env = ENV | {"PYTHONPATH": str(tmp_path)}

    def run(*command, ok):
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False, timeout=300)
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_simulated_drive_lands_to_the_last_frame(said_by):
    said = said_by(PI / "test-capture.sh", "--bus", "vcan7", "--seconds", "2", ok=True)
    assert "in order, bit for bit" in said
    # the bus that it made is gone again
    assert not Path("/sys/class/net/vcan7").exists()


@pytest.fixture
def settings(tmp_path):
    def write(channel):
        path = tmp_path / "config.yaml"
        lake, spool = (tmp_path / "lake").as_uri(), tmp_path / "spool"
        path.write_text(f'vehicle_id: V\nlake: "{lake}"\nspool: {spool}\nchannel: "{channel}"\n')
        return path

    return write


def test_the_diagnostics_tell_a_bus_that_speaks_from_one_that_does_not(said_by, settings):
    sender = subprocess.Popen(["cangen", "vcan0", "-g", "20"])
    try:
        said = said_by(
            *(PI / "can-diagnostics.sh", "--seconds", "1", "--config", settings("vcan0,vcan1,can9")), ok=False
        )
    finally:
        sender.kill()
        sender.wait()
    lines = said.splitlines()
    assert any(line.startswith("pass  vcan0") and "frames in 1 s" in line for line in lines), said
    assert "note  vcan0      is virtual: a test bus of this machine" in lines
    assert any(line.startswith("FAIL  vcan1") and "no frame in 1 s" in line for line in lines), said
    assert any(line.startswith("FAIL  can9") and "no such interface" in line for line in lines), said
    # and what the agent itself thinks
    assert any(line.startswith("pass  lake") for line in lines), said
