"""Questions over HTTP, as a browser or a program would ask them; an answer of any status is an answer."""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from telemetry_pipeline.errors import TransientError

TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class Page:
    """An answer.

    Attributes:
        url: Where it came from.
        status: Its status.
        headers: By name in lower case.
        body: Its bytes.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:  # noqa: ANN401  JSON
        """What the body says.

        Raises:
            TransientError: It is no JSON.
        """
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise TransientError("the answer is no JSON", self.url) from error


def ask(url: str, *, token: str | None = None, body: Mapping[str, Any] | None = None) -> Page:
    """GET an address, or POST a question to it.

    Raises:
        TransientError: Nobody answers.
    """
    headers = {"User-Agent": "telemetry-smoke"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/json"
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, headers)  # noqa: S310  the address of an output
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310  as above
            return _page(url, answer.status, answer)
    except urllib.error.HTTPError as error:
        with error:
            return _page(url, error.code, error)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise TransientError(f"nobody answers ({reason})", url) from error


def _page(url: str, status: int, answer: Any) -> Page:  # noqa: ANN401  two kinds of answers
    return Page(url, status, {name.lower(): value for name, value in answer.headers.items()}, answer.read())
