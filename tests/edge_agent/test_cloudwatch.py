"""Metrics as CloudWatch's stand-in takes them (moto, which does not check signatures), and the signature as botocore has it."""

import datetime as dt
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from edge_agent import cloudwatch
from edge_agent.cloudwatch import CloudWatch
from edge_agent.signature import sign_form
from telemetry_pipeline.errors import BadSetting
from tests.edge_agent.test_health import ILL, WELL
from tests.moto_server import moto_running
from tests.servers import wait_until

NOW = dt.datetime(2026, 11, 22, 20, 53, 29, tzinfo=dt.UTC)
KEYS = {
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG",
    "token": None,
    "expires_at": None,
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with moto_running(tmp_path_factory.mktemp("moto")) as aws:
        yield aws


def sums(aws, namespace, metric):
    end = dt.datetime.fromtimestamp(WELL.at_s, dt.UTC)
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[{"Name": "VehicleId", "Value": "V"}],
        StartTime=end - dt.timedelta(hours=1),
        EndTime=end + dt.timedelta(days=1),
        Period=60,
        Statistics=["Sum"],
    )
    return [point["Sum"] for point in sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])]


def test_metrics_have_the_names_that_were_promised_and_counts_since_the_last(aws):
    sent = CloudWatch("Can", "us-east-1", lambda: lambda: KEYS, aws.endpoint)
    sent.start()
    sent.put(WELL)
    later = replace(ILL, at_s=WELL.at_s + 60, landed=10)
    sent.put(later)
    wait_until(lambda: sent.sent == 2, "two snapshots to be taken")
    sent.stop(60)
    listed = aws.client("cloudwatch").list_metrics(Namespace="Can")["Metrics"]
    assert {metric["MetricName"] for metric in listed} == {
        *("UploadSuccess", "UploadFailure", "QueueDepth", "DiskUsagePercent", "FramesReceived", "FramesLost")
    }
    assert sums(aws, "Can", "UploadSuccess") == [3, 7]
    assert sums(aws, "Can", "UploadFailure") == [0, 5]
    assert sums(aws, "Can", "FramesReceived") == [1000, 7]
    assert sums(aws, "Can", "FramesLost") == [0, 12 + 33 + 4]
    assert sums(aws, "Can", "QueueDepth") == [2, 2]
    assert sums(aws, "Can", "DiskUsagePercent") == [25, 25]
    assert sent.failed == 0


def test_what_is_not_taken_waits_is_counted_and_goes_together(aws, caplog, monkeypatch):
    monkeypatch.setattr(cloudwatch, "KEPT_MOST", 5)
    caplog.set_level("INFO")
    found = []

    def find():
        if not found:
            raise BadSetting("no AWS credentials found")
        return lambda: KEYS

    sent = CloudWatch("Late", "us-east-1", find, aws.endpoint)
    sent.start()
    for minute in range(8):
        sent.put(replace(WELL, at_s=WELL.at_s + 60 * minute, landed=3 + minute))
        wait_until(lambda minute=minute: sent.failed > minute, "a request that fails")
    assert (sent.sent, sent.forgotten) == (0, 3)
    found.append(True)
    sent.put(replace(WELL, at_s=WELL.at_s + 600, landed=20))
    wait_until(lambda: sent.sent == 5, "all that waits to be taken")
    sent.stop(60)
    assert sums(aws, "Late", "UploadSuccess") == [1, 1, 1, 1, 10]
    assert caplog.text.count("metrics are not taken") == 1
    assert "metrics are taken again" in caplog.text


class _Strict(BaseHTTPRequestHandler):
    """Refuses a whole request for one time of long ago, in CloudWatch's words; moto takes any time."""

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        stamps = [values[0] for name, values in form.items() if name.endswith(".Timestamp")]
        is_old = any(stamp.startswith("1970") for stamp in stamps)
        said = (
            "<ErrorResponse><Error><Code>InvalidParameterValue</Code><Message>The parameter MetricData.member.1.Timestamp "
            "must specify a time no more than two weeks in the past.</Message></Error></ErrorResponse>"
        )
        self.send_response(400 if is_old else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said.encode())

    def log_message(self, *_):
        pass


def test_what_was_dated_before_the_clock_was_set_does_not_hold_up_the_rest():
    with ThreadingHTTPServer(("127.0.0.1", 0), _Strict) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        sent = CloudWatch("Can", "us-east-1", lambda: lambda: KEYS, f"http://127.0.0.1:{server.server_port}")
        sent.put(replace(WELL, at_s=20.0))
        sent.put(replace(WELL, at_s=time.time()))
        sent.start()
        wait_until(lambda: sent.sent, "the one that is dated right to be taken")
        sent.stop(60)
        server.shutdown()
    assert (sent.sent, sent.forgotten) == (1, 1)


def test_nobody_waits_for_a_server_that_is_away():
    sent = CloudWatch("Away", "us-east-1", lambda: lambda: KEYS, "http://127.0.0.1:9")
    sent.start()
    sent.put(WELL)
    wait_until(lambda: sent.failed, "a request that fails")
    sent.stop(60)
    assert sent.sent == 0


@pytest.mark.parametrize("token", [None, "a/session+token=="])
def test_the_signature_is_the_one_that_botocore_makes(token, monkeypatch):
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: NOW)
    body = b"Action=PutMetricData&Namespace=Can%2FTelemetry"
    url = "https://monitoring.eu-central-1.amazonaws.com/"
    ours = sign_form(url, body, KEYS | {"token": token}, NOW, service="monitoring", region="eu-central-1")
    headers = {"content-type": ours["content-type"]}
    theirs = AWSRequest("POST", url, headers=headers, data=body)
    keys = Credentials(KEYS["access_key_id"], KEYS["secret_access_key"], token)
    botocore.auth.SigV4Auth(keys, "monitoring", "eu-central-1").add_auth(theirs)
    assert ours["x-amz-date"] == theirs.headers["X-Amz-Date"]
    assert ours["authorization"] == theirs.headers["Authorization"]
