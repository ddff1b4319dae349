"""A webhook is posted to over real HTTP, a topic is published to on a real server, and a refusal says why."""

import json
import socket
import threading

import boto3
import pytest

from telemetry_pipeline.alerts.targets import LogTarget, TopicTarget, WebhookTarget
from telemetry_pipeline.alerts.tracker import Message
from telemetry_pipeline.errors import TransientError
from tests.s3_server import S3Server
from tests.servers import free_port
from tests.web_listener import listening

MESSAGE = Message(
    opened=(
        {"id": "decoded_signals/quarantine/2026-02-23|EV_1", "text": "torn", "at": "2026-02-23T12:00:00"},
    ),
    resolved=({"id": "b", "text": "was bad", "at": "2026-02-22", "resolved_at": "2026-02-23"},),
    standing=1,
)
LAKE = "file:///data/lake"


def test_a_webhook_is_posted_the_whole_message() -> None:
    with listening() as listener:
        WebhookTarget(listener.url).tell(MESSAGE, LAKE)
    assert listener.posts == [
        {
            "summary": "1 new, 1 resolved; 1 stand",
            "lake": LAKE,
            "opened": list(MESSAGE.opened),
            "resolved": list(MESSAGE.resolved),
            "standing": 1,
            "not_listed": 0,
        }
    ]


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_a_webhook_that_refuses_has_not_taken_it(status: int) -> None:
    with listening() as listener:
        listener.answer = lambda document: (status, b"")
        with pytest.raises(TransientError, match=f"the webhook answers {status}"):
            WebhookTarget(listener.url).tell(MESSAGE, LAKE)


def test_a_webhook_that_is_away_is_said_so_without_its_secret() -> None:
    with pytest.raises(TransientError) as caught:
        WebhookTarget(f"http://127.0.0.1:{free_port()}/hooks/s3cret").tell(MESSAGE, LAKE)
    assert "the webhook does not answer" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_server_that_speaks_no_http_has_not_taken_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/hooks/s3cret"

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")

        other = threading.Thread(target=answer)
        other.start()
        with pytest.raises(TransientError, match="does not answer"):
            WebhookTarget(url).tell(MESSAGE, LAKE)
        other.join()


def test_a_log_gets_a_line_for_each_finding() -> None:
    lines: list[str] = []
    LogTarget(lines.append).tell(MESSAGE, LAKE)
    assert lines == [
        f"{LAKE}: 1 new, 1 resolved; 1 stand",
        "new: decoded_signals/quarantine/2026-02-23|EV_1: torn",
        "resolved: b (since 2026-02-22: was bad)",
    ]


@pytest.mark.slow
def test_a_topic_carries_the_message_to_whoever_listens(
    aws_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    aws = aws_server.endpoint
    clients = {name: boto3.client(name, endpoint_url=aws, region_name="eu-west-1") for name in ("sns", "sqs")}
    topic = clients["sns"].create_topic(Name="alerts")["TopicArn"]
    queue = clients["sqs"].create_queue(QueueName="people")["QueueUrl"]
    arn = clients["sqs"].get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"][
        "QueueArn"
    ]
    clients["sns"].subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    TopicTarget(topic, aws).tell(MESSAGE, LAKE)
    (received,) = clients["sqs"].receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    envelope = json.loads(received["Body"])
    assert envelope["Subject"] == "can-telemetry: 1 new, 1 resolved; 1 stand"
    assert json.loads(envelope["Message"])["opened"] == list(MESSAGE.opened)
    with pytest.raises(TransientError, match="the topic takes nothing"):
        TopicTarget(f"{topic}-that-is-not-there", aws).tell(MESSAGE, LAKE)


def test_a_topic_without_a_server_has_not_taken_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "any")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    target = TopicTarget("arn:aws:sns:eu-west-1:123456789012:alerts", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(TransientError, match="the topic takes nothing"):
        target.tell(MESSAGE, LAKE)
