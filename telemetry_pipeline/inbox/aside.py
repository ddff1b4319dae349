"""What is not asked for again before something changes: vehicles without a usable database, objects that fail.

A vehicle waits for a change of `dbc/` or of the code, and so does an object that the decoder stumbles over. An object
that fails for a reason that time may mend (no answer, no access) waits longer each time.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any, Final

from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.version import __version__

_KEY: Final = f"{layout.STATE}aside.json"

OBJECTS_MAX: Final = 10_000
"""Objects remembered one by one; reconciliation finds what is forgotten."""

FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 3600.0


class Aside:
    """The memory of what is set aside in a lake.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._vehicles, self._objects = _load(store)
        self._now = ""
        self._dirty = False

    def refresh(self) -> None:
        """Look at what things wait for: one listing of `dbc/`, and none when nothing is set aside."""
        self._now = self._circumstances() if self._vehicles or self._objects else ""

    def holds_vehicle(self, vehicle_id: str) -> bool:
        """Whether nothing of a vehicle is to be asked for now."""
        entry = self._vehicles.get(vehicle_id)
        return entry is not None and entry["then"] == self._now

    def holds(self, raw: RawObject) -> bool:
        """Whether an object is not to be asked for now."""
        entry = self._objects.get(raw.key)
        return (entry is not None and not self._is_ripe(entry)) or self.holds_vehicle(
            raw.partition.vehicle_id
        )

    def ripe_partitions(self) -> list[Partition]:
        """The partitions of vehicles that wait no longer; each is given until it is `done_with`."""
        return [
            Partition(vehicle_id, dt.date.fromisoformat(day))
            for vehicle_id, entry in sorted(self._vehicles.items())
            if entry["then"] != self._now
            for day in entry["days"]
        ]

    def ripe_objects(self) -> Iterator[RawObject]:
        """The objects that wait no longer; each is given until it is `forget`-ed or set aside again."""
        for key, entry in list(self._objects.items()):
            if self._is_ripe(entry):
                yield RawObject.parse(key)

    def add_vehicle(self, partition: Partition) -> None:
        """Ask for nothing of a vehicle before `dbc/` or the code changes, then look into this partition again."""
        now = self._current()
        entry = self._vehicles.setdefault(partition.vehicle_id, {"then": "", "days": []})
        day = partition.date.isoformat()
        if entry["then"] != now or day not in entry["days"]:
            entry["then"] = now
            entry["days"] = sorted({*entry["days"], day})
            self._dirty = True

    def note(self, partition: Partition) -> None:
        """Remember one more partition to look into of a vehicle that is set aside."""
        days = self._vehicles[partition.vehicle_id]["days"]
        if (day := partition.date.isoformat()) not in days:
            days.append(day)
            self._dirty = True

    def add_object(self, raw: RawObject, *, mends_itself: bool) -> None:
        """Do not ask for an object again before `dbc/` or the code changes, or, if it may mend itself, for a while."""
        times = int(self._objects.get(raw.key, {}).get("times", 0))
        wait_s = min(FIRST_WAIT_S * 2.0**times, LONGEST_WAIT_S) if mends_itself else 0.0
        self._objects[raw.key] = {
            "then": self._current(),
            "until": time.time() + wait_s if mends_itself else 0.0,
            "times": times + 1,
        }
        while len(self._objects) > OBJECTS_MAX:
            del self._objects[next(iter(self._objects))]
        self._dirty = True

    def forget(self, raw: RawObject) -> None:
        """An object is dealt with."""
        if self._objects and self._objects.pop(raw.key, None) is not None:
            self._dirty = True

    def done_with(self, partition: Partition) -> None:
        """Nothing of a partition waits any more."""
        if entry := self._vehicles.get(partition.vehicle_id):
            entry["days"] = [day for day in entry["days"] if day != partition.date.isoformat()]
            if not entry["days"]:
                del self._vehicles[partition.vehicle_id]
            self._dirty = True

    def save(self) -> None:
        """Write the memory, if there is anything new in it."""
        if self._dirty:
            state = {"vehicles": self._vehicles, "objects": self._objects}
            self._store.put(_KEY, json.dumps(state).encode())
            self._dirty = False

    def _is_ripe(self, entry: dict[str, Any]) -> bool:
        return entry["then"] != self._now or bool(entry["until"] and time.time() >= entry["until"])

    def _current(self) -> str:
        """The circumstances when we last looked: a change since then ripens what is set aside now."""
        self._now = self._now or self._circumstances()
        return self._now

    def _circumstances(self) -> str:
        return f"{__version__} {self._store.fingerprint(layout.DBC)}"


def _load(store: Store) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    try:
        state = json.loads(store.get(_KEY))
        vehicles = {
            layout.check_vehicle_id(vehicle_id): {
                "then": str(entry["then"]),
                "days": [dt.date.fromisoformat(day).isoformat() for day in entry["days"]],
            }
            for vehicle_id, entry in state["vehicles"].items()
        }
        objects = {
            RawObject.parse(key).key: {
                "then": str(entry["then"]),
                "until": float(entry["until"]),
                "times": min(int(entry["times"]), 30),
            }
            for key, entry in state["objects"].items()
        }
    except (NotFound, BadKey, ValueError, KeyError, TypeError, AttributeError):
        return {}, {}
    return vehicles, objects
