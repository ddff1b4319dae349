"""Who is asking: nobody passes without a token, but on this machine alone, where a folder may be open.

Every path needs a token unless it is said to be public, so a new endpoint is closed until somebody opens it. How a
token is verified is `tokens`' business, which vehicles it shows `scopes`'.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Asked

from api import errors
from api.keys import KeySet
from api.limits import RateLimiter, address_of
from api.scopes import ALL, NONE, Scope, acting, refuse_invisible, scope_of
from api.tokens import BadToken, Verifier
from telemetry_pipeline.errors import BadSetting, TransientError
from telemetry_pipeline.service_settings import ServiceSettings, is_loopback

PUBLIC: Final = frozenset({"/health", "/auth-config", "/docs", "/openapi.json"})
"""What may be read without a token: nothing of these holds data of a vehicle. The dashboard's own files are, too."""


@dataclass(frozen=True)
class ThisMachine:
    """Nobody signs in: only programs of this machine are answered, and only under its own names.

    The names matter: a page of the web can have its own name lead here, and would read the answers.
    """


class SignIn:
    """Callers show tokens of one issuer.

    Args:
        settings: Which issuer, for whom, and where the vehicles are.

    Raises:
        BadSetting: No issuer is named.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        if settings.issuer is None:
            raise BadSetting(
                "nobody could sign in", "TELEMETRY_AUTH_ISSUER", "Set it to the issuer of the tokens"
            )
        self.keys: Final = KeySet(settings.issuer)
        self.client_id: Final = settings.client_id or settings.audiences[0]
        self.scopes: Final = settings.scopes
        self._verifier = Verifier(self.keys, settings.audiences)
        self._claim = settings.vehicles_claim

    async def caller(self, token: str | None) -> tuple[str, Scope]:
        """Whose token it is, and which vehicles they see.

        Raises:
            BadToken: It is not taken, or there is none.
            TransientError: Nobody can say, for the issuer does not answer.
        """
        if token is None:
            raise BadToken("no token was sent")
        claims = await self._verifier.claims(token)
        return f"subject {claims['sub']}", scope_of(claims, self._claim)


Access = ThisMachine | SignIn


def access_of(settings: ServiceSettings, lake: str, *, host: str | None) -> Access:
    """How callers are told apart.

    Args:
        settings: What was said about it.
        lake: The lake's URL.
        host: The address to listen on; None where others hand the requests over.

    Raises:
        BadSetting: Anybody could ask for anything.
    """
    if settings.issuer or settings.auth == "required":
        return SignIn(settings)
    remedy = "Set TELEMETRY_AUTH_ISSUER and TELEMETRY_AUTH_AUDIENCE"
    if not lake.startswith("file://"):
        raise BadSetting("a bucket is not served without signing in", lake, remedy)
    if host is None or not is_loopback(host):
        raise BadSetting(
            "other machines are not served without signing in",
            host or "",
            f"{remedy}, or listen on 127.0.0.1",
        )
    return ThisMachine()


async def refuse_others(request: Request) -> None:
    """What every endpoint depends on: the vehicle of its path must be the caller's, whatever it would do with it.

    Raises:
        BadKey: It is not a vehicle id.
        NoVehicle: It is not theirs.
    """
    if (vehicle_id := request.path_params.get("vehicle_id")) is not None:
        refuse_invisible(vehicle_id)


class AuthMiddleware:
    """Lets a request pass as somebody, or answers 401; failures count against the address's rate.

    Args:
        app: What is behind it.
        access: How callers are told apart.
        limiter: Takes note of failures.
        is_public: Whether a request may pass as nobody.
    """

    def __init__(
        self, app: ASGIApp, access: Access, limiter: RateLimiter, is_public: Callable[[Asked], bool]
    ) -> None:
        self._app = app
        self._access = access
        self._limiter = limiter
        self._is_public = is_public

    async def __call__(self, scope: Asked, receive: Receive, send: Send) -> None:
        """Find out who asks, and pass the request on as theirs."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # there is no endpoint of another kind, and none opens by itself
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        if isinstance(self._access, ThisMachine):
            if not _from_here(scope, headers):
                await errors.not_here(scope)(scope, receive, send)
                return
            seen = ALL
        elif self._is_public(scope):
            seen = NONE
        else:
            token = _bearer(headers)
            try:
                scope["state"]["caller"], seen = await self._access.caller(token)
            except BadToken as error:
                wait = self._limiter.take(address_of(scope))
                refusal = (
                    errors.too_many(scope, wait) if wait else errors.unauthorized(scope, error.what, token)
                )
                await refusal(scope, receive, send)
                return
            except TransientError as error:
                await errors.unavailable(scope, error)(scope, receive, send)
                return
        with acting(seen):
            await self._app(scope, receive, send)


def _from_here(scope: Asked, headers: Headers) -> bool:
    client: tuple[str, int] | None = scope.get("client")
    host = headers.get("host", "")
    name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return client is not None and is_loopback(client[0]) and is_loopback(name)


def _bearer(headers: Headers) -> str | None:
    """The token of a request, None without one; "" where there are several, which no issuer made."""
    sent = headers.getlist("authorization")
    if not sent:
        return None
    kind, _, token = sent[0].partition(" ")
    return token.strip() if len(sent) == 1 and kind.lower() == "bearer" else ""
