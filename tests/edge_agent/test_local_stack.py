"""Pi + laptop: what an agent has landed in its folder is moved to the laptop's lake, decoded there, and served."""

import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edge_agent.database import BUNDLED
from tests.servers import ended, free_port, wait_until

PI = Path(__file__).parents[2] / "edge_agent" / "pi"
BIN = Path(sys.executable).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("rsync"), reason="there is no rsync (scripts/need-shell-tools installs it)"
    ),
]


@pytest.fixture
def recorded(tmp_path):
    """The lake of a Pi that has driven; as if by ssh, but without it: rsync is told a folder of this machine."""
    lake = tmp_path / "pi" / "lake"
    command = [BIN / "edge-agent", "--simulate", "--vehicle", "PI_1", "--duration", "2", "--window", "1"]
    subprocess.run(
        [*command, "--lake", lake.as_uri(), "--spool", tmp_path / "spool"],
        check=True,
        timeout=120,
        capture_output=True,
    )
    # what the agent is just writing is not an object yet
    (lake / "raw" / "half").write_bytes(b"half")
    return lake


def stack(*options):
    return [PI / "start-local-stack.sh", "--bin", BIN, "--dbc", BUNDLED, *map(str, options)]


def test_the_laptop_fetches_decodes_and_serves(recorded, tmp_path):
    lake, port = tmp_path / "laptop" / "lake", free_port()
    sent = {path.name: path.read_bytes() for path in recorded.rglob("*_raw.parquet")}
    assert sent
    process = subprocess.Popen(
        stack("--from", recorded, "--lake", lake, "--port", port, "--every", "1"), start_new_session=True
    )

    def signals():
        url = f"http://127.0.0.1:{port}/vehicles/PI_1/messages"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)
        except OSError:
            return None

    with ended(process):
        wait_until(signals, "the dashboard to know the Pi's messages")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    landed = {path.name: path.read_bytes() for path in (lake / "raw").rglob("*_raw.parquet")}
    assert landed == sent
    assert list(recorded.rglob("*_raw.parquet")) == []
    assert (recorded / "raw" / "half").exists()


def test_a_pi_that_is_away_is_said(tmp_path):
    done = subprocess.run(
        stack("--once", "--from", tmp_path / "away", "--lake", tmp_path / "lake"),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert "nothing could be fetched" in done.stderr
