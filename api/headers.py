"""What browsers are told about every answer: what a page may load, and that nobody may frame or guess it."""

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.auth import Access, SignIn
from telemetry_pipeline.errors import TransientError

DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
"""For data, which is no page whatever a browser takes it for."""

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_ONLY_TLS: Final = "max-age=31536000"


def page_policy(*talks_to: str) -> str:
    """The Content-Security-Policy of the dashboard, which talks to its own origin and those of these addresses.

    It has no inline script and no inline style: React and uPlot set styles through the document's objects.
    """
    others = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, talks_to)})
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "font-src 'self'",
            " ".join(("connect-src 'self'", *others)),
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def page_policy_of(access: Access) -> Callable[[], Awaitable[str]]:
    """The dashboard's policy, which lets it sign in where the issuer says; asked for when a page is sent."""

    async def policy() -> str:
        if not isinstance(access, SignIn):
            return page_policy()
        try:
            provider = await access.keys.provider()
        except TransientError:  # then nobody can sign in either; the next page is told
            return page_policy(access.keys.issuer)
        return page_policy(provider.issuer, provider.token_endpoint)

    return policy


class HeadersMiddleware:
    """Adds the headers to every answer; an answer with a policy of its own keeps it.

    Args:
        app: What is behind it.
        policy: Gives the policy of pages.
    """

    def __init__(self, app: ASGIApp, policy: Callable[[], Awaitable[str]]) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def completed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _ALWAYS.items():
                    headers.setdefault(name, value)
                if scope.get("scheme") == "https":
                    headers.setdefault("Strict-Transport-Security", _ONLY_TLS)
                if "content-security-policy" not in headers:
                    page = headers.get("content-type", "").startswith("text/html")
                    headers["Content-Security-Policy"] = await self._policy() if page else DATA_POLICY
            await send(message)

        await self._app(scope, receive, completed)


class OriginsMiddleware(CORSMiddleware):
    """Lets pages of named origins call the service with a token; cookies are never taken."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "If-None-Match"),
            expose_headers=("Content-Disposition", "ETag", "Retry-After", "WWW-Authenticate"),
            max_age=600,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whether a page may ask, a refusal as a problem like any other; or pass its request on."""
        asked = Headers(scope=scope) if scope["type"] == "http" and scope["method"] == "OPTIONS" else {}
        if not isinstance(asked, Headers) or not {"origin", "access-control-request-method"} <= {*asked}:
            await super().__call__(scope, receive, send)
            return
        answer = self.preflight_response(asked)
        if answer.status_code >= 400:
            kept = {
                name: answer.headers[name] for name in answer.headers if name.startswith(("access-", "vary"))
            }
            said = bytes(answer.body).decode()
            answer = errors.problem(
                scope, answer.status_code, said, "TELEMETRY_ORIGINS lists the origins", headers=kept
            )
        await answer(scope, receive, send)
