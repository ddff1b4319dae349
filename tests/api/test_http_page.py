"""docs/http.md: its examples run as they stand, and it leaves no endpoint out."""

import json
import os
import re
import subprocess
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from api.app import create_app
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.raw_lake import NOON, SECOND, add_dbc, land

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "http.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TIMED_OUT = 28
"""curl's exit code after --max-time: a live tail has no end of its own."""


@pytest.fixture
def url(folder_lake, serving):
    add_dbc(folder_lake)
    raws = [
        land(folder_lake, vehicle, NOON + hour * 3600 * SECOND)
        for vehicle in ("EV_001", "EV_002")
        for hour in (0, 1)
    ]
    for outcome in process_objects(folder_lake, Databases.load(folder_lake), raws):
        assert outcome.report is not None
    app = create_app(
        ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake, events=EventReader(folder_lake)
    )
    return str(serving(app).base_url).rstrip("/")


def test_every_example_works(url, tmp_path):
    assert len(EXAMPLES) >= 10
    for example in EXAMPLES:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example],
            cwd=tmp_path,
            env={**os.environ, "API": url, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        expected = (TIMED_OUT,) if "--max-time" in example else (0,)
        assert done.returncode in expected, f"{example}\n{done.stdout}\n{done.stderr}"
        if "/fleet/compare" in example:
            answers = re.findall(r'\{"message_name.*?"query_stats":\{[^}]*\}\}', done.stdout)
            assert [len(json.loads(text)["series"]) for text in answers] == [2, 4, 2]
        if "/live" in example:
            assert "event: ready" in done.stdout
    assert pa.ipc.open_stream((tmp_path / "answer.arrow").read_bytes()).read_all().num_rows == 100
    assert pl.read_csv(tmp_path / "rows.csv").height == 100
    (parquet,) = tmp_path.glob("EV_001_*.parquet")
    assert pl.read_parquet(parquet).height == 600


def test_the_page_has_every_endpoint():
    document = json.loads((ROOT / "dashboard" / "openapi.json").read_text())
    for path in document["paths"]:
        asked = re.sub(r"\\\{\w+\\\}", r"[\\w-]+", re.escape(path))
        assert re.search(rf"\$API{asked}[\"? ]", "".join(EXAMPLES)), f"no example of {path}"
