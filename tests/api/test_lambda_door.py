"""The service as a function: events in API Gateway's shapes, a real lake on an S3 server, a real issuer."""

import base64
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest

from api import lambda_handler
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.store import Store
from tests.api.small_lake import DAY, QUERY, SPEED, START_NS, fill
from tests.decoded_lake import Partition, put_decoded
from tests.function_events import http_event
from tests.oidc import AUDIENCE

ARROW = "application/vnd.apache.arrow.stream"
CONTEXT = SimpleNamespace(
    function_name="telemetry-api", aws_request_id="1", get_remaining_time_in_millis=lambda: 29_000
)


@pytest.fixture
def function(s3_lake, s3_server, issuer, monkeypatch):
    """The function, cold, over a lake with three vehicles: `function(event)` gives API Gateway's answer."""
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    fill(store)
    monkeypatch.setenv("TELEMETRY_LAKE", s3_lake)
    monkeypatch.setenv("TELEMETRY_AUTH_ISSUER", issuer.url)
    monkeypatch.setenv("TELEMETRY_AUTH_AUDIENCE", AUDIENCE)
    lambda_handler._app.cache_clear()
    lambda_handler._adapter.cache_clear()
    yield SimpleNamespace(ask=lambda event: lambda_handler.handler(event, CONTEXT), store=store)
    lambda_handler._app.cache_clear()
    lambda_handler._adapter.cache_clear()


def event_v2(issuer, method, path, *, headers=None, **more):
    """An event of an HTTP API whose caller may see every vehicle."""
    return http_event(method, path, headers=issuer.headers() | (headers or {}), **more)


def bytes_of(answer):
    return base64.b64decode(answer["body"]) if answer["isBase64Encoded"] else answer["body"].encode()


@pytest.mark.parametrize("binary", [False, True])
def test_a_query_is_answered_as_json(function, issuer, binary):
    answer = function.ask(event_v2(issuer, "POST", "/vehicles/EV_001/query", body=QUERY, binary=binary))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
    assert answer["headers"]["content-type"].startswith("application/json")
    (speed,) = json.loads(answer["body"])["signals"]
    assert len(speed["data"]) == 600
    # a browser that was answered over TLS is told to stay there
    assert answer["headers"]["strict-transport-security"]
    json.dumps(answer)


def test_bytes_travel_as_base64(function, issuer):
    arrow = function.ask(
        event_v2(issuer, "POST", "/vehicles/EV_001/query", body=QUERY, headers={"accept": ARROW})
    )
    assert (arrow["isBase64Encoded"], arrow["headers"]["content-type"]) == (True, ARROW)
    table = pa.ipc.open_stream(io.BytesIO(bytes_of(arrow))).read_all()
    assert table["timestamp"].cast(pa.int64()).to_pylist()[:2] == [START_NS, START_NS + 5 * 10**8]
    small = function.ask(
        event_v2(
            issuer, "POST", "/vehicles/EV_001/query", body=QUERY, headers={"accept-encoding": "gzip, deflate"}
        )
    )
    assert (small["isBase64Encoded"], small["headers"]["content-encoding"]) == (True, "gzip")
    assert len(json.loads(gzip.decompress(bytes_of(small)))["signals"][0]["data"]) == 600


def test_parameters_paths_and_errors_are_the_services(function, issuer):
    events = function.ask(
        event_v2(
            issuer,
            "GET",
            "/vehicles/EV_001/events",
            query="start=2026-02-12T14%3A00%3A00Z&end=2026-02-12T15%3A00%3A00Z&severity=info&severity=critical",
        )
    )
    assert json.loads(events["body"]) == {"events": [], "skipped_objects": 0}
    for event, status in (
        (event_v2(issuer, "GET", "/vehicles/NOBODY/messages"), 404),
        (event_v2(issuer, "DELETE", "/vehicles"), 405),
        (event_v2(issuer, "POST", "/vehicles/EV_001/query", body={}), 422),
        (event_v2(issuer, "GET", "/vehicles", headers={"authorization": None}), 401),
        (event_v2(issuer, "GET", "/vehicles", headers={"authorization": "Bearer a.b.c"}), 401),
        (event_v2(issuer, "GET", "/nothing/here"), 404),
        (event_v2(issuer, "POST", "/vehicles/EV_001/query", body={"x": "y" * 1_100_000}), 413),
    ):
        answer = function.ask(event)
        assert answer["statusCode"] == status, event["rawPath"]
        assert answer["headers"]["content-type"] == "application/problem+json"
        assert json.loads(answer["body"])["status"] == status
    health = function.ask(event_v2(issuer, "GET", "/health", headers={"authorization": None}))
    assert json.loads(health["body"])["mode"] == "cloud"


