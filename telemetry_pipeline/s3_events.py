"""What S3 tells whoever listens: the objects that were created, straight from S3 or wrapped in messages of a queue.

Which of them are raw objects, and what is done with them, is the listener's business.

Formats: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html and
https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_plus, urlsplit

from telemetry_pipeline.errors import BadSetting

_CREATED: Final = "ObjectCreated:"
_TEST: Final = "s3:TestEvent"


@dataclass(frozen=True)
class CreatedObject:
    """An object that S3 announced: its bucket and its key as it is stored, not as the event spells it."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Message:
    """One unit that is either done or comes again: a message of a queue, or a whole event of S3's.

    Attributes:
        message_id: The queue's id, "" for an event straight from S3.
        objects: What was created.
        ignored: Records that announce something else: removals, test events.
        fault: Why it cannot be understood, "" if it can.
    """

    message_id: str
    objects: tuple[CreatedObject, ...] = ()
    ignored: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Event:
    """What a function was invoked with; `queued` says that its messages succeed or fail one by one."""

    messages: tuple[Message, ...]
    queued: bool


def read_event(event: Mapping[str, Any]) -> Event:
    """Read an invocation's event.

    A queue's message that cannot be understood is kept with its fault, so that it alone fails.

    Raises:
        BadSetting: It is neither an event of S3's nor one of a queue's.
    """
    if not isinstance(event, Mapping):
        raise BadSetting("the event is not a JSON object", "Lambda", _REMEDY)
    records = event.get("Records")
    if isinstance(records, list) and records and all(_source(item) == "aws:sqs" for item in records):
        messages = (read_message(str(record.get("messageId", "")), record.get("body")) for record in records)
        return Event(tuple(messages), queued=True)
    try:
        return Event((_message("", event),), queued=False)
    except _Strange as error:
        raise BadSetting(f"the event is not one of S3 or of a queue ({error})", "Lambda", _REMEDY) from error


_REMEDY: Final = "Invoke the function by S3 notifications, or by a queue that takes them"


class _Strange(Exception):
    """What an event lacks."""


def read_message(message_id: str, body: Any) -> Message:  # noqa: ANN401  whatever the queue holds
    """Read one message of a queue; one that cannot be understood says why in its `fault`."""
    try:
        return _message(message_id, json.loads(body))
    except (TypeError, ValueError, RecursionError, _Strange) as error:
        return Message(message_id, fault=f"not a notification of S3 ({type(error).__name__}: {error})")


@dataclass(frozen=True)
class LakeBucket:
    """Where a lake lies in S3: a bucket, and the prefix of its keys with its trailing slash, "" for none."""

    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str) -> "LakeBucket | None":
        """The place that a lake's URL names, or None if that is no bucket."""
        parts = urlsplit(url)
        if parts.scheme != "s3":
            return None
        return cls(parts.netloc, f"{parts.path.strip('/')}/".lstrip("/"))

    def key_of(self, item: CreatedObject) -> str | None:
        """The key of an object within the lake, or None if it lies elsewhere."""
        if item.bucket != self.bucket or not item.key.startswith(self.prefix):
            return None
        return item.key.removeprefix(self.prefix)


def _message(message_id: str, body: Any) -> Message:  # noqa: ANN401  whatever the JSON holds
    if not isinstance(body, Mapping):
        raise _Strange("not a JSON object")
    if body.get("Event") == _TEST:
        return Message(message_id, ignored=1)
    records = body.get("Records")
    if not isinstance(records, list):
        raise _Strange("no list of Records")
    created = [_created(record) for record in records]
    objects = tuple(item for item in created if item is not None)
    return Message(message_id, objects, ignored=len(created) - len(objects))


def _created(record: Any) -> CreatedObject | None:  # noqa: ANN401  whatever the JSON holds
    try:
        # the name carries the prefix "s3:" in the bucket's configuration alone
        if not record["eventName"].startswith(_CREATED):
            return None
        return CreatedObject(record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise _Strange(f"a record without {error}") from error


def _source(record: Any) -> str:  # noqa: ANN401  whatever the JSON holds
    return str(record.get("eventSource", "")) if isinstance(record, Mapping) else ""
