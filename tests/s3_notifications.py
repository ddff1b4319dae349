"""Notifications as S3 and SQS write them, for a function to be invoked with."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus


def s3_record(bucket: str, key: str, name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """One record, with the key encoded as S3 encodes it."""
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "eu-west-1",
        "eventTime": "2026-02-23T12:00:00.000Z",
        "eventName": name,
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "raw",
            "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
            "object": {"key": quote_plus(key, safe="/"), "size": 1024, "sequencer": "0A1B2C3D4E5F678901"},
        },
    }


def s3_event(*records: Mapping[str, Any]) -> dict[str, Any]:
    return {"Records": list(records)}


def s3_test_event(bucket: str) -> dict[str, Any]:
    """What S3 sends once, when notifications are configured."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Bucket": bucket,
        "RequestId": "5582815E1AEA5ADF",
    }


def sqs_event(**bodies: Any) -> dict[str, Any]:
    """Messages by id; a body that is no text is written as JSON."""
    return {
        "Records": [
            {
                "messageId": message_id,
                "receiptHandle": f"handle-{message_id}",
                "body": body if isinstance(body, str) else json.dumps(body),
                "attributes": {"ApproximateReceiveCount": "1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:raw-landed",
                "awsRegion": "eu-west-1",
            }
            for message_id, body in bodies.items()
        ]
    }
