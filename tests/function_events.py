"""Requests as API Gateway hands them to a function: an HTTP API's events, in format 2.0."""

import base64
import json
from collections.abc import Mapping
from typing import Any

_HOST = "abcdef1234.execute-api.eu-west-1.amazonaws.com"


def http_event(
    method: str,
    path: str,
    *,
    headers: Mapping[str, str | None] | None = None,
    body: Any = None,
    binary: bool = False,
    query: str = "",
    stage: str = "$default",
) -> dict[str, Any]:
    """An event of an HTTP API, as its documentation shows one.

    Args:
        method: GET, POST and so on.
        path: Behind the host, with the stage if it has a name.
        headers: Beside those that every browser sends; None leaves one of those out.
        body: Sent as JSON.
        binary: Whether the body travels as base64.
        query: Behind the question mark.
        stage: The API's stage.
    """
    sent: dict[str, str | None] = {
        "accept": "*/*",
        "content-type": "application/json",
        "host": _HOST,
        "user-agent": "Mozilla/5.0",
        "x-amzn-trace-id": "Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e",
        "x-forwarded-for": "205.255.255.176",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    } | {name.lower(): value for name, value in (headers or {}).items()}
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": {name: value for name, value in sent.items() if value is not None},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcdef1234",
            "domainName": _HOST,
            "domainPrefix": "abcdef1234",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "205.255.255.176",
                "userAgent": "Mozilla/5.0",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": stage,
            "time": "12/Feb/2026:19:03:58 +0000",
            "timeEpoch": 1770923038000,
        },
        "isBase64Encoded": False,
    }
    if body is not None:
        text = json.dumps(body)
        event["body"] = base64.b64encode(text.encode()).decode() if binary else text
        event["isBase64Encoded"] = binary
    return event
