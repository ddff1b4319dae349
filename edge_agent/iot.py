"""Credentials by the vehicle's X.509 certificate, from AWS IoT's credential provider: none lie on the card.

What they are used for is not known here.
"""

import datetime as dt
import http.client
import json
import logging
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError, TransientError

log = logging.getLogger("edge_agent.iot")

TIMEOUT_S: Final = 20.0
RENEW_BEFORE: Final = dt.timedelta(minutes=10)
"""Sooner than the store asks again, five minutes before the end: an endpoint that is away is tried in time."""

_REMEDY: Final = (
    "Check that the role alias is there, that the certificate is active and attached to the thing, "
    "and that its policy allows iot:AssumeRoleWithCertificate"
)


@dataclass(frozen=True)
class Identity:
    """Who the vehicle is.

    Attributes:
        endpoint: The account's host of type iot:CredentialProvider.
        role_alias: Whose role it takes.
        thing_name: What the vehicle is called there.
        certificate: Its certificate (PEM).
        key: The certificate's private key (PEM).
        ca: Who signs for the endpoint (PEM), if not one whom the system trusts.
    """

    endpoint: str
    role_alias: str
    thing_name: str
    certificate: Path
    key: Path
    ca: Path | None = None


class IotCredentials:
    """Temporary credentials, renewed before they expire; for any number of threads.

    While the endpoint is away, the last ones are given for as long as they are good.

    Args:
        identity: Who asks.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._current: dict[str, Any] | None = None
        self._is_away = False

    def __call__(self) -> Mapping[str, Any]:
        """The credentials, in the form that `Store.open` takes.

        Raises:
            TransientError: The endpoint does not answer.
            PermanentError: It refuses.
            BadSetting: The certificate or its key cannot be used.
        """
        with self._lock:
            now = dt.datetime.now(dt.UTC)
            if self._current and self._current["expires_at"] - now > RENEW_BEFORE:
                return self._current
            try:
                self._current = self._ask()
            except TelemetryError as error:
                if not self._is_away:
                    log.warning("no new credentials: %s", error)
                self._is_away = True
                if self._current and self._current["expires_at"] > now:
                    return self._current
                raise
            if self._is_away:
                log.info("%s gives credentials again", self._identity.endpoint)
            self._is_away = False
            return self._current

    def _ask(self) -> dict[str, Any]:
        identity = self._identity
        path = f"/role-aliases/{quote(identity.role_alias, safe='')}/credentials"
        connection = http.client.HTTPSConnection(
            identity.endpoint, timeout=TIMEOUT_S, context=_context(identity)
        )
        try:
            connection.request("GET", path, headers={"x-amzn-iot-thingname": identity.thing_name})
            answer = connection.getresponse()
            status, body = answer.status, answer.read(100_000)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
            raise TransientError(
                f"the credential endpoint does not answer ({reason or type(error).__name__})",
                identity.endpoint,
            ) from error
        finally:
            connection.close()
        if status >= 500 or status == 429:
            raise TransientError(f"the credential endpoint answers {status}", identity.endpoint)
        if status != 200:
            raise PermanentError(
                f"the credential endpoint refuses ({status}, {_message(body)})",
                f"{identity.endpoint}, role alias {identity.role_alias}, thing {identity.thing_name}",
                _REMEDY,
            )
        return _credentials(body, identity.endpoint)


def _context(identity: Identity) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=identity.ca and str(identity.ca))
        context.load_cert_chain(identity.certificate, identity.key)
    except (OSError, ssl.SSLError) as error:
        raise BadSetting(
            f"the certificate or its key cannot be used ({error.strerror or error})",
            f"{identity.certificate}, {identity.key}",
            "Both are PEM files that belong together and that the agent may read",
        ) from error
    return context


def _credentials(body: bytes, where: str) -> dict[str, Any]:
    try:
        given = json.loads(body)["credentials"]
        expires_at = dt.datetime.fromisoformat(given["expiration"])
        return {
            "access_key_id": given["accessKeyId"],
            "secret_access_key": given["secretAccessKey"],
            "token": given["sessionToken"],
            "expires_at": expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=dt.UTC),
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TransientError("the credential endpoint's answer holds no credentials", where) from error


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:100].decode(errors="replace")
