"""Which vehicles a caller may see, from the claims of a token, and whose request is being answered right now.

A caller without a claim sees none. Nothing here knows how a token is verified or a vehicle read.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from telemetry_pipeline.errors import NoVehicle
from telemetry_pipeline.lake import layout

MARKS: Final = ("telemetry:vehicles:", "telemetry/vehicles:")
"""How an entry of a general claim begins that names vehicles; the second is how Cognito spells a custom scope."""

GENERAL_CLAIMS: Final = ("scope", "scp", "cognito:groups", "groups", "roles")
"""Claims that say other things, too: of them only entries that begin with a mark count."""

_PATTERN: Final = re.compile(r"[A-Za-z0-9_*?-]{1,64}")


@dataclass(frozen=True)
class Scope:
    """Vehicles, as patterns of their ids: `*` is any run of characters, `?` any one."""

    patterns: frozenset[str]

    @property
    def everything(self) -> bool:
        """Whether it leaves no vehicle out."""
        return "*" in self.patterns

    def allows(self, vehicle_id: str) -> bool:
        """Whether a vehicle is among them."""
        return vehicle_id in self.patterns or _compiled(self.patterns).fullmatch(vehicle_id) is not None


ALL: Final = Scope(frozenset({"*"}))
NONE: Final = Scope(frozenset())

_current: ContextVar[Scope] = ContextVar("scope", default=NONE)


def scope_of(claims: Mapping[str, Any], claim: str) -> Scope:
    """The vehicles that claims name.

    Args:
        claims: Those of a verified token.
        claim: The claim that lists vehicles and nothing else, as a list or separated by spaces. Entries of
            `GENERAL_CLAIMS` count when they begin with one of `MARKS`. What is no pattern of ids counts for nothing.
    """
    named = list(_entries(claims.get(claim))) if claim not in GENERAL_CLAIMS else []
    for general in {*GENERAL_CLAIMS, claim}:
        for entry in _entries(claims.get(general)):
            named += [entry.removeprefix(mark) for mark in MARKS if entry.startswith(mark)]
    return Scope(frozenset(entry for entry in named if _PATTERN.fullmatch(entry)))


@contextmanager
def acting(scope: Scope) -> Iterator[None]:
    """Answer a request for whoever sees these vehicles; threads that it starts through the server know it, too."""
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)


def current() -> Scope:
    """The vehicles of whoever is being answered: none outside of a request."""
    return _current.get()


def refuse_invisible(vehicle_id: str) -> None:
    """Refuse a vehicle that is not of whoever is being answered, as if it did not exist.

    Raises:
        BadKey: It is not a vehicle id.
        NoVehicle: It is not theirs.
    """
    if not (scope := current()).everything:
        layout.check_vehicle_id(vehicle_id)
        if not scope.allows(vehicle_id):
            raise _absent(vehicle_id)


@contextmanager
def visible(vehicle_id: str) -> Iterator[None]:
    """Read a vehicle for whoever is being answered: one that is not theirs answers as one that does not exist.

    Raises:
        BadKey: It is not a vehicle id.
        NoVehicle: It is not theirs, or does not exist; they are told the same.
    """
    refuse_invisible(vehicle_id)
    try:
        yield
    except NoVehicle:
        if current().everything:
            raise
        # its own words may name vehicles of others
        raise _absent(vehicle_id) from None


def _absent(vehicle_id: str) -> NoVehicle:
    return NoVehicle(f"no decoded data of vehicle {vehicle_id}", remedy="GET /vehicles lists the vehicles")


def _entries(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield from value.split()
    elif isinstance(value, Iterable):
        yield from (entry for entry in value if isinstance(entry, str))


@lru_cache(maxsize=256)
def _compiled(patterns: frozenset[str]) -> re.Pattern[str]:
    # the library's translation tries each way to share a text among stars once
    return re.compile("|".join(map(fnmatch.translate, sorted(patterns))) or r"(?!)")
