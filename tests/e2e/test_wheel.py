"""What is released runs without its source tree: the wheel, made of the sdist, with the dashboard inside.

The libraries are those of the environment that runs the tests; that what a wheel asks for is enough is tried at a
release, for it takes a network.
"""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.servers import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that the sdist makes."""
    if not (ROOT / "dashboard" / "dist" / "index.html").exists():
        pytest.skip("the dashboard is not built: make wheel")
    folder = tmp_path_factory.mktemp("dist")
    run(["hatchling", "build", "-t", "sdist", "-d", str(folder)], ROOT)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "source", filter="data")
    (source,) = (folder / "source").iterdir()
    run(["hatchling", "build", "-t", "wheel", "-d", str(folder)], source)
    (made,) = folder.glob("*.whl")
    return made


def run(module: list[str], cwd: Path, env: dict[str, str] | None = None) -> str:
    result = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_it_holds_the_program_and_what_comes_with_it(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "api",
        "edge_agent",
        "telemetry_pipeline",
    }
    packages = ("api", "edge_agent", "telemetry_pipeline")
    code = {str(path.relative_to(ROOT)) for top in packages for path in (ROOT / top).rglob("*.py")}
    assert {name for name in names if name.endswith(".py")} == code
    for name in (
        "dashboard/dist/index.html",
        "dbc/ev_powertrain.dbc",
        "dbc/rules.yaml",
        "deploy/instance/workspace.yaml",
    ):
        assert f"telemetry_pipeline/_shipped/{name}" in names


def test_the_demo_runs_without_the_source_tree(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    run(["pip", "install", "-q", "--no-deps", "--no-index", "--target", str(installed), str(wheel)], tmp_path)
    env = {"PYTHONPATH": str(installed)}
    said = run(
        [
            *("telemetry_pipeline.cli.main", "demo", "--exit", "--folder", str(tmp_path / "demo")),
            *("--port", str(free_port()), "--dagster-port", str(free_port())),
        ],
        tmp_path,
        env,
    )
    assert "It works." in said
    asked = tmp_path / "where.py"
    asked.write_text(
        "from telemetry_pipeline.settings import Settings\nfrom edge_agent.database import BUNDLED\n"
        "print(Settings.from_env().dashboard, BUNDLED, sep='\\n')\n"
    )
    places = subprocess.run(
        [sys.executable, str(asked)],
        cwd=tmp_path,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")[:2]
    for place in places:
        assert place.startswith(str(installed))
        assert Path(place).exists()
