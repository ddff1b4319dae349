"""Access tokens: signed by the issuer, meant for us, good now. What their bearer may see is `scopes`' business."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import jwt
from jwt.exceptions import ExpiredSignatureError, ImmatureSignatureError, InvalidIssuerError, PyJWTError

from api.keys import ALGORITHMS, KeySet
from telemetry_pipeline.errors import PermanentError

LEEWAY_S: Final = 30
"""How far the clocks of issuer and service may be apart."""

MAX_TOKEN: Final = 16_384


class BadToken(PermanentError):
    """A token that is not taken."""


class Verifier:
    """Takes tokens of one issuer for one of our names.

    Args:
        keys: The issuer's keys.
        audiences: Whom a token must be meant for: any of these.
    """

    def __init__(self, keys: KeySet, audiences: Collection[str]) -> None:
        self._keys = keys
        self._audiences = frozenset(audiences)

    async def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a token that is taken; `sub` is among them.

        Raises:
            BadToken: It is not taken, and why.
            TransientError: The issuer does not answer, and its key is not known.
        """
        if len(token) > MAX_TOKEN:
            raise BadToken(f"the token is longer than {MAX_TOKEN:,} characters")
        try:
            header = jwt.get_unverified_header(token)
        except PyJWTError as error:
            raise BadToken("this is not a JSON Web Token") from error
        if header.get("alg") not in ALGORITHMS:
            raise BadToken(f"tokens must be signed with {' or '.join(ALGORITHMS)}")
        key_id = header.get("kid")
        if not isinstance(key_id, str):
            raise BadToken("the token does not name its key")
        if (key := await self._keys.key(key_id)) is None:
            raise BadToken("the token's key is none of the issuer's")
        return self._checked(_decoded(token, key, self._keys.issuer))

    def _checked(self, claims: dict[str, Any]) -> dict[str, Any]:
        if claims.get("token_use") == "id":
            raise BadToken("this is an ID token: it says who somebody is, send the access token")
        # Cognito's access tokens say for which client they were made, and nothing of an audience
        meant_for = claims.get("aud") or claims.get("client_id")
        names = {meant_for} if isinstance(meant_for, str) else set(filter(_is_text, meant_for or ()))
        if not names & self._audiences:
            raise BadToken("the token is meant for somebody else")
        subject = claims.get("sub") or claims.get("client_id")
        if not _is_text(subject):
            raise BadToken("the token does not say whose it is")
        return claims | {"sub": subject}


def _decoded(token: str, key: jwt.PyJWK, issuer: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key,
            # the key's own kind decides, never the token's word for it
            algorithms=[key.algorithm_name],
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": ["exp", "iss"], "verify_aud": False, "verify_sub": False},
        )
    except ExpiredSignatureError as error:
        raise BadToken("the token has expired") from error
    except ImmatureSignatureError as error:
        raise BadToken("the token is not good yet") from error
    except InvalidIssuerError as error:
        raise BadToken("the token is of another issuer") from error
    except PyJWTError as error:
        raise BadToken(f"the token cannot be taken ({error})") from error


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""
