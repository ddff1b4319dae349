"""`telemetry rules`, as a person types it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.cli.main import app
from telemetry_pipeline.errors import BadSetting, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from telemetry_pipeline.rules.parse import parse_rules
from tests.raw_lake import EV_DBC, NOON, add_dbc, land

DEMO = Path(__file__).parents[2] / "dbc" / "rules.yaml"
RANGE = ("--start", "2026-02-23T00:00:00Z", "--end", "2026-02-24T00:00:00Z")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    url = (tmp_path / "lake").as_uri()
    monkeypatch.setenv("TELEMETRY_LAKE", url)
    return Store.open(url)


def run(*args: object, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["rules", *map(str, args)], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def write(folder: Path, text: str) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text)
    return path


def test_the_demo_s_rules_are_about_signals_of_its_database(lake: Store) -> None:
    found = json.loads(run("check", DEMO, "--dbc", EV_DBC, "--json"))
    assert all(rule["signals"] and not rule["warnings"] for rule in found["rules"])
    assert {"name": "BMS_CellVoltages.Cell_Delta_mV", "unit": "mV"} in found["rules"][0]["signals"]


def test_check_says_what_rules_mean_and_names_what_is_near(lake: Store, tmp_path: Path) -> None:
    path = write(tmp_path, "rules: [Motor_RMP > 5 for 2s, {name: x, when: Pack_SOC < 5, max_hole: 50ms}]")
    assert "no CAN database to look in" in run("check", path)
    add_dbc(lake)
    said = run("check", path, code=1)
    assert "warning when Motor_RMP > 5 for 2s or longer, on vehicles *; a silence above 10s ends it" in said
    assert "MATCHES NO SIGNAL of ev_powertrain.dbc. Did you mean MotorCtrl_Status.Motor_RPM" in said
    assert "warning: BMS_PackStatus.Pack_SOC is sent less often than every 50ms" in said
    with pytest.raises(BadSetting, match="line 1"):
        run("check", write(tmp_path, "rules: [nonsense]"))
    with pytest.raises(NotFound):
        run("check", tmp_path / "none.yaml")


def test_added_applied_and_listed(lake: Store, tmp_path: Path) -> None:
    add_dbc(lake)
    raws = [land(lake, vehicle, NOON, count=2000) for vehicle in ("EV_1", "EV_2")]
    assert all(outcome.report for outcome in process_objects(lake, Databases.load(lake), raws))
    with pytest.raises(NotFound, match="nothing is decoded"):
        run("apply", "--vehicle", "EV_3")
    run("add", write(tmp_path, "rules: [{name: fast, when: Motor_RPM >= 1000 for 5s, severity: critical}]"))
    with pytest.raises(BadSetting):
        run("add", write(tmp_path, "rules: [nonsense]"))
    assert [rule.name for rule in parse_rules(lake.get(layout.RULES), "")] == ["fast"]
    assert json.loads(run("events", "EV_1", *RANGE, "--json"))["events"] == []
    assert "1 rules over 1 objects in 1 partitions: 1 with events" in run("apply", "--vehicle", "EV_1")
    (event,) = json.loads(run("events", "EV_1", *RANGE, "--json"))["events"]
    assert (event["rule"], event["start"], event["duration_ms"]) == (
        "fast",
        "2026-02-23T12:00:10.000Z",
        9990.0,
    )
    assert (event["worst"], event["samples"], event["open_end"]) == (1999.0, 1000, True)
    assert "9.99s …" in run("events", "EV_1", *RANGE, "--severity", "critical")
    assert json.loads(run("events", "EV_2", *RANGE, "--json"))["events"] == []
    applied = json.loads(run("apply", "--day", "2026-02-23", "--json"))
    assert (applied["partitions"], applied["written"], applied["removed"]) == (2, 2, 0)
    run("add", write(tmp_path, "rules: []"))
    applied = json.loads(run("apply", "--json"))
    assert (applied["written"], applied["removed"], applied["skipped"]) == (0, 2, {})
    lake.put(raws[0].decoded_key, b"torn")
    run("add", write(tmp_path, "rules: [Motor_RPM > 5]"))
    assert raws[0].decoded_key in run("apply", code=1)


def test_a_file_of_rules_in_the_folder_of_databases_is_no_database(lake: Store) -> None:
    add_dbc(lake)
    lake.put(layout.RULES, DEMO.read_bytes())
    databases = Databases.load(lake)
    assert (list(databases.dbcs), databases.broken) == (["ev_powertrain.dbc"], {})
    assert databases.plan_for("EV_1").messages
