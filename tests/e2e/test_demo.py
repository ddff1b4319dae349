"""The README's first command, as a stranger runs it: it works, it ends, and it leaves nothing but its lake."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.servers import ended, free_port, wait_until

pytestmark = pytest.mark.slow

TELEMETRY = Path(sys.executable).parent / "telemetry"


def demo(folder: Path, *arguments: str) -> list[str]:
    ports = ["--port", str(free_port()), "--dagster-port", str(free_port())]
    return [str(TELEMETRY), "demo", "--folder", str(folder), *ports, *arguments]


def _works_in(folder: Path, process: psutil.Process) -> bool:
    """Whether a process was told of a folder: children that were let go of have another parent."""
    return any(str(folder) in argument for argument in process.info["cmdline"] or [])


def test_ctrl_c_ends_all_of_it_and_the_lake_stays_for_the_next_start(tmp_path: Path) -> None:
    others = set(psutil.Process().children(recursive=True))
    log = tmp_path / "demo.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            demo(tmp_path),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(os.environ),
        )
    with ended(process):

        def runs() -> bool:
            assert process.poll() is None, log.read_text()
            return "Everything runs" in log.read_text()

        wait_until(runs, "the demo to run", seconds=600)
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 5
        process.send_signal(signal.SIGINT)
        wait_until(lambda: "Ending all processes" in log.read_text(), "the demo to end", pause=0.01)
        process.send_signal(signal.SIGINT)  # an impatient second Ctrl-C changes nothing
        assert process.wait(timeout=120) == 0, log.read_text()
        _, alive = psutil.wait_procs(children, timeout=30)
        assert alive == []
    assert "Ending all processes" in log.read_text()
    assert list(tmp_path.glob("lake/raw/vehicle_id=EV_001/**/*.parquet"))
    _starts_again_and_stops_by_itself(tmp_path, others)


def _starts_again_and_stops_by_itself(folder: Path, others: set[psutil.Process]) -> None:
    result = subprocess.run(
        demo(folder, "--exit"), capture_output=True, text=True, timeout=900, check=False, env=dict(os.environ)
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "It works." in result.stdout
    assert "partitions of decoded_signals" in result.stdout
    assert list(folder.glob("lake/decoded/vehicle_id=EV_00[12]/**/*.parquet"))
    assert set(psutil.Process().children(recursive=True)) <= others
    assert [process for process in psutil.process_iter(["cmdline"]) if _works_in(folder, process)] == []


def test_a_process_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    env = {**os.environ, "TELEMETRY_TRACK_FROM": "yesterday"}
    result = subprocess.run(
        demo(tmp_path, "--exit"), capture_output=True, text=True, timeout=300, check=False, env=env
    )
    assert result.returncode == 2
    assert "TELEMETRY_TRACK_FROM: 'yesterday' is not a day. Use YYYY-MM-DD" in result.stderr
    assert "Traceback" not in result.stderr
