import resource
from dataclasses import replace

import pytest

from edge_agent import check
from edge_agent.check import run_checks
from edge_agent.config import AgentConfig
from edge_agent.link import Link


@pytest.fixture
def config(tmp_path):
    return AgentConfig(
        vehicle_id="V",
        lake=(tmp_path / "lake").as_uri(),
        channel="no-such-can",
        spool=tmp_path / "spool",
    )


def found(config, **options):
    return {finding.name: finding for finding in run_checks(config, simulate=False, **options)}


def test_a_bus_that_is_not_up_is_to_be_brought_up_without_a_voice(config, monkeypatch):
    monkeypatch.setattr(check, "kernel_is_synced", lambda: True)
    findings = found(config)
    assert [name for name, finding in findings.items() if not finding.ok] == ["no-such-can"]
    assert "listen-only on" in findings["no-such-can"].remedy
    assert list(findings) == ["settings", "disk", "lake", "clock", "no-such-can"]


@pytest.mark.parametrize(
    ("link", "said", "remedy"),
    [
        (None, "no such interface", "Plug it in"),
        (Link("can", False, "stopped"), "it is down", "Bring it up"),
        (Link("can", True, "error-active", 500_000, None, False), "acknowledges frames", "can0 down, then"),
        (Link("can", True, "bus-off", 500_000, None, True), "bus-off", "bitrate"),
        (Link("can", True, "error-passive", 500_000, None, True), "error-passive", "wires"),
    ],
)
def test_what_is_wrong_with_an_interface_is_named_with_its_remedy(config, monkeypatch, link, said, remedy):
    # what the kernel says; that it says so is `test_link`'s business
    monkeypatch.setattr(check, "read_link", lambda channel: link)
    finding = found(replace(config, channel="can0"))["can0"]
    assert not finding.ok
    assert said in finding.detail
    assert remedy in finding.remedy


def test_every_channel_and_every_outlet_is_tried(config, monkeypatch, tmp_path):
    monkeypatch.setattr(check, "kernel_is_synced", lambda: False)
    findings = found(
        replace(config, interface="virtual", channel="a,b", metrics_file=tmp_path / "none" / "can.prom")
    )
    assert [name for name, finding in findings.items() if not finding.ok] == ["metrics", "clock"]
    assert "timedatectl" in findings["clock"].remedy
    assert "ReadWritePaths" in findings["metrics"].remedy
    assert findings["a"].ok
    assert findings["b"].ok


def test_a_disk_that_takes_nothing_is_found(config, monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        finding = found(config)["disk"]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not finding.ok
    assert "cannot be written" in finding.detail


def test_without_credentials_a_bucket_is_not_asked_for_long(config, monkeypatch):
    monkeypatch.setattr("edge_agent.credentials.has_chain", lambda: False)
    findings = found(replace(config, lake="s3://bucket/lake"))
    assert "no AWS credentials" in findings["credentials"].detail
    assert "iot_endpoint" in findings["credentials"].remedy
    assert not findings["lake"].ok


def test_cloudwatch_that_does_not_answer_is_named_with_its_remedy(config, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    metrics = {"cloudwatch_namespace": "Can", "region": "us-east-1", "cloudwatch_url": "http://127.0.0.1:9"}
    finding = found(replace(config, **metrics))["cloudwatch"]
    assert not finding.ok
    assert "does not answer" in finding.detail
    assert "region" in finding.remedy
