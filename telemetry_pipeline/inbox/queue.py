"""An SQS queue: messages received, held, deleted. What they say is `s3_events`' business."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from telemetry_pipeline.errors import BadSetting, PermanentError, TransientError, first_line

BATCH: Final = 10
"""The most messages in one call."""

VISIBILITY_MAX_S: Final = 43_200

_REFUSED: Final = ("AccessDenied", "AccessDeniedException", "InvalidClientTokenId", "SignatureDoesNotMatch")


T = TypeVar("T")


@dataclass(frozen=True)
class Received:
    """A message in hand.

    Attributes:
        handle: By which it is held and deleted.
        message_id: The queue's id of it.
        body: What it says.
        times: How often it was received, this time included.
    """

    handle: str
    message_id: str
    body: str
    times: int


class Queue:
    """An SQS queue.

    Args:
        url: Its URL, which also says where the service answers.

    Raises:
        BadSetting: The URL is not one of a queue, or boto3 is not installed.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
            raise BadSetting(
                "not the URL of an SQS queue", url, "Use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
            )
        self.url = url
        self._client = _client(f"{parts.scheme}://{parts.netloc}", url)

    def depth(self) -> int:
        """About how many messages wait to be received."""
        with self._translated():
            answer = self._client.get_queue_attributes(
                QueueUrl=self.url, AttributeNames=["ApproximateNumberOfMessages"]
            )
            return int(answer["Attributes"]["ApproximateNumberOfMessages"])

    def receive(self, *, hold_s: int, wait_s: int = 0) -> list[Received]:
        """Up to `BATCH` messages, which nobody else receives for `hold_s` seconds."""
        with self._translated():
            answer = self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=BATCH,
                VisibilityTimeout=hold_s,
                WaitTimeSeconds=wait_s,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Received(
                item["ReceiptHandle"],
                item["MessageId"],
                item["Body"],
                int(item.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
            )
            for item in answer.get("Messages", [])
        ]

    def delete(self, handles: Iterable[str]) -> None:
        """Delete messages. One that cannot be deleted comes again, which does no harm."""
        for part in _parts(handles):
            entries = [{"Id": str(n), "ReceiptHandle": handle} for n, handle in enumerate(part)]
            with self._translated():
                self._client.delete_message_batch(QueueUrl=self.url, Entries=entries)

    def hold(self, waits: Iterable[tuple[str, int]]) -> None:
        """Hold messages for so many seconds from now on; 0 gives them back."""
        for part in _parts(waits):
            entries = [
                {"Id": str(n), "ReceiptHandle": handle, "VisibilityTimeout": min(seconds, VISIBILITY_MAX_S)}
                for n, (handle, seconds) in enumerate(part)
            ]
            with self._translated():
                self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415  see `_client`
            BotoCoreError,
            ClientError,
        )

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if "NonExistentQueue" in code or code == "QueueDoesNotExist":
                raise BadSetting("there is no such queue", self.url, "Check TELEMETRY_INBOX_QUEUE") from error
            if code in _REFUSED:
                raise PermanentError(
                    f"the queue refuses access ({code})", self.url, "Check the credentials and the policy"
                ) from error
            raise TransientError(f"the queue does not answer ({code})", self.url) from error
        except BotoCoreError as error:
            raise TransientError(f"the queue does not answer ({first_line(error)})", self.url) from error


def _client(endpoint_url: str, url: str) -> Any:  # noqa: ANN401  boto3 makes its clients' classes at run time
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only machines that use AWS carry it
        from botocore.config import Config  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError as error:
        raise BadSetting("a queue needs boto3", url, "pip install 'can-telemetry[aws]'") from error
    session = boto3.session.Session()
    host = urlsplit(url).netloc
    region = host.split(".")[1] if host.startswith("sqs.") and host.count(".") > 1 else None
    return session.client(
        "sqs",
        endpoint_url=endpoint_url,
        region_name=region or session.region_name or "us-east-1",
        config=Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=10, read_timeout=60),
    )


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    source = iter(items)
    while part := list(islice(source, BATCH)):
        yield part
