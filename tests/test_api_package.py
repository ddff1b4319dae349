"""The service's package is whole: the API and the catalogue's door run from its folder alone, asked with a token."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.moto_server import moto_running
from tests.oidc import AUDIENCE, Issuer
from tests.raw_lake import add_dbc, land
from tests.unpacked_function import build_package, invoke_package

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("api") / "function"
    said = build_package(out, "api")
    assert "an image by its Dockerfile" in said
    return out


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    found = Issuer()
    yield found
    found.close()


def asked(method: str, path: str, headers: dict[str, str], body: object = None) -> dict[str, Any]:
    """An event of an HTTP API."""
    return {
        "version": "2.0",
        "routeKey": "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "service.example", "content-type": "application/json", **headers},
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
            "stage": "$default",
        },
        "body": json.dumps(body) if body is not None else None,
        "isBase64Encoded": False,
    }


def test_a_vehicle_is_asked_for_from_the_package_alone(
    package: Path, issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto_running(tmp_path) as aws:
        for name, value in aws.env().items():
            monkeypatch.setenv(name, value)
        aws.client("s3").create_bucket(Bucket="lake")
        store = Store.open("s3://lake", endpoint_url=aws.endpoint)
        add_dbc(store)
        raw = land(store, "EV_1")
        assert all(it.report for it in process_objects(store, Databases.load(store), [raw]))
        token = issuer.headers()
        question = {
            "signals": [{"message_name": "MotorCtrl_Status", "signal_name": "Motor_RPM"}],
            "start_time": "2026-02-23T00:00:00Z",
            "end_time": "2026-02-24T00:00:00Z",
        }
        events = [
            asked("GET", "/health", {}),
            asked("GET", "/vehicles", {}),
            asked("GET", "/vehicles", token),
            asked("POST", "/vehicles/EV_1/query", token, question),
        ]
        env = {
            **aws.env(),
            "TELEMETRY_LAKE": "s3://lake",
            "TELEMETRY_AUTH_ISSUER": issuer.url,
            "TELEMETRY_AUTH_AUDIENCE": AUDIENCE,
        }
        done = invoke_package(package, events, env, module="api.lambda_handler")
        assert done.strangers == []
        health, closed, vehicles, points = (item["answer"] for item in done.answers)
        assert health["statusCode"] == 200
        assert closed["statusCode"] == 401
        assert [it["vehicle_id"] for it in json.loads(vehicles["body"])] == ["EV_1"]
        (signal,) = json.loads(points["body"])["signals"]
        assert [point["v"] for point in signal["data"]] == list(range(100))
        print(
            f"cold: {done.import_cpu_s:.2f} CPU s of import, {done.answers[0]['cpu_s']:.2f} CPU s until /health"
        )

        told = invoke_package(package, [{}], env, module="telemetry_pipeline.catalog_handler").answers[0][
            "answer"
        ]
        assert told["decoded_signals"]["created"] == 1
        partitions = aws.client("glue").get_partitions(
            DatabaseName="telemetry_db", TableName="decoded_signals"
        )
        assert [it["Values"] for it in partitions["Partitions"]] == [["EV_1", "2026", "02", "23"]]
