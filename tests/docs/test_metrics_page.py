"""docs/reference/metrics.md names every metric that is given, and none that is not."""

import ast
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from api.metrics import Metrics
from api.work import Work
from edge_agent import cloudwatch, prometheus
from edge_agent.health import ChannelHealth, Health
from telemetry_pipeline import lambda_handler
from telemetry_pipeline.lambda_handler import Worker
from telemetry_pipeline.s3_events import Event
from telemetry_pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "metrics.md").read_text()


def documented(title: str) -> set[str]:
    (section,) = re.findall(rf"^## {title}$(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    names = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert len(names) == len(set(names))
    return set(names)


def families(exposition: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\w+) ", exposition, re.MULTILINE))


def observed(metrics: Metrics) -> Metrics:
    metrics.observe("GET", "/vehicles", 200, 0.1, work=Work(reads=1), points=1)
    return metrics


def embedded(text: str) -> set[str]:
    lines = [json.loads(line) for line in text.splitlines()]
    directives = [one for line in lines if "_aws" in line for one in line["_aws"]["CloudWatchMetrics"]]
    return {metric["Name"] for one in directives for metric in one["Metrics"]}


def test_what_prometheus_reads_of_the_service() -> None:
    assert documented("The service, for Prometheus") == families(observed(Metrics()).render())


def test_what_cloudwatch_reads_of_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    for engine in ("parquet", "athena"):
        observed(Metrics(engine=engine, embedded=True))
    assert documented("The service, in CloudWatch") == embedded(capsys.readouterr().out)


def test_what_cloudwatch_reads_of_the_decoder(capsys: pytest.CaptureFixture[str], aws_env: None) -> None:
    worker = Worker(Settings.from_env({"TELEMETRY_LAKE": "s3://some-bucket"}))
    worker.run(Event(messages=(), queued=False), None)
    assert documented("The decoder as a function, in CloudWatch") == embedded(capsys.readouterr().out)
    assert lambda_handler.metrics_log.NAMESPACE in PAGE


@pytest.fixture
def aws_env(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials, without which no bucket is opened; nothing is asked with them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")


def filled(kind: type, **given: object) -> object:
    """An object of a class of plain fields: every number is 1, every text a word."""
    values = {field.name: "x" if field.type in (str, "str") else 1 for field in fields(kind)}
    return kind(**{**values, **given})


def test_what_prometheus_reads_of_the_agent() -> None:
    health = filled(Health, channels=(filled(ChannelHealth),))
    assert isinstance(health, Health)
    assert documented("The agent, for Prometheus") == families(prometheus.metrics_of(health))


def test_what_cloudwatch_reads_of_the_agent() -> None:
    health = filled(Health, channels=(filled(ChannelHealth),))
    assert isinstance(health, Health)
    sent = {datum["MetricName"] for datum in cloudwatch.data_of(health, None)}
    assert documented("The agent, in CloudWatch") == sent
    # read, not imported: importing the stacks starts a Node.js
    tree = ast.parse((ROOT / "infra" / "metrics.py").read_text())
    (watched,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "EDGE" and node.value
    ]
    assert set(watched) <= sent
