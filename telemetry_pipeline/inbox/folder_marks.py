"""What the inbox of a folder remembers: until when each vehicle's days have been looked through.

A vehicle has one mark: whatever changed before it has been looked at. Days that changed later and have been looked at
have marks of their own until the vehicle's mark passes them, so that the memory grows with the vehicles, not with
their days. Times are those of the file system, which stamps changes by its own clock.
"""

import json
from typing import Any, Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

_KEY: Final = f"{layout.STATE}inbox.json"

Day = tuple[str, str]
"""A vehicle id and a date in ISO form."""


class FolderMarks:
    """The memory of a folder's inbox.

    Attributes:
        vehicles: By vehicle id, the nanosecond before which every change has been looked at.
        days: By day, the change in nanoseconds that has been looked at.
        next_vehicle: Where the next walk through all days begins.
        looked_ns: When the folder was last looked at.
    """

    def __init__(self, store: Store, now_ns: int) -> None:
        self._store = store
        self.vehicles: dict[str, int] = {}
        self.days: dict[Day, int] = {}
        self.next_vehicle = ""
        self.looked_ns = 0
        self._dirty = False
        self._load(now_ns)

    def seen(self, day: Day, changed_ns: int) -> bool:
        """Whether a change of a day has been looked at."""
        mark = self.days.get(day)
        return mark == changed_ns if mark is not None else changed_ns < self.vehicles.get(day[0], -1)

    def mark_day(self, day: Day, changed_ns: int) -> None:
        """A change of a day has been looked at, and nothing waits there."""
        if self.days.get(day) != changed_ns:
            self.days[day] = changed_ns
            self._dirty = True

    def mark_vehicle(self, vehicle_id: str, until_ns: int) -> None:
        """Every change of a vehicle's days before `until_ns` has been looked at, and nothing waits in any."""
        self.vehicles[vehicle_id] = until_ns
        self._dirty = True

    def walked(self, next_vehicle: str, looked_ns: int) -> None:
        """The walk through all days has come to a vehicle."""
        self.next_vehicle, self.looked_ns = next_vehicle, looked_ns
        self._dirty = True

    def save(self) -> None:
        """Write the memory, if there is anything new in it."""
        if not self._dirty:
            return
        # a day whose change lies before its vehicle's mark is covered by that
        self.days = {day: mark for day, mark in self.days.items() if mark >= self.vehicles.get(day[0], -1)}
        days: dict[str, dict[str, int]] = {}
        for (vehicle_id, date), mark in self.days.items():
            days.setdefault(vehicle_id, {})[date] = mark
        state = {
            "looked_ns": self.looked_ns,
            "next_vehicle": self.next_vehicle,
            "vehicles": self.vehicles,
            "days": days,
        }
        self._store.put(_KEY, json.dumps(state, separators=(",", ":")).encode())
        self._dirty = False

    def _load(self, now_ns: int) -> None:
        try:
            state: dict[str, Any] = json.loads(self._store.get(_KEY))
            looked_ns, next_vehicle = int(state["looked_ns"]), str(state["next_vehicle"])
            vehicles = {str(name): int(mark) for name, mark in state["vehicles"].items()}
            days = {
                (str(name), str(date)): int(mark)
                for name, marks in state["days"].items()
                for date, mark in marks.items()
            }
        except (NotFound, ValueError, KeyError, TypeError, AttributeError):
            return
        if looked_ns > now_ns:
            return  # the clock was set back: no mark means anything now
        self.looked_ns, self.next_vehicle, self.vehicles, self.days = looked_ns, next_vehicle, vehicles, days
