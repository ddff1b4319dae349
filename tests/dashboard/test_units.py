"""The dashboard's own tests, by its own runner: one test here, so that they run beside the others."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT / "dashboard" / "node_modules"


@pytest.mark.slow
@pytest.mark.skipif(
    not PACKAGES.exists(), reason="the dashboard's packages are not installed: make dashboard/dist/index.html"
)
def test_every_unit_of_the_dashboard(measured: Callable[[str], None]) -> None:
    command = [ROOT / "scripts" / "with-node", "npm", "--prefix", "dashboard", "test", "--silent"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=900)
    said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout)
    assert done.returncode == 0, said[-20_000:] + done.stderr[-4_000:]
    (passed,) = re.findall(r"^ *Tests +(\d+) passed", said, re.MULTILINE)
    measured(f"dashboard: {passed} tests of its own passed")
