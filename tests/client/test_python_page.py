"""The page about Python and the notebook do what they show, on a simulated drive."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telemetry_pipeline.cli.main import app
from telemetry_pipeline.client import Lake
from tests.raw_lake import EV_DBC

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOK = DOCS / "examples" / "first_look.ipynb"


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    """The folder of a lake with a decoded drive of three minutes."""
    folder = tmp_path_factory.mktemp("lake")
    env = {"TELEMETRY_LAKE": folder.as_uri()}
    for arguments in (
        ["dbc", "add", str(EV_DBC)],
        ["simulate", "--vehicle", "SIM_001", "--start", "2026-02-23T12:00:00Z", "--duration", "3m"],
        ["decode", "--pending"],
    ):
        result = CliRunner().invoke(app, arguments, env=env)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(autouse=True)
def _here(drive, monkeypatch):
    monkeypatch.setenv("TELEMETRY_LAKE", drive.as_uri())
    import matplotlib as mpl  # slow to import

    backend = mpl.get_backend()
    mpl.use("agg")
    yield
    mpl.use(backend)


def run(cells):
    """Run pieces of code one after another, as a notebook does; what they named."""
    names = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"cell {number}", "exec"), names)
    return names


def test_the_page_does_what_it_shows():
    cells = re.findall(r"```python\n(.*?)```", (DOCS / "python.md").read_text(), re.DOTALL)
    assert len(cells) >= 5
    names = run(cells)
    assert names["samples"].height > 1_000
    assert names["power_kw"].height > 1_000
    assert names["by_minute"].height == 3


def test_the_page_names_every_method():

    page = (DOCS / "python.md").read_text()
    methods = {name for name in vars(Lake) if not name.startswith("_")}
    assert methods == set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE))


def test_the_notebook_runs():
    notebook = json.loads(NOTEBOOK.read_text())
    assert all(not cell.get("outputs") for cell in notebook["cells"])
    names = run("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert names["samples"].width == 3
    names["plt"].close("all")
