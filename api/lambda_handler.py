"""The door for AWS Lambda behind API Gateway: the same application, one event at a time.

An answer travels as one JSON document, bytes as base64, and Lambda breaks off one above its limit: such an answer
becomes a problem that says what to ask for instead. Streams have no end there, and are left out by `door`.
"""

import functools
import json
from collections.abc import Mapping
from typing import Any, Final

from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from api import errors
from api.door import open_app
from telemetry_pipeline.settings import Settings

MAX_ANSWER: Final = 6 * 1024 * 1024
"""Bytes of one answer as JSON; Lambda allows a hundred more."""

_WORST_ESCAPE: Final = 6
_DEFAULT_STAGE: Final = "$default"


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ANN401  Lambda's own class
    """Answer one request.

    Args:
        event: API Gateway's, in its format 2.0 (HTTP API, function URL) or 1.0 (REST API).
        context: Lambda's context.

    Returns:
        What API Gateway takes as an answer.

    Raises:
        BadSetting: The function is not set up.
    """
    answer = _adapter(_base_path(event))(dict(event), context)
    return _too_large(event, answer) if _size(answer) > MAX_ANSWER else answer


@functools.cache
def _adapter(base_path: str) -> Mangum:
    """The application as a warm function keeps it, made by the first request."""
    types = [*DEFAULT_TEXT_MIME_TYPES, errors.MEDIA_TYPE]
    return Mangum(_app(), lifespan="off", api_gateway_base_path=base_path, text_mime_types=types)


@functools.cache
def _app() -> Any:  # noqa: ANN401  an ASGI application, which Mangum names by a type of its own
    return open_app(Settings.from_env(), host=None, credentials="environment", embedded_metrics=True)


def _base_path(event: Mapping[str, Any]) -> str:
    """What API Gateway puts before every path of a stage that has a name."""
    asked = event.get("requestContext", {})
    stage = asked.get("stage", _DEFAULT_STAGE)
    path = str(asked.get("http", {}).get("path", ""))
    return f"/{stage}" if stage != _DEFAULT_STAGE and f"{path}/".startswith(f"/{stage}/") else "/"


def _size(answer: Mapping[str, Any]) -> int:
    """Bytes of an answer as JSON, or so many that it fits for sure."""
    body = len(answer.get("body", ""))
    # quotes and controls are escaped: most answers are too short for that to matter
    return body if body * _WORST_ESCAPE < MAX_ANSWER - 65_536 else len(json.dumps(answer))


def _too_large(event: Mapping[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    path = event.get("rawPath") or event.get("path") or "/"
    said = errors.too_large(
        {"path": path},
        f"the answer has {_size(answer):,} bytes, and this service can send {MAX_ANSWER:,}",
        "Ask for fewer points, fewer signals or a shorter range, or accept gzip",
    )
    gone = (
        "content-type",
        "content-length",
        "content-encoding",
        "content-disposition",
        "etag",
        "cache-control",
    )
    kept = {name: value for name, value in answer.get("headers", {}).items() if name.lower() not in gone}
    headers = kept | {"content-type": errors.MEDIA_TYPE, "content-length": str(len(said.body))}
    return answer | {
        "statusCode": said.status_code,
        "headers": headers,
        "body": bytes(said.body).decode(),
        "isBase64Encoded": False,
    }
