"""Where alerts are told: a log line, a webhook, an SNS topic. Each takes a message or says why not.

When a message is told again is `tracker`'s business.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any, Final, Protocol

from telemetry_pipeline.alerts.tracker import Message
from telemetry_pipeline.errors import BadSetting, TransientError

TIMEOUT_S: Final = 10.0
_SUBJECT_MAX: Final = 100


class Target(Protocol):
    """One who is told."""

    name: str

    def tell(self, message: Message, source: str) -> None:
        """Deliver a message.

        Args:
            message: What is told.
            source: The lake it is about.

        Raises:
            TransientError: It was not taken.
        """
        ...


def document(message: Message, source: str) -> dict[str, Any]:
    """A message as JSON: what a webhook is posted and a topic is given."""
    return {
        "summary": message.summary,
        "lake": source,
        "opened": list(message.opened),
        "resolved": list(message.resolved),
        "standing": message.standing,
        "not_listed": message.dropped,
    }


class LogTarget:
    """A line for each finding.

    Args:
        write: Writes a line.
    """

    name = "log"

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def tell(self, message: Message, source: str) -> None:
        """Write the lines."""
        self._write(f"{source}: {message.summary}")
        for item in message.opened:
            self._write(f"new: {item['id']}: {item['text']}")
        for item in message.resolved:
            self._write(f"resolved: {item['id']} (since {item['at']}: {item['text']})")


class WebhookTarget:
    """A POST of JSON; any status below 300 takes it.

    Args:
        url: Where. It may hold a secret and is never repeated.
    """

    name = "webhook"

    def __init__(self, url: str) -> None:
        self._url = url

    def tell(self, message: Message, source: str) -> None:
        """Post the message."""
        body = json.dumps(document(message, source)).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "can-telemetry"}
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310  settings checks it
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310  settings checks it
                return
        except urllib.error.HTTPError as error:
            error.close()
            raise TransientError(f"the webhook answers {error.code}", "TELEMETRY_ALERT_WEBHOOK") from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = str(getattr(error, "reason", error)).replace(self._url, "…")[:200]
            raise TransientError(f"the webhook does not answer ({why})", "TELEMETRY_ALERT_WEBHOOK") from None


class TopicTarget:
    """A publication to an SNS topic.

    Args:
        arn: The topic.
        endpoint_url: A server that stands in for AWS.
    """

    name = "topic"

    def __init__(self, arn: str, endpoint_url: str | None = None) -> None:
        self._arn = arn
        self._endpoint_url = endpoint_url

    def tell(self, message: Message, source: str) -> None:
        """Publish the message.

        Raises:
            BadSetting: boto3 is not installed.
        """
        try:
            import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only machines that use AWS carry it
            from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415
                BotoCoreError,
                ClientError,
            )
        except ImportError as error:
            raise BadSetting(
                "needs boto3", "TELEMETRY_ALERT_TOPIC", "pip install 'can-telemetry[aws]'"
            ) from error
        try:
            client = boto3.client("sns", region_name=self._arn.split(":")[3], endpoint_url=self._endpoint_url)
            client.publish(
                TopicArn=self._arn,
                Subject=f"can-telemetry: {message.summary}"[:_SUBJECT_MAX],
                Message=json.dumps(document(message, source)),
            )
        except (BotoCoreError, ClientError) as error:
            raise TransientError(f"the topic takes nothing ({str(error)[:200]})", self._arn) from error
