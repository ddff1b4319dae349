"""Where a live tail stands, as the text of an event's id: whoever sends it back goes on there, also after a restart.

It says which objects were sent without naming them all: everything that was written up to an instant, and of what was
written later those whose digests are listed. Objects become visible in another order than they were written in, but
not much later: so the instant lies behind the newest object.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from telemetry_pipeline.errors import BadQuery
from telemetry_pipeline.lake.instant import MAX_NS, MIN_NS
from telemetry_pipeline.lake.layout import DAY_NS
from telemetry_pipeline.lake.store import ObjectInfo

GRACE_NS: Final = 30_000_000_000
"""An object is visible at the latest so long after it was written."""

LISTED_MAX: Final = 400
"""Digests that an id lists; when more objects come within the grace, the grace is shorter."""

_DIGEST: Final = 8
_DAY_MAX: Final = MAX_NS // DAY_NS - 1
"""The farthest day from the epoch whose neighbours int64 nanoseconds hold."""


@dataclass(frozen=True)
class Cursor:
    """What was sent.

    Attributes:
        floor_ns: All objects written up to then were sent.
        day: The day number (since the epoch) of the newest day that was watched.
        newest_ns: The newest sample that the vehicle had so far.
        listed: Digests of objects that were written later and sent, too.
        part: An object that was sent in part: its digest, and how many of its events were sent.
    """

    floor_ns: int
    day: int
    newest_ns: int
    listed: frozenset[str] = field(default_factory=frozenset)
    part: tuple[str, int] | None = None

    @classmethod
    def after(
        cls, sent: Iterable[ObjectInfo], day: int, newest_ns: int, part: tuple[str, int] | None = None
    ) -> "Cursor":
        """Where a tail stands that has sent these objects."""
        newest_first = sorted(sent, key=lambda info: -info.modified_ns)
        floor_ns = newest_first[0].modified_ns - GRACE_NS if newest_first else -1
        if len(newest_first) > LISTED_MAX:
            floor_ns = max(floor_ns, newest_first[LISTED_MAX].modified_ns)
        listed = frozenset(
            digest_of(info) for info in newest_first[:LISTED_MAX] if info.modified_ns > floor_ns
        )
        return cls(floor_ns, day, newest_ns, listed, part)

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read an id.

        Raises:
            BadQuery: It is not one of ours.
        """
        try:
            floor, day, newest, part, listed = text.split(".")
            if len(listed) % _DIGEST:
                raise ValueError(listed)  # noqa: TRY301
            digests = [listed[at : at + _DIGEST] for at in range(0, len(listed), _DIGEST)]
            sent = (part[:_DIGEST], int(part[_DIGEST:], 16)) if part else None
            cursor = cls(int(floor, 36), int(day, 36), int(newest, 36), frozenset(digests), sent)
            if abs(cursor.day) > _DAY_MAX or not MIN_NS <= cursor.newest_ns <= MAX_NS:
                raise ValueError(text)  # noqa: TRY301
        except ValueError as error:
            raise BadQuery(
                "Last-Event-ID is not one of this service",
                remedy="Leave it out to begin with what comes next",
            ) from error
        return cursor

    def __str__(self) -> str:
        part = f"{self.part[0]}{self.part[1]:x}" if self.part else ""
        numbers = ".".join(_base36(number) for number in (self.floor_ns, self.day, self.newest_ns))
        return f"{numbers}.{part}.{''.join(sorted(self.listed))}"

    def has(self, info: ObjectInfo) -> bool:
        """Whether an object was sent."""
        return info.modified_ns <= self.floor_ns or digest_of(info) in self.listed


def digest_of(info: ObjectInfo) -> str:
    """A few letters that stand for an object with these bytes."""
    told = hashlib.blake2b(f"{info.key}\n{info.etag}".encode(), digest_size=6).digest()
    return urlsafe_b64encode(told).decode()


def _base36(number: int) -> str:
    letters = ""
    rest = abs(number)
    while rest or not letters:
        rest, digit = divmod(rest, 36)
        letters = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + letters
    return f"-{letters}" if number < 0 else letters
