"""How often one caller may ask: a bucket of tokens each, which fills steadily and holds a burst.

What a caller is comes from `auth`; how much one request may ask for is `guarded`'s business.
"""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors

MAX_CALLERS: Final = 20_000
"""Of how many callers the buckets are kept; beyond it the one that asked least recently begins anew."""

EXEMPT: Final = frozenset({"/health"})
"""Asked all the time by whatever watches the service, and costs nothing."""


class RateLimiter:
    """Buckets of tokens by caller; used from one event loop.

    Args:
        rate: Tokens a second; 0 for any number.
        burst: How many a full bucket has.
        clock: Steady seconds.
    """

    def __init__(self, rate: float, burst: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        # tokens, and when there were so many
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, caller: str) -> float:
        """Take a token.

        Returns:
            0 if there was one, else the seconds until there is.
        """
        if not self._rate:
            return 0.0
        now = self._clock()
        tokens, at = self._buckets.pop(caller, (float(self._burst), now))
        tokens = min(tokens + (now - at) * self._rate, self._burst)
        allowed = tokens >= 1
        self._buckets[caller] = (tokens - allowed, now)
        if len(self._buckets) > MAX_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if allowed else (1 - tokens) / self._rate


def address_of(scope: Scope) -> str:
    """Who asks, as far as the network knows: a house's IPv6 network is one caller."""
    host = scope["client"][0] if scope.get("client") else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"address {host}"
    if address.version == 6 and not address.ipv4_mapped:
        return f"address {ipaddress.ip_network((address, 64), strict=False)}"
    return f"address {address}"


class LimitsMiddleware:
    """Answers 429 to whoever asks too often."""

    def __init__(self, app: ASGIApp, limiter: RateLimiter) -> None:
        self._app = app
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or say how long to wait."""
        if scope["type"] == "http" and scope["path"] not in EXEMPT:
            caller = scope["state"].get("caller") or address_of(scope)
            if wait := self._limiter.take(caller):
                await errors.too_many(scope, wait)(scope, receive, send)
                return
        await self._app(scope, receive, send)
