"""`telemetry fleet` and `telemetry catalog` as a user runs them."""

import json
import uuid
from pathlib import Path

import boto3
import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.cli.test_commands import run
from tests.fleet.conftest import Car
from tests.raw_lake import add_dbc, land
from tests.s3_server import S3Server


@pytest.fixture
def driven(folder_lake: Store) -> Store:
    for name in ("CAR_1", "CAR_2"):
        car = Car(folder_lake, name)
        car.drive(0, unknown=3)
        car.drive(1)
        car.decode()
    return folder_lake


def test_a_day_is_made_and_shown(driven: Store) -> None:
    before = run(driven.url, "fleet", "--day", "2026-02-23")
    assert before.returncode == 1
    assert "telemetry fleet --day 2026-02-23 --make" in before.stderr
    shown = run(driven.url, "fleet", "--day", "2026-02-23", "--make")
    assert shown.returncode == 0, shown.stderr
    assert "2 vehicles, 486 frames" in shown.stdout
    assert "Dash.Odometer" in shown.stdout
    answer = json.loads(run(driven.url, "fleet", "--day", "2026-02-23", "--json").stdout)
    assert [item["vehicle_id"] for item in answer["vehicles"]] == ["CAR_1", "CAR_2"]
    assert (answer["totals"]["rows"], answer["totals"]["unknown_id"]) == (486, 6)
    assert answer["totals"]["distance_km"] == pytest.approx(4.76, abs=0.2)
    assert answer["vehicles"][0]["first_timestamp"] == "2026-02-23T12:00:00+00:00"


def test_one_vehicle_shows_its_signals(driven: Store) -> None:
    run(driven.url, "fleet", "--day", "2026-02-23", "--make")
    shown = run(driven.url, "fleet", "--day", "2026-02-23", "--vehicle", "CAR_1")
    assert shown.returncode == 0, shown.stderr
    assert "Dash.VehicleSpeed" in shown.stdout
    assert "CAR_2" not in shown.stdout
    missing = run(driven.url, "fleet", "--day", "2026-02-23", "--vehicle", "CAR_9")
    assert (missing.returncode, "CAR_9 has nothing on 2026-02-23" in missing.stderr) == (1, True)


def test_the_catalogue_of_a_bucket_is_synced_and_shown(aws_lake: str, aws_server: S3Server) -> None:
    store = Store.open(aws_lake, endpoint_url=aws_server.endpoint)
    add_dbc(store)
    raw = land(store, "EV_1")
    list(process_objects(store, Databases.load(store), [raw]))
    database = f"cli_{uuid.uuid4().hex[:8]}"
    env = {**aws_server.env, "TELEMETRY_CATALOG": database}
    empty = run(aws_lake, "catalog", "show", **env)
    assert empty.returncode == 0, empty.stderr
    synced = run(aws_lake, "catalog", "sync", "--json", **env)
    assert synced.returncode == 0, synced.stderr
    tables = {item["table"]: item for item in json.loads(synced.stdout)["tables"]}
    assert (tables["decoded_signals"]["change"], tables["decoded_signals"]["created"]) == ("created", 1)
    again = json.loads(run(aws_lake, "catalog", "sync", "--json", **env).stdout)["tables"]
    assert {(item["change"], item["created"], item["updated"], item["removed"]) for item in again} == {
        ("unchanged", 0, 0, 0)
    }
    shown = json.loads(run(aws_lake, "catalog", "show", "--json", **env).stdout)["tables"]
    (decoded,) = [item for item in shown if item["table"] == "decoded_signals"]
    assert decoded["partitions"] == 1
    assert decoded["location"] == f"{aws_lake}/{layout.DECODED}/"
    client = boto3.client("glue", endpoint_url=aws_server.endpoint, region_name="us-east-1")
    assert client.get_database(Name=database)["Database"]["Name"] == database


def test_a_folder_has_no_catalogue(tmp_path: Path) -> None:
    answer = run(tmp_path.as_uri(), "catalog", "sync")
    assert (answer.returncode, "this lake has no catalogue" in answer.stderr) == (2, True)
    wrong = run(tmp_path.as_uri(), "status", TELEMETRY_CATALOG="My-Database")
    assert (wrong.returncode, "TELEMETRY_CATALOG" in wrong.stderr) == (2, True)
