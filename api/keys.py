"""An issuer's public keys as the service knows them: when they are asked for anew, and how long old ones are good for.

A key that is not known makes the service look again, at most every few seconds whatever is sent to it. While the
issuer does not answer, what it said last stays good for a day.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from api.issuer import Provider, discover, fetch_keys
from telemetry_pipeline.errors import TransientError

_log: Final = logging.getLogger(__name__)

ALGORITHMS: Final = ("RS256", "ES256")
"""Signatures that are taken: asymmetric ones alone, so that no public key can pass for a secret."""

LOOK_PAUSE_S: Final = 5.0
FRESH_S: Final = 3_600.0
GOOD_S: Final = 86_400.0
MAX_KEYS: Final = 100
_MIN_RSA_BITS: Final = 2_048


@dataclass(frozen=True)
class _Known:
    """What the issuer said last, and when."""

    provider: Provider
    keys: Mapping[str, PyJWK] = field(default_factory=dict)
    at: float = 0.0


class KeySet:
    """The keys of one issuer, by their ids; may be used from several threads.

    Args:
        issuer: Its name.
        clock: Steady seconds.
    """

    def __init__(self, issuer: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.issuer: Final = issuer
        self._clock = clock
        self._known: _Known | None = None
        self._looked_at: float | None = None
        self._fault = ""
        self._lock = threading.Lock()
        # threads of its own: those of long queries may all be busy
        self._threads = anyio.CapacityLimiter(2)

    async def key(self, key_id: str) -> PyJWK | None:
        """The key of an id, None when the issuer has none.

        Raises:
            TransientError: The issuer does not answer, so nobody can say.
        """
        known = self._known
        age = self._clock() - known.at if known else 0.0
        if known and age <= GOOD_S and (key := known.keys.get(key_id)):
            if age > FRESH_S:
                self._look_aside()
            return key
        return (await self._looked(key_id)).keys.get(key_id)

    async def provider(self) -> Provider:
        """What the issuer says about itself.

        Raises:
            TransientError: It never answered so far.
        """
        known = self._known
        return known.provider if known else (await self._looked(None)).provider

    async def _looked(self, key_id: str | None) -> _Known:
        await run_sync(self._look, limiter=self._threads)
        known = self._known
        if (
            known is None
            or self._clock() - known.at > GOOD_S
            or (self._fault and key_id not in {*known.keys, None})
        ):
            raise TransientError(
                self._fault or "the issuer is asked too often", self.issuer, "Ask again later"
            )
        return known

    def _look_aside(self) -> None:
        """Ask the issuer while its old keys go on being used: nobody waits for one that does not answer."""
        if not self._lock.locked() and self._is_time():
            threading.Thread(target=self._look, name="issuer-keys", daemon=True).start()

    def _is_time(self) -> bool:
        return self._looked_at is None or self._clock() - self._looked_at >= LOOK_PAUSE_S

    def _look(self) -> None:
        """Ask the issuer, unless somebody just did."""
        with self._lock:
            if not self._is_time():
                return
            try:
                provider = discover(self.issuer)
                self._known = _Known(provider, _usable(fetch_keys(provider)), self._clock())
                self._fault = ""
            except TransientError as error:
                self._fault = error.what
                _log.warning("the keys of %s are not renewed: %s", self.issuer, error)
            finally:
                self._looked_at = self._clock()


def _usable(published: list[dict[str, Any]]) -> dict[str, PyJWK]:
    """Those of the published keys that verify signatures which are taken."""
    found = {}
    for item in published[:MAX_KEYS]:
        key_id = item.get("kid")
        if not isinstance(key_id, str) or item.get("use", "sig") != "sig":
            continue
        try:
            key = PyJWK(item)
        except PyJWTError as error:
            _log.warning("a published key is left out: %s", type(error).__name__)
            continue
        long_enough = key.key_type != "RSA" or key.key.key_size >= _MIN_RSA_BITS
        if key.algorithm_name in ALGORITHMS and long_enough:
            found[key_id] = key
    if len(published) > MAX_KEYS:
        _log.warning("%d published keys are left out: the limit is %d", len(published) - MAX_KEYS, MAX_KEYS)
    return found
