"""The service's numbers: what Prometheus's parser would read, and what CloudWatch's would."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.metrics import CONTENT_TYPE, Metrics
from api.work import Work
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import QUERY, fill

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
SAMPLE = re.compile(rf"({NAME})(?:{{(.*)}})? (\S+)")
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


def parse(text):
    """The text exposition format 0.0.4, strictly.

    https://prometheus.io/docs/instrumenting/exposition_formats/: every line ends with a line feed; HELP and TYPE come
    once and before their metric's samples, which stand together; no sample comes twice; a histogram's buckets grow up
    to +Inf, which is its count.
    """
    assert text.endswith("\n")
    kinds, order, samples = {}, [], {}
    for line in text.removesuffix("\n").split("\n"):
        if line.startswith("# "):
            _, keyword, name, rest = line.split(" ", 3)
            assert re.fullmatch(NAME, name)
            if keyword == "TYPE":
                assert rest in ("counter", "gauge", "histogram", "summary", "untyped")
                assert name not in kinds, f"{name} has two types"
                kinds[name] = rest
            else:
                assert keyword == "HELP"
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        name, inside, value = match.groups()
        labels = LABEL.findall(inside or "")
        assert "".join(f'{key}="{text}",' for key, text in labels).rstrip(",") == (inside or ""), line
        family = name if name in kinds else re.sub("_(bucket|sum|count)$", "", name)
        assert family in kinds, f"{name} comes before its type"
        if not order or order[-1] != family:
            assert family not in order, f"the samples of {family} are apart"
            order.append(family)
        key = (name, frozenset(labels))
        assert len(key[1]) == len(labels)
        assert key not in samples, f"{line} comes twice"
        samples[key] = math.inf if value == "+Inf" else float(value)
    for family, kind in kinds.items():
        if kind == "histogram":
            check_histogram(family, samples)
    return samples


def check_histogram(family, samples):
    series = {}
    for (name, labels), value in samples.items():
        if name == f"{family}_bucket":
            bound = float(dict(labels)["le"].replace("+Inf", "inf"))
            series.setdefault(frozenset(labels - {pair for pair in labels if pair[0] == "le"}), []).append(
                (bound, value)
            )
    for labels, buckets in series.items():
        buckets.sort()
        counts = [count for _, count in buckets]
        assert buckets[-1][0] == math.inf
        assert counts == sorted(counts)
        assert counts[-1] == samples[f"{family}_count", labels]
        assert (f"{family}_sum", labels) in samples


def value(samples, name, **labels):
    return samples.get((name, frozenset(labels.items())))


@pytest.fixture
def client(folder_lake, serving):
    fill(folder_lake)
    return serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url))


def test_requests_and_what_readers_did_are_counted(client):
    for _ in range(3):
        client.post("/vehicles/EV_001/query", json=QUERY | {"max_points": 50})
    client.get("/vehicles/NOBODY/messages")
    client.get("/nothing")
    answer = client.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    samples = parse(answer.text)
    route = "/vehicles/{vehicle_id}/query"
    assert value(samples, "telemetry_http_requests_total", method="POST", route=route, status="200") == 3
    assert value(samples, "telemetry_http_request_seconds_count", route=route) == 3
    assert value(samples, "telemetry_http_request_seconds_sum", route=route) > 0
    missed = "/vehicles/{vehicle_id}/messages"
    assert value(samples, "telemetry_http_requests_total", method="GET", route=missed, status="404") == 1
    assert value(samples, "telemetry_http_requests_total", method="GET", route="other", status="404") == 1
    assert value(samples, "telemetry_query_points_returned_total") == 150
    assert value(samples, "telemetry_query_rows_returned_total") >= 600
    assert value(samples, "telemetry_query_bytes_scanned_total") > 0
    assert value(samples, "telemetry_reader_seconds_count", engine="parquet") == 3


def test_nothing_that_is_sent_makes_a_new_series(client):
    for number in range(20):
        client.request(f"MADE{number}", f"/vehicles/V{number}/messages")
        client.get(f"/x{number}%22%7D%0A%23%20HELP")
        client.get(f"/vehicles/NOBODY_{number}/messages")
    samples = parse(client.get("/metrics").text)
    requests = [dict(labels) for name, labels in samples if name == "telemetry_http_requests_total"]
    assert {labels["method"] for labels in requests} <= {"GET", "other"}
    assert len(requests) <= 6, requests


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(st.floats(0, 100), st.sampled_from(["/a", "/b/{c}"]), st.sampled_from([200, 404, 500]))
    )
)
def test_whatever_is_counted_can_be_read(seen):
    numbers = Metrics(engine="athena")
    for seconds, route, status in seen:
        work = Work(seconds=seconds / 2, rows_returned=3, reads=1)
        numbers.observe("GET", route, status, seconds, work=work, points=2)
    samples = parse(numbers.render())
    assert value(samples, "telemetry_query_points_returned_total") == 2 * len(seen)
    assert value(samples, "telemetry_query_rows_returned_total") == 3 * len(seen)
    total = sum(
        number for (name, _), number in samples.items() if name == "telemetry_http_request_seconds_count"
    )
    assert total == len(seen)


def test_the_parser_can_refuse():
    good = Metrics().render()
    parse(good)
    for bad in (
        good.rstrip("\n"),
        good + good,
        good + "made up 1\n",
        good + 'telemetry_query_rows_scanned_total{a="b} 1\n',
        good + "unknown_total 1\n",
    ):
        with pytest.raises(AssertionError):
            parse(bad)


def test_a_request_is_a_line_for_cloudwatch(folder_lake, serving, capsys):
    fill(folder_lake)
    client = serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, embedded_metrics=True))
    client.post("/vehicles/EV_001/query", json=QUERY)
    client.get("/vehicles/NOBODY/messages")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    query, missed = lines
    for line in lines:
        # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
        assert isinstance(line["_aws"]["Timestamp"], int)
        (directive,) = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "CanTelemetry"
        for metric in directive["Metrics"]:
            assert metric["Unit"] in ("Count", "Milliseconds", "Bytes")
            assert isinstance(line[metric["Name"]], int | float)
        for names in directive["Dimensions"]:
            assert all(isinstance(line[name], str) for name in names)
    assert query["RowsReturned"] == 600
    assert query["ParquetQueryDuration"] <= query["Latency"]
    assert (missed["ClientErrors"], missed["Route"]) == (1, "/vehicles/{vehicle_id}/messages")
    assert "RowsReturned" not in missed
