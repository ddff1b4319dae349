"""The documented requests over HTTP: shapes, exact samples, and a problem for whatever makes no sense."""

import datetime as dt
import io
import json
import math

import numpy as np
import pyarrow as pa
import pytest

from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import DecodedObject, Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits
from tests.decoded_lake import put_decoded

S = 1_000_000_000
DAY = Partition("VIN1", dt.date(2026, 2, 12))
START = DAY.start_ns + 14 * 3600 * S
SPEED = {"message_name": "Drive", "signal_name": "Speed"}
LEVEL = {"message_name": "Battery", "signal_name": "Level"}
SAMPLES = 6000
TIMES = [START + index * 10_000_000 + index % 7 for index in range(SAMPLES)]
VALUES = [math.sin(index / 50) * 100 for index in range(SAMPLES)]


@pytest.fixture
def filled(folder_lake):
    put_decoded(
        folder_lake,
        DAY,
        "20260212T140000.000Z",
        {("Drive", "Speed"): (TIMES, VALUES), ("Battery", "Level"): ([START + 1], [float("nan")])},
        undecoded=9,
    )
    return folder_lake


@pytest.fixture
def client(filled, serving):
    return serving(create_app(ParquetReader(filled), lake=filled.url))


def body(**changes):
    return {
        "signals": [SPEED],
        "start_time": "2026-02-12T14:00:00Z",
        "end_time": "2026-02-12T14:10:00Z",
    } | changes


def test_lists_have_the_documented_shapes(client):
    assert client.get("/vehicles").json() == [
        {
            "vehicle_id": "VIN1",
            "first_seen": "2026-02-12T14:00:00.000Z",
            "last_seen": "2026-02-12T14:00:59.990Z",
            "frame_count": SAMPLES + 1 + 9,
        }
    ]
    assert client.get("/vehicles/VIN1/sessions").json() == [
        {
            "date": "2026-02-12",
            "start_time": "2026-02-12T14:00:00.000Z",
            "end_time": "2026-02-12T14:00:59.991Z",
            "sample_count": SAMPLES + 1,
        }
    ]
    assert client.get("/vehicles/VIN1/messages").json() == [
        {"message_name": "Battery", "sample_count": 1},
        {"message_name": "Drive", "sample_count": SAMPLES},
    ]
    (speed,) = client.get("/vehicles/VIN1/messages/Drive/signals").json()
    assert speed == {
        "signal_name": "Speed",
        "unit": "km/h",
        "min_value": min(VALUES),
        "max_value": max(VALUES),
        "avg_value": pytest.approx(sum(VALUES) / SAMPLES),
    }
    (level,) = client.get("/vehicles/VIN1/messages/Battery/signals").json()
    assert (level["min_value"], level["avg_value"]) == (None, None)


def test_a_query_has_the_documented_shape_and_every_sample(client):
    answer = client.post("/vehicles/VIN1/query", json=body(signals=[SPEED, LEVEL])).json()
    assert answer["query_stats"].keys() == {"rows_scanned", "bytes_scanned", "duration_ms"}
    speed, level = answer["signals"]
    assert (speed["name"], speed["message_name"], speed["unit"]) == ("Speed", "Drive", "km/h")
    assert [point["v"] for point in speed["data"]] == VALUES
    assert [round(point["t"] * 1e6 / 1000) for point in speed["data"]] == [round(t / 1000) for t in TIMES]
    assert (speed["downsampled"], speed["source_points"], speed["method"]) == (False, SAMPLES, "raw")
    assert level["data"] == [{"t": (START + 1) / 1e6, "v": None}]
    assert not {"gaps", "stats", "envelope"} & speed.keys()


def test_samples_a_quarter_of_a_millisecond_apart_stay_apart(folder_lake, serving):
    times = [START + index * 250_000 for index in range(8)]
    put_decoded(folder_lake, DAY, "a", {("Drive", "Speed"): (times, list(range(8)))})
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url))
    (speed,) = client.post("/vehicles/VIN1/query", json=body()).json()["signals"]
    first = START // 1_000_000
    assert [point["t"] for point in speed["data"]] == [first + index * 0.25 for index in range(8)]


