"""Rounds through a lake, partition by partition, a piece at a time.

A round is resumed where it was left, by a cursor of one vehicle and one day.
"""

import datetime as dt
import time
from collections.abc import Iterator
from typing import Any

from telemetry_pipeline.errors import BadKey
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store


class Round:
    """One round, over all days or the last few; the next begins a period after it began.

    Args:
        store: The lake.
        state: What `state` gave, {} for a first round.
        period_s: Seconds from the beginning of a round to that of the next.
        recent_days: Only the last so many UTC days; default: every day of raw/.

    Attributes:
        examined: Partitions since the round began.
    """

    def __init__(
        self, store: Store, state: dict[str, Any], *, period_s: float, recent_days: int | None = None
    ) -> None:
        self._store = store
        self._period_s = period_s
        self._recent_days = recent_days
        self._at = _partition(state.get("at"))
        self.began = float(state.get("began") or 0.0)
        self.ended = float(state.get("ended") or 0.0)
        self.examined = int(state.get("examined") or 0)

    @property
    def state(self) -> dict[str, Any]:
        """What the next process goes on with."""
        at = f"{self._at.vehicle_id}/{self._at.date.isoformat()}" if self._at else None
        return {"at": at, "began": self.began, "ended": self.ended, "examined": self.examined}

    def partitions(self) -> Iterator[Partition]:
        """The partitions that are left of this round, none until the next one is due.

        A partition counts as examined when the next one is asked for.
        """
        now = time.time()
        if self._at is None:
            if 0 <= now - self.began < self._period_s:
                return
            self.began, self.examined = now, 0
        for partition in self._left():
            yield partition
            self._at = partition
            self.examined += 1
        self._at, self.ended = None, time.time()

    def _left(self) -> Iterator[Partition]:
        after = self._at
        for vehicle_id in ledger.vehicles(self._store):
            if after is not None and vehicle_id < after.vehicle_id:
                continue
            for partition in self._days(vehicle_id):
                if after is None or partition > after:
                    yield partition

    def _days(self, vehicle_id: str) -> list[Partition]:
        if self._recent_days is None:
            return ledger.partitions(self._store, vehicle_id)
        today = dt.datetime.now(dt.UTC).date()
        return [
            Partition(vehicle_id, today - dt.timedelta(days=number))
            for number in reversed(range(self._recent_days))
        ]


def _partition(text: object) -> Partition | None:
    if not isinstance(text, str):
        return None
    vehicle_id, _, date = text.partition("/")
    try:
        return Partition(vehicle_id, dt.date.fromisoformat(date))
    except (BadKey, ValueError):
        return None
