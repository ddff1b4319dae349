"""Health over real HTTP: of the caller's vehicles and nobody else's, page by page, day by day."""

import pytest

from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import fill

NOBODY = {"first": None, "last": None, "vehicles": [], "next": None}
DAYS = {"first": "2026-02-12", "last": "2026-02-12"}


@pytest.fixture
def client(folder_lake, serving):
    fill(folder_lake)
    jail = "raw/vehicle_id=EV_001/year=2026/month=02/day=12/20260212T150000.000Z_raw.parquet"
    folder_lake.put(jail, b"PAR1 torn")
    folder_lake.put(f"quarantine/{jail}", b"PAR1 torn")
    folder_lake.put(
        f"quarantine/{jail}.json", b'{"reason": "not a Parquet file", "when": "2026-02-12T15:01:00"}'
    )
    return serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))


def test_the_newest_days_of_every_vehicle(client):
    answer = client.get("/fleet/health").json()
    assert (answer["first"], answer["last"], answer["next"]) == ("2026-02-06", "2026-02-12", None)
    assert [vehicle["vehicle_id"] for vehicle in answer["vehicles"]] == ["EV_001", "EV_002", "TRUCK_7"]
    first = answer["vehicles"][0]
    assert first["last_seen"].startswith("2026-02-12T14:04:59")
    (day,) = first["days"]
    assert (day["date"], day["objects"], day["quarantined"], day["pending"]) == ("2026-02-12", 1, 1, 0)


def test_pages_follow_each_other(client):
    page = client.get("/fleet/health", params={"limit": 2}).json()
    assert [vehicle["vehicle_id"] for vehicle in page["vehicles"]] == ["EV_001", "EV_002"]
    rest = client.get("/fleet/health", params={"limit": 2, "after": page["next"]}).json()
    assert [vehicle["vehicle_id"] for vehicle in rest["vehicles"]] == ["TRUCK_7"]
    assert rest["next"] is None


def test_other_days_are_empty(client):
    answer = client.get("/fleet/health", params={"last": "2026-02-10", "days": 2}).json()
    assert (answer["first"], answer["last"]) == ("2026-02-09", "2026-02-10")
    assert all(vehicle["days"] == [] for vehicle in answer["vehicles"])


def test_what_was_set_aside_and_why(client):
    answer = client.get("/vehicles/EV_001/health", params=DAYS).json()
    (jailed,) = answer["quarantined"]
    assert jailed["reason"] == "not a Parquet file"
    assert answer["unknown_ids"] == []


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/fleet/health", {"last": "yesterday"}, 422),
        ("/fleet/health", {"days": 32}, 422),
        ("/fleet/health", {"last": "0001-01-01"}, 422),
        ("/vehicles/EV_001/health", {"first": "2026-02-12", "last": "2026-02-11"}, 422),
        ("/vehicles/EV_001/health", {"first": "2026-01-01", "last": "2026-02-11"}, 422),
        ("/vehicles/EV_001/health", {"first": "9999-12-31", "last": "9999-12-31"}, 422),
        ("/vehicles/NOBODY/health", DAYS, 404),
        ("/vehicles/no..body/health", DAYS, 404),
    ],
)
def test_what_cannot_be_answered_says_why(client, path, params, status):
    answer = client.get(path, params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["remedy"]


def test_an_empty_lake_has_no_days(folder_lake, serving):
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))
    assert client.get("/fleet/health").json() == NOBODY


def test_only_the_callers_vehicles(folder_lake, serving, issuer):
    fill(folder_lake)
    access = SignIn(issuer.settings())
    client = serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake, access=access)
    )
    mine = issuer.headers(**{"telemetry:vehicles": ["EV_*"]})
    shown = client.get("/fleet/health", headers=mine).json()["vehicles"]
    assert [vehicle["vehicle_id"] for vehicle in shown] == ["EV_001", "EV_002"]
    assert client.get("/vehicles/EV_002/health", params=DAYS, headers=mine).status_code == 200
    assert client.get("/vehicles/TRUCK_7/health", params=DAYS, headers=mine).status_code == 404
    assert client.get("/fleet/health").status_code == 401
    nothing = issuer.headers(**{"telemetry:vehicles": []})
    assert client.get("/fleet/health", headers=nothing).json() == NOBODY


def test_the_page_of_the_fleet_is_the_dashboards(folder_lake, serving, tmp_path):
    (tmp_path / "index.html").write_text("<title>dashboard</title>")
    client = serving(
        create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake, dashboard=tmp_path)
    )
    page = {"Accept": "text/html"}
    assert "dashboard" in client.get("/fleet", headers=page).text
    assert client.get("/fleet/nothing", headers=page).status_code == 404