@pytest.mark.parametrize("method", ["lttb", "minmaxlttb"])
def test_exactly_max_points_come_back(client, method):
    (speed,) = client.post("/vehicles/VIN1/query", json=body(max_points=777, method=method)).json()["signals"]
    assert len(speed["data"]) == 777
    assert (speed["downsampled"], speed["source_points"], speed["method"]) == (True, SAMPLES, method)
    assert speed["resolution_ms"] == pytest.approx(59_990 / 776)
    assert speed["data"][0]["v"] == VALUES[0]
    assert speed["data"][-1]["v"] == VALUES[-1]


def test_raw_is_complete_or_refused(filled, serving):
    free = serving(create_app(ParquetReader(filled), lake=filled.url))
    limits = Limits(answer_points=SAMPLES - 1)
    tight = serving(create_app(ParquetReader(filled), lake=filled.url, limits=limits))
    asked = body(max_points=10, method="raw")
    (speed,) = free.post("/vehicles/VIN1/query", json=asked).json()["signals"]
    assert len(speed["data"]) == SAMPLES
    refused = tight.post("/vehicles/VIN1/query", json=asked)
    assert refused.status_code == 413
    assert "5,999" in refused.json()["detail"]
    assert refused.json()["remedy"]
    assert tight.post("/vehicles/VIN1/query", json=body(max_points=10)).status_code == 200


