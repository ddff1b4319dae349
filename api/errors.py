"""Which HTTP status an error of ours has, and how every error is written: application/problem+json (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from api.models import Problem
from telemetry_pipeline.errors import (
    BadKey,
    BadQuery,
    BadSetting,
    NotFound,
    TelemetryError,
    TooLarge,
    TransientError,
)

_log: Final = logging.getLogger(__name__)

MEDIA_TYPE: Final = "application/problem+json"

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
    int(status): {"model": Problem, "description": description, "content": {MEDIA_TYPE: {}}}
    for status, description in (
        # our own words: Python's phrase for a status is not the same in every version
        (HTTPStatus.NOT_FOUND, "no such vehicle, message or signal"),
        (HTTPStatus.UNPROCESSABLE_ENTITY, "the request cannot be answered as it was asked"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "the lake does not answer"),
    )
}
"""What a route's documentation says about errors."""


def install(app: FastAPI) -> None:
    """Have every error of the application answered as a problem."""
    app.add_exception_handler(TelemetryError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_a_request)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)


def problem(
    request: Request, status: int, detail: str, remedy: str = "", *, headers: dict[str, str] | None = None
) -> Response:
    """A problem as a response."""
    title = HTTPStatus(status).phrase
    body = Problem(
        type="about:blank",
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        remedy=remedy,
    )
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, TelemetryError)  # noqa: S101  the registration above says so
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("%s %s: %s", request.method, request.url.path, error)
    headers = {"Retry-After": "5"} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return problem(request, status, error.what, error.remedy, headers=headers)


async def _of_a_request(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  the registration above says so
    faults = []
    for fault in error.errors():
        place = ".".join(str(step) for step in fault["loc"] if step != "body")
        message = str(fault["msg"]).removeprefix("Value error, ")
        faults.append(f"{place}: {message}" if place else message)
    return problem(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, "; ".join(faults), "Correct the request; /docs describes it"
    )


async def _of_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  the registration above says so
    headers = dict(error.headers) if error.headers else None
    return problem(
        request, error.status_code, str(error.detail), "/docs describes every endpoint", headers=headers
    )


async def _of_anything(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"the service failed ({type(error).__name__})",
        "This is a defect of the service; its log has the details",
    )
