"""The settings of the query service: who may ask, from which pages, and how much.

Parsed from the variables that `settings` hands over; nothing here reads the environment itself.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Literal
from urllib.parse import urlsplit

from telemetry_pipeline import variables
from telemetry_pipeline.errors import BadSetting

Auth = Literal["required", "off"]

NAMES: Final = {
    "auth": "TELEMETRY_AUTH",
    "issuer": "TELEMETRY_AUTH_ISSUER",
    "audiences": "TELEMETRY_AUTH_AUDIENCE",
    "client_id": "TELEMETRY_AUTH_CLIENT_ID",
    "scopes": "TELEMETRY_AUTH_SCOPES",
    "vehicles_claim": "TELEMETRY_AUTH_VEHICLES",
    "origins": "TELEMETRY_ORIGINS",
    "embedded_metrics": "TELEMETRY_EMF",
    "rate": "TELEMETRY_RATE",
    "burst": "TELEMETRY_BURST",
    "body_bytes": "TELEMETRY_MAX_BODY",
    "days": "TELEMETRY_MAX_DAYS",
    "signals": "TELEMETRY_MAX_SIGNALS",
    "points": "TELEMETRY_MAX_POINTS",
    "answer_points": "TELEMETRY_MAX_ANSWER_POINTS",
}


@dataclass(frozen=True)
class Limits:
    """How much one caller, one request and one answer may have.

    Attributes:
        rate: TELEMETRY_RATE, requests per second of one caller, in the long run; 0 for any number.
        burst: TELEMETRY_BURST, how many of them may come at once.
        body_bytes: TELEMETRY_MAX_BODY, bytes of a request's body.
        days: TELEMETRY_MAX_DAYS, length of a range.
        signals: TELEMETRY_MAX_SIGNALS, signals of one request.
        points: TELEMETRY_MAX_POINTS, points of one signal that a request may ask for.
        answer_points: TELEMETRY_MAX_ANSWER_POINTS, points of one answer, all signals together.
    """

    rate: int = 100
    burst: int = 1_000
    body_bytes: int = 1_048_576
    days: int = 3_660
    signals: int = 100
    points: int = 100_000
    answer_points: int = 2_000_000


_BOUNDS: Final = {
    # the API's own document says 100 signals and 100,000 points: settings may only tighten those
    "rate": (0, 1_000_000),
    "burst": (1, 1_000_000),
    "body_bytes": (1_024, 100_000_000),
    "days": (1, 100_000),
    "signals": (1, 100),
    "points": (10, 100_000),
    "answer_points": (10, 100_000_000),
}


@dataclass(frozen=True)
class ServiceSettings:
    """What the query service needs to know beside the lake.

    Attributes:
        auth: TELEMETRY_AUTH, `required` or `off`; None: off where only this machine can ask for a folder's data.
        issuer: TELEMETRY_AUTH_ISSUER, the OpenID Connect issuer whose tokens are taken, exactly as they spell it.
        audiences: TELEMETRY_AUTH_AUDIENCE, whom a token must be meant for: any of these.
        client_id: TELEMETRY_AUTH_CLIENT_ID, the public client as which the dashboard signs in; default: the first
            audience.
        scopes: TELEMETRY_AUTH_SCOPES, what the dashboard asks for when it signs in.
        vehicles_claim: TELEMETRY_AUTH_VEHICLES, the claim that lists a caller's vehicles.
        origins: TELEMETRY_ORIGINS, other origins whose pages may call the service.
        embedded_metrics: TELEMETRY_EMF, write each request's numbers to stdout in CloudWatch's embedded format.
        limits: How much may be asked.
    """

    auth: Auth | None = None
    issuer: str | None = None
    audiences: tuple[str, ...] = ()
    client_id: str | None = None
    scopes: str = "openid"
    vehicles_claim: str = "telemetry:vehicles"
    origins: tuple[str, ...] = ()
    embedded_metrics: bool = False
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ServiceSettings":
        """Read the settings.

        Raises:
            BadSetting: A value cannot be used, or two of them contradict each other.
        """
        found = cls(
            auth=_auth(env),
            issuer=_issuer(env),
            audiences=variables.texts(env, "TELEMETRY_AUTH_AUDIENCE"),
            client_id=env.get("TELEMETRY_AUTH_CLIENT_ID") or None,
            scopes=env.get("TELEMETRY_AUTH_SCOPES") or "openid",
            vehicles_claim=env.get("TELEMETRY_AUTH_VEHICLES") or "telemetry:vehicles",
            origins=tuple(origin_of(text) for text in variables.texts(env, "TELEMETRY_ORIGINS")),
            embedded_metrics=variables.flag(env, "TELEMETRY_EMF"),
            limits=_limits(env),
        )
        found._refuse_contradictions()
        return found

    def to_env(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same settings."""
        own, usual = _flat(self), _flat(type(self)())
        return {NAMES[name]: value for name, value in own.items() if value != usual[name]}

    def _refuse_contradictions(self) -> None:
        if self.issuer and self.auth == "off":
            raise BadSetting(
                "an issuer is named, and off",
                "TELEMETRY_AUTH",
                "Leave out one of TELEMETRY_AUTH and TELEMETRY_AUTH_ISSUER",
            )
        if self.issuer and not self.audiences:
            raise BadSetting(
                "a token for any other application of the issuer would do",
                "TELEMETRY_AUTH_AUDIENCE",
                "Set it to the API's identifier, or the app client's id with Cognito",
            )
        if self.auth == "required" and not self.issuer:
            raise BadSetting(
                "nobody could sign in", "TELEMETRY_AUTH_ISSUER", "Set it to the issuer of the tokens"
            )


def _flat(settings: ServiceSettings) -> dict[str, str]:
    """Every value as its variable's text, by the name of its attribute."""
    every = vars(settings) | vars(settings.limits)
    texts = {
        name: ",".join(value) if isinstance(value, tuple) else str(int(value) if value is True else value)
        for name, value in every.items()
    }
    return {name: texts[name] for name in NAMES}


def is_loopback(host: str) -> bool:
    """Whether a host's name or address means this machine alone."""
    name = host.strip("[]").partition("%")[0]
    if name.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    # how a socket for both families shows an IPv4 address
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def origin_of(text: str) -> str:
    """An origin as browsers send it.

    Raises:
        BadSetting: It is no origin.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query or "*" in text:
        raise BadSetting(
            f"{text!r} is not an origin",
            "TELEMETRY_ORIGINS",
            "Use scheme://host[:port], each by its whole name",
        )
    return text.lower()


def _limits(env: Mapping[str, str]) -> Limits:
    usual = Limits()
    return Limits(
        **{
            item.name: variables.number(env, NAMES[item.name], getattr(usual, item.name), _BOUNDS[item.name])
            for item in fields(Limits)
        }
    )


def _auth(env: Mapping[str, str]) -> Auth | None:
    match env.get("TELEMETRY_AUTH", ""):
        case "":
            return None
        case "required":
            return "required"
        case "off":
            return "off"
        case text:
            raise BadSetting(f"{text!r} says nothing", "TELEMETRY_AUTH", "Use required or off")


def _issuer(env: Mapping[str, str]) -> str | None:
    if not (text := env.get("TELEMETRY_AUTH_ISSUER")):
        return None
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    if not safe or not parts.hostname or parts.query or parts.fragment:
        raise BadSetting(
            f"{text!r} is not an issuer that can be trusted",
            "TELEMETRY_AUTH_ISSUER",
            "Use https://, as in the tokens' iss, such as https://cognito-idp.REGION.amazonaws.com/POOL",
        )
    return text
