"""Which days are quiet, so that what is made of a whole day is worth making: a small book that a sensor keeps.

A day waits from the first decoding on it; it is due once it is over and nothing was decoded on it for a while, and
asked for again until a run has done it. Plain data, no Dagster: `roll_up` reads events and starts runs.
"""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Final

QUIET_S: Final = 600.0
"""A day on which nothing was decoded for this long is quiet."""

PATIENCE_S: Final = 6 * 3600.0
"""A day that never gets quiet is due all the same after this long."""

GRACE_S: Final = 1800.0
"""After midnight a day is given this long: vehicles upload their last window."""

ASKED_MAX: Final = 31
"""Days of one run."""

WAITING_MAX: Final = 1500
"""Days in the book; when it is full no further events are read until some are done. 60 bytes each."""


@dataclass
class Book:
    """What waits.

    Attributes:
        after: The last event that was read.
        waiting: When something was first and last decoded on a day (ISO date), in seconds since 1970.
        asked: Days that a run was asked for.
        ask: The name of that request, "" when there is none.
        asked_at: When it was made.
    """

    after: int = 0
    waiting: dict[str, list[float]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    ask: str = ""
    asked_at: float = 0.0

    @classmethod
    def load(cls, text: str | None) -> "Book":
        """The book that `dump` wrote; an empty one when there is none, or it cannot be read."""
        try:
            return cls(**json.loads(text or "{}"))
        except (ValueError, TypeError):
            return cls()

    def dump(self) -> str:
        """The book as text."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @property
    def full(self) -> bool:
        """Whether no further day should be noted for now."""
        return len(self.waiting) >= WAITING_MAX

    def note(self, days: Mapping[str, float]) -> None:
        """Something was decoded on days, at these times."""
        for day, at in days.items():
            first, last = self.waiting.get(day, [at, at])
            self.waiting[day] = [min(first, at), max(last, at)]

    def due(self, now: float) -> list[str]:
        """The days to be made now, newest first, at most `ASKED_MAX`."""
        found = [
            day
            for day, (first, last) in self.waiting.items()
            if _is_over(day, now) and (now - last >= QUIET_S or now - first >= PATIENCE_S)
        ]
        return sorted(found, reverse=True)[:ASKED_MAX]

    def request(self, days: Iterable[str], name: str, now: float) -> None:
        """A run was asked for."""
        self.asked, self.ask, self.asked_at = list(days), name, now
        for day in self.asked:
            self.waiting.pop(day, None)

    def settle(self, left: Iterable[str], now: float) -> None:
        """The run is over: days that are left wait on, as if they had just been touched."""
        self.note(dict.fromkeys((day for day in left if day in self.asked), now))
        self.asked, self.ask, self.asked_at = [], "", 0.0


def _is_over(day: str, now: float) -> bool:
    end = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC) + dt.timedelta(days=1, seconds=GRACE_S)
    return now >= end.timestamp()