def test_statistics_gaps_and_envelope_come_when_asked_for(folder_lake, serving):
    times = [START + index * 10_000_000 + (index >= 400) * 3 * S for index in range(1000)]
    put_decoded(folder_lake, DAY, "a", {("Drive", "Speed"): (times, [*range(999), float("inf")])})
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url))
    asked = body(max_points=50, include=["stats", "gaps", "envelope"])
    (speed,) = client.post("/vehicles/VIN1/query", json=asked).json()["signals"]
    ms = [t / 1_000_000 for t in times]
    assert speed["stats"] == {
        "count": 999, "min": 0.0, "max": 998.0, "mean": 499.0, "std": pytest.approx(np.std(range(999))),
        "nulls": 1, "first": 0.0, "last": None,
        "t_first": ms[0], "t_last": ms[999], "t_min": ms[0], "t_max": ms[998],
    }  # fmt: skip
    assert speed["source"] == "raw"
    assert "gaps_complete" not in speed
    edges = [times[399] // 1_000_000, times[400] // 1_000_000]
    assert speed["gaps"] == [edges]
    assert {point["t"] for point in speed["data"]} >= set(edges)
    assert len(speed["data"]) == 50
    envelope = speed["envelope"]
    assert len(envelope["t"]) == len(envelope["min"]) == len(envelope["max"]) <= 50
    assert (min(envelope["min"]), max(envelope["max"])) == (0.0, 998.0)


def test_the_range_is_half_open_and_any_offset_means_the_same_instant(client):
    exact = {"start_time": "2026-02-12T14:00:00.000000000Z", "end_time": "2026-02-12T14:00:00.010000001Z"}
    shifted = {"start_time": "2026-02-13T00:00:00+10:00", "end_time": "2026-02-12T06:00:00.010000001-08:00"}
    for range_ in (exact, shifted):
        (speed,) = client.post("/vehicles/VIN1/query", json=body(**range_)).json()["signals"]
        assert [point["v"] for point in speed["data"]] == VALUES[:1]
    wider = exact | {"end_time": "2026-02-12T14:00:00.010000002Z"}
    (speed,) = client.post("/vehicles/VIN1/query", json=body(**wider)).json()["signals"]
    assert [point["v"] for point in speed["data"]] == VALUES[:2]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"start_time": "2026-02-12T14:00:00"}, "zone"),
        ({"start_time": "yesterday"}, "instant"),
        ({"start_time": 1770904800}, "string"),
        ({"end_time": "9999-12-31T23:59:59Z"}, "reach"),
        ({"end_time": "2026-02-12T14:00:00Z"}, "after"),
        ({"end_time": "2026-02-12T13:00:00Z"}, "after"),
        ({"max_points": 9}, "max_points"),
        ({"max_points": 100_001}, "max_points"),
        ({"method": "average"}, "method"),
        ({"include": ["everything"]}, "include"),
        ({"signals": []}, "signals"),
        ({"signals": [SPEED] * 101}, "signals"),
        ({"maxpoints": 100}, "maxpoints"),
    ],
)
def test_a_question_that_makes_no_sense_is_a_problem(client, changes, word):
    answer = client.post("/vehicles/VIN1/query", json=body(**changes))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "instance", "remedy"}
    assert word in problem["detail"]
    assert problem["status"] == 422
    assert problem["instance"] == "/vehicles/VIN1/query"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/vehicles/VIN9/sessions", 404),
        ("GET", "/vehicles/VIN9/messages", 404),
        ("GET", "/vehicles/VIN1/messages/Nope/signals", 404),
        ("GET", "/vehicles/VIN1/nothing", 404),
        ("GET", "/vehicles/%2e%2e/messages", 422),
        ("GET", "/vehicles/V' OR 1=1/messages", 422),
        ("DELETE", "/vehicles", 405),
        ("POST", "/vehicles/VIN1/query", 422),
    ],
)
def test_what_is_not_there_is_a_problem(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert answer.json()["remedy"]


def test_unknown_vehicles_messages_and_signals_of_a_query_are_404(client):
    for path, signal in (
        ("/vehicles/VIN2/query", SPEED),
        ("/vehicles/VIN1/query", {"message_name": "Nope", "signal_name": "Speed"}),
        ("/vehicles/VIN1/query", {"message_name": "Drive", "signal_name": "Sped"}),
    ):
        answer = client.post(path, json=body(signals=[signal]))
        assert answer.status_code == 404, path
        assert answer.json()["remedy"]
    assert "Drive.Speed" in answer.json()["remedy"]


def test_a_store_that_does_not_answer_is_503_and_a_defect_is_500(filled, serving, monkeypatch):
    reader = ParquetReader(filled)
    client = serving(create_app(reader, lake=filled.url))
    for error, status in ((TransientError("no answer"), 503), (RuntimeError("oops"), 500)):

        def failing(failure=error):
            raise failure

        monkeypatch.setattr(reader, "vehicles", failing)
        answer = client.get("/vehicles")
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert "oops" not in answer.text


def test_a_broken_object_is_skipped_and_said(filled, client):
    filled.put(DecodedObject(DAY, "20260212T150000.000Z").key, b"no parquet")
    answer = client.post("/vehicles/VIN1/query", json=body()).json()
    assert answer["query_stats"]["skipped_objects"] == 1
    assert len(answer["signals"][0]["data"]) == SAMPLES


def test_arrow_answers_with_exact_nanoseconds(client):
    answer = client.post(
        "/vehicles/VIN1/query",
        json=body(signals=[SPEED, LEVEL]),
        headers={"Accept": "application/vnd.apache.arrow.stream"},
    )
    assert answer.headers["content-type"] == "application/vnd.apache.arrow.stream"
    table = pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()
    assert table.schema.field("timestamp").type == pa.timestamp("ns")
    assert table.column_names == ["timestamp", "message_name", "signal_name", "value"]
    assert table["timestamp"].cast(pa.int64()).to_pylist() == [*TIMES, START + 1]
    assert table["value"].to_pylist()[:SAMPLES] == VALUES
    assert table["signal_name"].to_pylist() == ["Speed"] * SAMPLES + ["Level"]
    assert json.loads(table.schema.metadata[b"query_stats"])["rows_scanned"] >= SAMPLES


def test_large_answers_are_compressed_for_whoever_takes_it(client):
    large = client.post("/vehicles/VIN1/query", json=body())
    assert large.headers["content-encoding"] == "gzip"
    plain = client.post("/vehicles/VIN1/query", json=body(), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.json()["signals"] == large.json()["signals"]


def test_other_origins_need_to_be_named(filled, serving):
    home = "https://telemetry.example"
    closed = serving(create_app(ParquetReader(filled), lake=filled.url))
    opened = serving(create_app(ParquetReader(filled), lake=filled.url, origins=[home]))
    for client, origin, allowed in (
        (closed, home, None),
        (opened, home, home),
        (opened, "https://evil.example", None),
    ):
        answer = client.get("/vehicles", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_health_metrics_and_documentation(client):
    health = client.get("/health").json()
    assert (health["status"], health["mode"]) == ("healthy", "local")
    assert health["version"]
    client.post("/vehicles/VIN1/query", json=body(max_points=10))
    client.get("/vehicles/VIN9/messages")
    text = client.get("/metrics").text
    assert (
        'telemetry_http_requests_total{method="POST",route="/vehicles/{vehicle_id}/query",status="200"} 1'
        in text
    )
    assert 'route="/vehicles/{vehicle_id}/messages",status="404"} 1' in text
    assert "telemetry_query_points_returned_total 10" in text
    assert 'telemetry_http_request_seconds_bucket{route="/health",le="+Inf"} 1' in text
    assert client.get("/docs").status_code == 200
    paths = client.get("/openapi.json").json()["paths"]
    assert paths.keys() == {
        "/auth-config",
        "/fleet/compare",
        "/health",
        "/metrics",
        "/vehicles",
        "/vehicles/{vehicle_id}/sessions",
        "/vehicles/{vehicle_id}/messages",
        "/vehicles/{vehicle_id}/messages/{message_name}/signals",
        "/vehicles/{vehicle_id}/query",
        "/vehicles/{vehicle_id}/stats",
    }


def test_a_bucket_is_the_cloud(s3_lake, s3_server, serving, issuer):
    store = Store.open(s3_lake, endpoint_url=s3_server.endpoint)
    put_decoded(store, DAY, "a", {("Drive", "Speed"): (TIMES, VALUES)})
    client = serving(create_app(ParquetReader(store), lake=store.url, access=SignIn(issuer.settings())))
    assert client.get("/health").json()["mode"] == "cloud"
    answer = client.post("/vehicles/VIN1/query", json=body(), headers=issuer.headers())
    (speed,) = answer.json()["signals"]
    assert len(speed["data"]) == SAMPLES


def test_the_dashboard_is_served_beside_the_api(filled, serving, tmp_path):
    folder = tmp_path / "dist"
    client = serving(create_app(ParquetReader(filled), lake=filled.url, dashboard=folder))
    unbuilt = client.get("/", headers={"Accept": "text/html"})
    assert unbuilt.status_code == 200
    assert "npm" in unbuilt.text
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<html>app</html>")
    (folder / "assets" / "app-1a2b.js").write_text("run()")
    (tmp_path / "secret").write_text("secret")
    html = {"Accept": "text/html,*/*"}
    assert client.get("/", headers=html).text == "<html>app</html>"
    assert client.get("/").headers["cache-control"] == "no-cache"
    assert client.get("/some/page", headers=html).text == "<html>app</html>"
    asset = client.get("/assets/app-1a2b.js")
    assert asset.text == "run()"
    assert "immutable" in asset.headers["cache-control"]
    assert client.head("/assets/app-1a2b.js").status_code == 200
    assert client.get("/assets/gone.js").status_code == 404
    assert client.get("/vehicles", headers=html).json()[0]["vehicle_id"] == "VIN1"
    assert client.get("/vehicles/VIN1/nothing", headers=html).status_code == 404
    for path in ("/%2e%2e/secret", "/..%2fsecret", "/assets/..%2f..%2fsecret"):
        assert "secret" not in client.get(path, headers=html).text
