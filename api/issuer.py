"""An OpenID Connect issuer over HTTP: what it says about itself, and its public keys as it publishes them.

Only fetching lives here: how long an answer is good for is `keys`' business.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.service_settings import is_loopback

_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 512 * 1024
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Provider:
    """What an issuer says about itself (OpenID Connect Discovery 1.0).

    Attributes:
        issuer: Its name, as tokens spell it.
        jwks_uri: Where its public keys are.
        authorization_endpoint: Where a person signs in.
        token_endpoint: Where a code becomes a token.
        end_session_endpoint: Where a person signs out; None where it has none.
    """

    issuer: str
    jwks_uri: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None


def discover(issuer: str) -> Provider:
    """Ask an issuer about itself.

    Raises:
        TransientError: It does not answer, or not as an issuer does.
    """
    found = _fetch(issuer.rstrip("/") + _WELL_KNOWN)
    if found.get("issuer") != issuer:
        raise TransientError(
            f"it calls itself {found.get('issuer')!r}", issuer, "Spell TELEMETRY_AUTH_ISSUER as it does"
        )
    end = found.get("end_session_endpoint")
    return Provider(
        issuer,
        _address(found.get("jwks_uri"), issuer),
        _address(found.get("authorization_endpoint"), issuer),
        _address(found.get("token_endpoint"), issuer),
        _address(end, issuer) if end else None,
    )


def fetch_keys(provider: Provider) -> list[dict[str, Any]]:
    """The issuer's public keys (RFC 7517), as they are published.

    Raises:
        TransientError: It does not answer, or not with keys.
    """
    keys = _fetch(provider.jwks_uri).get("keys")
    if not isinstance(keys, list):
        raise TransientError("no keys are there", provider.jwks_uri)
    return [key for key in keys if isinstance(key, dict)]


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirect could lead where an answer is somebody else's."""

    def redirect_request(self, *_args: object, **_kwargs: object) -> None:
        return None


def _fetch(url: str) -> dict[str, Any]:
    request = urllib.request.Request(url, headers={"Accept": "application/json"})  # noqa: S310  checked by `_address`
    try:
        with urllib.request.build_opener(_Straight).open(request, timeout=_TIMEOUT_S) as response:
            text = response.read(_MAX_BYTES + 1)
        answer = json.loads(text) if len(text) <= _MAX_BYTES else None
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        raise TransientError(f"the issuer does not answer ({error})", url) from error
    if not isinstance(answer, dict):
        raise TransientError("the issuer answers something else than was asked for", url)
    return answer


def _address(text: object, where: str) -> str:
    if isinstance(text, str):
        parts = urlsplit(text)
        if parts.hostname and (parts.scheme == "https" or is_loopback(parts.hostname)):
            return text
    raise TransientError(f"{text!r} is not an https:// address", where)
