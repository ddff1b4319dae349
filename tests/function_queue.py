"""What AWS does between a queue and a function: batches out, the function invoked, what it finished deleted."""

from collections.abc import Mapping
from pathlib import Path

from tests.moto_server import Landing
from tests.s3_notifications import sqs_event
from tests.unpacked_function import Invocations, invoke_package

BATCH = 10
"""The event source's batch size, as `infra/decode.py` sets it."""


def serve_queue(landing: Landing, package: Path, env: Mapping[str, str]) -> list[Invocations]:
    """Invoke the decoder with everything that waits, a cold function for each batch, until nothing is received.

    A message that the function reports as failed stays in the queue, held, as it does in AWS.
    """
    client = landing.aws.client("sqs")
    ran = []
    while True:
        answer = client.receive_message(
            QueueUrl=landing.queue_url, MaxNumberOfMessages=BATCH, VisibilityTimeout=1800
        )
        handles = {item["MessageId"]: item["ReceiptHandle"] for item in answer.get("Messages", [])}
        if not handles:
            return ran
        batch = sqs_event(**{item["MessageId"]: item["Body"] for item in answer["Messages"]})
        ran.append(invoke_package(package, [batch], env))
        (told,) = ran[-1].answers
        assert "error" not in told, told["error"]
        failed = {item["itemIdentifier"] for item in told["answer"]["batchItemFailures"]}
        for message_id in handles.keys() - failed:
            client.delete_message(QueueUrl=landing.queue_url, ReceiptHandle=handles[message_id])
