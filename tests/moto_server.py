"""moto as a process: S3 that sends notifications, and SQS that takes them."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from telemetry_pipeline.lake.store import Store
from tests.servers import ended, free_port, wait_for_http

ENV = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing-secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True)
class Aws:
    """A running moto server."""

    endpoint: str

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ENV["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENV["AWS_SECRET_ACCESS_KEY"],
        )

    def env(self) -> dict[str, str]:
        """What makes a process use the server."""
        return {**ENV, "AWS_ENDPOINT_URL": self.endpoint}


@contextmanager
def moto_running(folder: Path) -> Iterator[Aws]:
    """Start a server; end it."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    with ended(process, gently=False):
        aws = Aws(f"http://127.0.0.1:{port}")
        wait_for_http(f"{aws.endpoint}/moto-api/", process, log=folder / "moto.log", any_status=True)
        yield aws


@dataclass(frozen=True)
class Landing:
    """A lake in a bucket whose events a queue takes."""

    aws: Aws
    store: Store
    bucket: str
    queue_url: str

    def send(self, body: Any) -> None:
        """Put a message into the queue; a body that is no text is written as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        self.aws.client("sqs").send_message(QueueUrl=self.queue_url, MessageBody=text)

    def messages(self) -> tuple[int, int]:
        """How many messages wait in the queue, and how many are in somebody's hands."""
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.queue_url, AttributeNames=["All"])
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        waiting, held = (int(answer["Attributes"][name]) for name in names)
        return waiting, held


def make_landing(aws: Aws, prefix: str = "lake") -> Landing:
    """A bucket and a queue of their own, connected."""
    name = f"b{uuid.uuid4().hex[:12]}"
    aws.client("s3").create_bucket(Bucket=name)
    url = aws.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    aws.client("s3").put_bucket_notification_configuration(
        Bucket=name,
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "QueueArn": arn["Attributes"]["QueueArn"],
                    "Events": ["s3:ObjectCreated:*"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "prefix", "Value": f"{prefix}/raw/"}]}},
                }
            ]
        },
    )
    store = Store.open(f"s3://{name}/{prefix}", endpoint_url=aws.endpoint)
    return Landing(aws, store, name, url)