def test_a_named_stage_is_no_part_of_the_path(function, issuer):
    answer = function.ask(event_v2(issuer, "GET", "/prod/vehicles", stage="prod"))
    assert len(json.loads(answer["body"])) == 3
    plain = function.ask(event_v2(issuer, "GET", "/vehicles", stage="prod"))  # behind a domain of one's own
    assert len(json.loads(plain["body"])) == 3


def test_a_rest_api_is_answered_too(function, issuer):
    event = {
        "resource": "/{proxy+}",
        "path": "/vehicles/EV_001/messages/Drive/signals",
        "httpMethod": "GET",
        "headers": issuer.headers()
        | {"Host": "abc.execute-api.eu-west-1.amazonaws.com", "X-Forwarded-Proto": "https"},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"stage": "prod", "identity": {"sourceIp": "205.255.255.176"}, "httpMethod": "GET"},
        "body": None,
        "isBase64Encoded": False,
    }
    answer = function.ask(event)
    assert [signal["signal_name"] for signal in json.loads(answer["body"])] == ["Speed"]


def test_an_answer_above_the_limit_is_a_problem_that_says_what_to_do(function, issuer):
    samples = 140_000
    times = [START_NS + index * 1_000_003 for index in range(samples)]
    put_decoded(
        function.store,
        Partition("LONG", DAY),
        "a",
        {("Drive", "Speed"): (times, [index / 7 for index in range(samples)])},
    )
    asked = QUERY | {"signals": [SPEED], "method": "raw"}
    answer = function.ask(event_v2(issuer, "POST", "/vehicles/LONG/query", body=asked))
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (413, False)
    problem = json.loads(answer["body"])
    assert problem["instance"] == "/vehicles/LONG/query"
    assert "6,291,456" in problem["detail"]
    assert "gzip" in problem["remedy"]
    assert answer["headers"]["content-type"] == "application/problem+json"
    assert int(answer["headers"]["content-length"]) == len(answer["body"])
    assert answer["headers"]["x-content-type-options"] == "nosniff"
    # as the problem says
    small = function.ask(
        event_v2(issuer, "POST", "/vehicles/LONG/query", body=asked, headers={"accept-encoding": "gzip"})
    )
    assert small["statusCode"] == 200
    assert len(json.dumps(small)) <= lambda_handler.MAX_ANSWER
    assert len(json.loads(gzip.decompress(bytes_of(small)))["signals"][0]["data"]) == samples


def test_each_request_writes_its_numbers_for_cloudwatch(function, issuer, capsys):
    function.ask(event_v2(issuer, "POST", "/vehicles/EV_001/query", body=QUERY))
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"request"' in line]
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert line["Route"] == "/vehicles/{vehicle_id}/query"
    assert directive["Dimensions"] == [["Route"]]
    assert units["Latency"] == units["ParquetQueryDuration"] == "Milliseconds"
    assert units["BytesScanned"] == "Bytes"
    assert line["RowsReturned"] == 600
    assert line["BytesScanned"] > 0
    assert (line["Requests"], line["ServerErrors"]) == (1, 0)


def test_importing_the_module_does_nothing(tmp_path):
    code = (
        "import sys, api.lambda_handler as it; print(it._app.cache_info().currsize, 'boto3' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={"PATH": "/usr/bin", "TELEMETRY_LAKE": "nonsense", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["0", "False"]


def test_a_function_that_nobody_has_to_sign_in_to_does_not_start(s3_lake, monkeypatch, issuer):
    monkeypatch.setenv("TELEMETRY_LAKE", s3_lake)
    lambda_handler._app.cache_clear()
    lambda_handler._adapter.cache_clear()
    with pytest.raises(BadSetting, match="TELEMETRY_AUTH_ISSUER"):
        lambda_handler.handler(event_v2(issuer, "GET", "/health"), CONTEXT)
