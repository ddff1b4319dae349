"""Every shell script of the project passes shellcheck; what each does is tested where it belongs."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("scripts", "edge_agent/pi", "deploy", "tests/edge_agent")


def scripts() -> list[Path]:
    found = (path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
    return [path for path in found if is_shell(path)]


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        first = file.readline()
    return first.startswith(b"#!") and first.split(b"/")[-1].split()[-1] in (b"sh", b"bash")


def test_there_are_scripts() -> None:
    assert len(scripts()) >= 10


@pytest.mark.skipif(
    not shutil.which("shellcheck"), reason="there is no shellcheck (scripts/need-shell-tools installs it)"
)
@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(
        ["shellcheck", "--external-sources", "--check-sourced", "--source-path", ROOT, path],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout == ""


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_a_script_stops_at_the_first_fault(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] in ("set -eu", "set -euo pipefail")


@pytest.mark.parametrize("path", scripts(), ids=lambda path: path.name)
def test_it_can_be_run(path: Path) -> None:
    assert path.stat().st_mode & 0o111 == 0o111
