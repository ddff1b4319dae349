"""The service's package is whole: the API and the catalogue's door run from its folder alone, asked with a token."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.catalog.glue import Glue
from telemetry_pipeline.catalog.sync import sync
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.function_events import http_event
from tests.moto_server import moto_running
from tests.oidc import AUDIENCE, Issuer
from tests.package_contents import lacking
from tests.raw_lake import add_dbc, land
from tests.unpacked_function import Package, invoke_package

pytestmark = pytest.mark.slow


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.close()


def test_a_vehicle_is_asked_for_from_the_package_alone(
    lambda_package: Callable[..., Package],
    issuer: Issuer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    measured: Callable[[str], None],
) -> None:
    built = lambda_package("api")
    assert "an image by its Dockerfile" in built.size_line
    with moto_running(tmp_path) as aws:
        for name, value in aws.env().items():
            monkeypatch.setenv(name, value)
        aws.client("s3").create_bucket(Bucket="lake")
        store = Store.open("s3://lake", endpoint_url=aws.endpoint)
        add_dbc(store)
        for _ in sync(Glue(aws.client("glue"), store.url, "telemetry_db"), store):
            pass  # tables, as the stacks make them
        raw = land(store, "EV_1")
        assert all(it.report for it in process_objects(store, Databases.load(store), [raw]))
        token = issuer.headers()
        question = {
            "signals": [{"message_name": "MotorCtrl_Status", "signal_name": "Motor_RPM"}],
            "start_time": "2026-02-23T00:00:00Z",
            "end_time": "2026-02-24T00:00:00Z",
        }
        events = [
            http_event("GET", "/health"),
            http_event("GET", "/vehicles"),
            http_event("GET", "/vehicles", headers=token),
            http_event("POST", "/vehicles/EV_1/query", headers=token, body=question),
        ]
        env = {
            **aws.env(),
            "TELEMETRY_LAKE": "s3://lake",
            "TELEMETRY_AUTH_ISSUER": issuer.url,
            "TELEMETRY_AUTH_AUDIENCE": AUDIENCE,
        }
        done = invoke_package(built.folder, events, env, module="api.lambda_handler")
        assert done.strangers == []
        health, closed, vehicles, points = (item["answer"] for item in done.answers)
        assert health["statusCode"] == 200
        assert closed["statusCode"] == 401
        assert [it["vehicle_id"] for it in json.loads(vehicles["body"])] == ["EV_1"]
        (signal,) = json.loads(points["body"])["signals"]
        assert [point["v"] for point in signal["data"]] == list(range(100))
        assert lacking(lambda_package("api", "arm64").folder, done.modules) == []
        measured(f"api package, here, /health: {done.cold_start}")

        rings = {"time": "2026-02-23T13:00:00Z"}
        (told,) = invoke_package(
            built.folder, [rings], env, module="telemetry_pipeline.catalog_handler"
        ).answers
        assert told["answer"]["decoded_signals"]["created"] == 1
        partitions = aws.client("glue").get_partitions(
            DatabaseName="telemetry_db", TableName="decoded_signals"
        )
        assert [it["Values"] for it in partitions["Partitions"]] == [["EV_1", "2026", "02", "23"]]
