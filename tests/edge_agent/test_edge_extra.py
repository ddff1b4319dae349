"""A vehicle's machine, on which there is only what `can-telemetry[edge]` asks for: every mode works."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.store import Store

pytestmark = pytest.mark.slow

PROJECT = Path(__file__).parents[2]
STRANGERS = ("boto3", "botocore", "dagster", "fastapi", "matplotlib", "polars")


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """The Python of an environment of its own; the project lies in it as it is."""
    folder = tmp_path_factory.mktemp("machine")
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["edge"]]
    lock = (PROJECT / "requirements.lock").read_text()
    pinned = re.findall(r"^([\w.-]+==[^\\\n]+)", lock, re.MULTILINE)
    (folder / "pinned").write_text("\n".join(pinned))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-compile"]
    subprocess.run([*pip, "--target", site, "-c", folder / "pinned", *wanted], check=True, timeout=600)
    (site / "project.pth").write_text(str(PROJECT))
    return folder / "venv" / "bin" / "python"


@pytest.fixture
def edge_agent(machine, tmp_path):
    def run(*options, env=None, lake=None):
        return subprocess.run(
            [
                *(machine, "-m", "edge_agent", "--vehicle", "V", "--spool", tmp_path / "spool"),
                *("--lake", lake or (tmp_path / "lake").as_uri(), *options),
            ],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **(env or {})},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return run


def test_nothing_else_came_with_it(machine):
    code = f"import importlib.util as u; print([n for n in {STRANGERS} if u.find_spec(n)])"
    done = subprocess.run([machine, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "[]"


def test_every_mode_works(edge_agent, tmp_path):
    done = edge_agent("--simulate", "--window", "1", "--duration", "6")
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "lake").rglob("*_raw.parquet"))
    for options, said in (
        (("--simulate", "--check"), "pass  dbc"),
        (("--simulate", "--dry-run", "--duration", "5"), "frames seen, none stored"),
        (("--simulate", "--decode-live", "--duration", "5"), "Pack_Voltage="),
        (("--interface", "virtual", "--channel", "x", "--dry-run", "--duration", "1"), "0 frames seen"),
        (("--interface", "virtual", "--channel", "x", "--duration", "1"), ""),
    ):
        done = edge_agent(*options)
        assert done.returncode == 0, done.stderr
        assert said in done.stdout


def test_a_bucket_needs_no_more_than_keys(edge_agent, s3_lake, s3_server):
    done = edge_agent("--simulate", "--window", "1", "--duration", "6", lake=s3_lake, env=s3_server.env)
    assert done.returncode == 0, done.stderr
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    keys = [info.key for info in store.list_objects("raw")]
    assert sum(read_raw(store.get(key), key).num_rows for key in keys) > 100
    without = edge_agent("--simulate", "--check", lake=s3_lake)
    assert without.returncode == 1
    assert "AWS_ACCESS_KEY_ID" in without.stdout
