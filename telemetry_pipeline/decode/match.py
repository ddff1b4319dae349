"""Which message an arbitration id means: match rules, what a database says about them, and tables of ids by channel.

Knows ids, channels and positions; what a message holds is `plan`'s business.

The parameter group number is that of SAE J1939-21: of the 29 bits the priority (top three) and the source address
(low byte) do not belong to it, and below PDU format 240 (PDU1) neither does the next byte, which is a destination.
NMEA 2000 has the same ids.
"""

import fnmatch
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint32]
Positions = npt.NDArray[np.intp]

EXTENDED_BIT: Final = 1 << 31
"""Set in a key for an extended id, so that one uint32 names an id of either kind (SocketCAN's CAN_EFF_FLAG)."""

_PDU1: Final = 0x03FF_0000
_PDU2: Final = 0x03FF_FF00
_PDU2_FROM: Final = 240
_GROUP_PROTOCOLS: Final = ("j1939", "nmea2000", "n2k", "isobus", "iso11783")


class Match(StrEnum):
    """How the id of a frame finds its message."""

    EXACT = "exact"
    PGN = "pgn"


def parameter_group(arbitration_id: int) -> int:
    """The bits of a 29-bit id that name its parameter group, in place: without priority, source and destination."""
    return arbitration_id & (_PDU2 if arbitration_id >> 16 & 0xFF >= _PDU2_FROM else _PDU1)


def stated_match(message: Any, database: Any) -> Match:  # noqa: ANN401  cantools has no types
    """The match rule that a database's attributes state for one of its messages.

    The message's VFrameFormat decides, with the default of its definition; without one the database's ProtocolType
    does. Standard ids have no parameter group.
    """
    if not message.is_extended_frame:
        return Match.EXACT
    if message.protocol == "j1939":
        return Match.PGN
    if message.dbc is not None and "VFrameFormat" in message.dbc.attributes:
        return Match.EXACT
    protocol = stated_protocol(database).lower().replace(" ", "").replace("_", "")
    return Match.PGN if protocol.startswith(_GROUP_PROTOCOLS) else Match.EXACT


def stated_protocol(database: Any) -> str:  # noqa: ANN401
    """The ProtocolType that a database states, with the default of its definition; "" for none."""
    if database.dbc is None:
        return ""
    attribute = database.dbc.attributes.get("ProtocolType")
    definition = database.dbc.attribute_definitions.get("ProtocolType")
    if attribute is not None:
        return str(attribute.value)
    return str(definition.default_value or "") if definition is not None else ""


@dataclass(frozen=True)
class Scope:
    """The ids of one database on some channels.

    Attributes:
        name: The database's name.
        sha256: Digest of its bytes, in hex.
        match: The rule that was asked for; None for what the database states.
        channels: Globs of channel names; none at all for every channel.
        since: Orders scopes in time: on a channel that several match, only those with the largest count.
        exact: Positions of messages by key.
        groups: Positions of messages by parameter group.
        transport: Multi-frame protocols that are reassembled on these channels.
    """

    name: str
    sha256: str
    match: Match | None
    channels: tuple[str, ...]
    since: int
    exact: dict[int, int]
    groups: dict[int, int]
    transport: tuple[str, ...] = ()

    def matches(self, channel: str) -> bool:
        """Whether it says something about a channel."""
        return not self.channels or any(fnmatch.fnmatchcase(channel, glob) for glob in self.channels)

    def to_dict(self) -> dict[str, Any]:
        """What was decoded with, for footers: name and sha256, and what a binding said beyond them."""
        beyond = {"match": self.match, "channel": list(self.channels), "transport": list(self.transport)}
        return {"name": self.name, "sha256": self.sha256} | {
            key: said for key, said in beyond.items() if said
        }


@dataclass(frozen=True)
class IdTable:
    """The ids of some scopes taken together; an exact id goes before a parameter group."""

    scopes: tuple[Scope, ...]

    @cached_property
    def transport(self) -> tuple[str, ...]:
        """Multi-frame protocols that are reassembled, sorted."""
        return tuple(sorted({name for scope in self.scopes for name in scope.transport}))

    @cached_property
    def _exact(self) -> tuple[Keys, Positions]:
        return _sorted([scope.exact for scope in self.scopes])

    @cached_property
    def _groups(self) -> tuple[Keys, Positions]:
        return _sorted([scope.groups for scope in self.scopes])

    def lookup(self, keys: Keys, missing: int) -> Positions:
        """Positions of the messages of some keys, shape (n,); `missing` where the id means nothing."""
        positions = _find(*self._exact, keys, missing)
        if len(self._groups[0]):
            open_ = np.flatnonzero((positions == missing) & (keys >= np.uint32(EXTENDED_BIT)))
            ids = keys[open_] & np.uint32(EXTENDED_BIT - 1)
            pdu2 = (ids >> np.uint32(16) & np.uint32(0xFF)) >= _PDU2_FROM
            ids &= np.where(pdu2, np.uint32(_PDU2), np.uint32(_PDU1))
            positions[open_] = _find(*self._groups, ids, missing)
        return positions


def newest(scopes: Sequence[Scope], channel: str) -> tuple[int, ...]:
    """Which of the scopes count on a channel: of those that match it, the newest."""
    matching = [number for number, scope in enumerate(scopes) if scope.matches(channel)]
    last = max((scopes[number].since for number in matching), default=0)
    return tuple(number for number in matching if scopes[number].since == last)


def channels_overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether some channel name matches globs of both; no globs match every name."""
    one, other = tuple(one), tuple(other)
    if not one or not other:
        return True
    return any(_meet(_tokens(a), _tokens(b)) for a in one for b in other)


def _tokens(glob: str) -> tuple[str, ...]:
    """A glob cut into `*` and patterns of one character."""
    tokens, at = [], 0
    while at < len(glob):
        # as in fnmatch a "]" right behind "[" or "[!" belongs to the set, and a set without end is a plain "["
        end = glob.find("]", at + (3 if glob[at + 1 : at + 2] == "!" else 2)) if glob[at] == "[" else -1
        size = end + 1 - at if end > 0 else 1
        tokens.append(glob[at : at + size])
        at += size
    return tuple(tokens)


@lru_cache(1024)
def _meet(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if not one or not other:
        return set(one) | set(other) <= {"*"}
    if one[0] == "*":
        return _meet(one[1:], other) or _meet(one, other[1:])
    if other[0] == "*":
        return _meet(other, one)
    return _share(one[0], other[0]) and _meet(one[1:], other[1:])


def _share(one: str, other: str) -> bool:
    letters = set(string.printable) | set(one) | set(other)
    return any(fnmatch.fnmatchcase(letter, one) and fnmatch.fnmatchcase(letter, other) for letter in letters)


def _sorted(tables: Iterable[dict[int, int]]) -> tuple[Keys, Positions]:
    merged: dict[int, int] = {}
    for table in tables:
        for key, position in table.items():
            merged.setdefault(key, position)
    keys = np.array(sorted(merged), np.uint32)
    return keys, np.array([merged[key] for key in keys.tolist()], np.intp)


def _find(known: Keys, positions: Positions, keys: Keys, missing: int) -> Positions:
    if not len(known):
        return np.full(len(keys), missing, np.intp)
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[at] == keys, positions[at], missing)
