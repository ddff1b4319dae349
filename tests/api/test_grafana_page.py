"""The dashboard for Grafana asks what the service answers. Grafana itself is not run: its plugin's part is done here."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.raw_lake import NOON, add_dbc, land

DOCS = Path(__file__).parents[2] / "docs"
DASHBOARD = json.loads((DOCS / "examples" / "grafana_dashboard.json").read_text())
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
RANGE = {"${__from:date:iso}": "2026-02-23T11:00:00.000Z", "${__to:date:iso}": "2026-02-23T13:00:00.000Z"}


def filled(text: str) -> str:
    """A text with Grafana's variables as they would be."""
    names = {
        variable["name"]: variable.get("current", {}).get("value", "")
        for variable in DASHBOARD["templating"]["list"]
    }
    for name, value in {**RANGE, **{f"${{{name}}}": value for name, value in names.items()}}.items():
        text = text.replace(name, value)
    assert "$" not in text
    return text


def rows_of(answer: Any, root: str) -> Any:
    """What a path such as `signals[0].data` leads to."""
    for name, index in re.findall(r"(\w+)(?:\[(\d+)\])?", root):
        answer = answer[name][int(index)] if index else answer[name]
    return answer


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target["refId"])
def test_every_query_is_answered_with_what_its_columns_name(folder_lake, serving, target):
    add_dbc(folder_lake)
    for outcome in process_objects(
        folder_lake, Databases.load(folder_lake), [land(folder_lake, "EV_001", NOON, 300)]
    ):
        assert outcome.report is not None
    app = create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake)
    params = [(each["key"], filled(each["value"])) for each in target["url_options"]["params"]]
    answer = serving(app).request(target["url_options"]["method"], filled(target["url"]), params=params)
    assert answer.status_code == 200, answer.text
    rows = rows_of(answer.json(), target["root_selector"])
    assert len(rows) == 300
    time, value = (column["selector"] for column in target["columns"])
    assert [column["type"] for column in target["columns"]] == ["timestamp_epoch", "number"]
    assert rows[0][time] == NOON // 1_000_000
    assert all(isinstance(row[value], float | int) for row in rows)
    assert target["columns"][1]["text"] in dict(params)["signals"]


def test_the_page_says_what_the_file_does():
    page = (DOCS / "grafana.md").read_text()
    for target in TARGETS:
        assert f"`GET {target['url']}`" in page
        assert f"`{target['root_selector']}`" in page
        for param in target["url_options"]["params"]:
            assert f"`{param['key']}`" in page
