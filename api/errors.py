"""Which HTTP status an error of ours has, and how every error is written: application/problem+json (RFC 9457)."""

import json
import logging
import math
import secrets
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.models import Problem
from api.scopes import current
from telemetry_pipeline.errors import (
    BadKey,
    BadQuery,
    BadSetting,
    NotFound,
    NoVehicle,
    TelemetryError,
    TooLarge,
    TransientError,
)
from telemetry_pipeline.query import patience

_log: Final = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
REALM: Final = "can-telemetry"
_CLIENT_LEFT: Final = 499
"""As other servers count it."""

STATUS: Final[dict[type[TelemetryError], HTTPStatus]] = {
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    BadQuery: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadKey: HTTPStatus.UNPROCESSABLE_ENTITY,
    BadSetting: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
    TelemetryError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""The nearest class of an error's ancestry decides."""

RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    int(status): {
        "description": description,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        # our own words: Python's phrase for a status is not the same in every version
        (HTTPStatus.BAD_REQUEST, "not a request that can be read"),
        (HTTPStatus.UNAUTHORIZED, "no token, or one that is not taken"),
        (HTTPStatus.FORBIDDEN, "served to its own machine alone"),
        (HTTPStatus.NOT_FOUND, "no such vehicle, message or signal"),
        (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request or its answer would be larger than one may be"),
        (HTTPStatus.UNPROCESSABLE_ENTITY, "the request cannot be answered as it was asked"),
        (HTTPStatus.TOO_MANY_REQUESTS, "too many requests of one caller"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "the lake does not answer"),
    )
}
"""What a route's documentation says about errors."""


def install(app: FastAPI) -> None:
    """Have every error of the endpoints answered as a problem; `ErrorsMiddleware` answers the rest."""
    app.add_exception_handler(TelemetryError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_a_request)
    app.add_exception_handler(HTTPException, _of_http)


def problem(
    scope: Scope, status: int, detail: str, remedy: str = "", *, headers: dict[str, str] | None = None
) -> Response:
    """A problem as a response to the request of an ASGI scope."""
    body = Problem(
        type="about:blank",
        title=_title(status),
        status=status,
        detail=detail,
        instance=scope["path"],
        remedy=remedy,
    )
    # escaped: what was sent may hold characters that UTF-8 cannot
    return Response(json.dumps(body.model_dump()), status, headers, MEDIA_TYPE)


def unauthorized(scope: Scope, detail: str, token: str | None) -> Response:
    """401: no token was sent (None), or one that is not taken (RFC 6750)."""
    challenge = f'Bearer realm="{REALM}"'
    if token is not None:
        words = detail.translate({ord('"'): "'", ord("\\"): "/"}).encode("ascii", "replace").decode()
        challenge += f', error="invalid_token", error_description="{words}"'
    return problem(
        scope,
        HTTPStatus.UNAUTHORIZED,
        detail,
        "Send an access token as Authorization: Bearer; /auth-config says whose",
        headers={"WWW-Authenticate": challenge},
    )


def not_here(scope: Scope) -> Response:
    """403: somebody else than this machine asks a service where nobody signs in."""
    return problem(
        scope,
        HTTPStatus.FORBIDDEN,
        "without signing in this service answers its own machine alone, under the name localhost",
        "Ask http://127.0.0.1, or start the service with TELEMETRY_AUTH_ISSUER",
    )


def too_large(scope: Scope, detail: str, remedy: str) -> Response:
    """413: the answer would be larger than one may be."""
    return problem(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, remedy)


def too_many(scope: Scope, seconds: float) -> Response:
    """429: there will be a token again in so many seconds."""
    wait = max(math.ceil(seconds), 1)
    return problem(
        scope,
        HTTPStatus.TOO_MANY_REQUESTS,
        "too many requests",
        f"Ask again in {wait} s",
        headers={"Retry-After": str(wait)},
    )


def unavailable(scope: Scope, error: TransientError) -> Response:
    """503: something that is needed does not answer; where it is goes to the log alone."""
    reference = _logged(scope, error)
    return problem(
        scope,
        HTTPStatus.SERVICE_UNAVAILABLE,
        f"something that the answer needs is not to be had at the moment (log reference {reference})",
        "Ask again in a few seconds",
        headers={"Retry-After": "5"},
    )


def unexpected(scope: Scope, error: Exception) -> Response:
    """500: a defect of ours; what it was goes to the log alone."""
    reference = _logged(scope, error)
    return problem(
        scope,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"the service failed (log reference {reference})",
        "This is a defect of the service; its log has the details under the reference",
    )


class ErrorsMiddleware:
    """Has errors that no endpoint answers written as problems: those of libraries, and what nobody expected."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; replace the body of an error that is no problem yet."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def checked(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                headers = Headers(raw=message["headers"])
                if message["status"] >= 400 and headers.get("content-type") != MEDIA_TYPE:
                    replaced = True
                    kept = {
                        name: value
                        for name, value in headers.items()
                        if name not in ("content-type", "content-length", "content-encoding")
                    }
                    detail = _title(message["status"]).lower()
                    await problem(
                        scope, message["status"], detail, "/docs describes every endpoint", headers=kept
                    )(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, checked)
        except Exception as error:
            if started:
                # the answer is half out: only a broken connection says that it is not whole
                _logged(scope, error)
                raise
            await unexpected(scope, error)(scope, receive, send)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, TelemetryError)  # noqa: S101  the registration above says so
    if patience.current().gone:
        # nobody reads it, and the log is for what somebody should look into
        return Response(status_code=_CLIENT_LEFT)
    if isinstance(error, TransientError):
        return unavailable(request.scope, error)
    if isinstance(error, NoVehicle) and not current().everything:
        # the same words from every endpoint and reader: they must not tell another one's vehicle from none
        error = NoVehicle("there is no such vehicle", remedy="GET /vehicles lists the vehicles")
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return unexpected(request.scope, error)
    return problem(request.scope, status, error.what, error.remedy)


async def _of_a_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  the registration above says so
    faults = []
    for fault in error.errors():
        place = ".".join(str(step) for step in fault["loc"] if step != "body")
        message = str(fault["msg"]).removeprefix("Value error, ")
        faults.append(f"{place}: {message}" if place else message)
    return problem(
        request.scope,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "; ".join(faults),
        "Correct the request; /docs describes it",
    )


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  the registration above says so
    headers = dict(error.headers) if error.headers else None
    return problem(
        request.scope, error.status_code, str(error.detail), "/docs describes every endpoint", headers=headers
    )


def _logged(scope: Scope, error: Exception) -> str:
    """Write an error to the log, and give the reference under which it is there."""
    reference = secrets.token_hex(6)
    # ours say what, where and what to do in a line; of another, the place is all there is
    traceback = None if isinstance(error, TransientError) else error
    _log.error("%s %s %r: %s", reference, scope["method"], scope["path"], error, exc_info=traceback)
    return reference


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Error {status}"
