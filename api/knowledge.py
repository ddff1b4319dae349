"""What the lake says beside samples: what signals mean, and whether an answer is still what it was.

Both are told from listings and footers that are remembered, never from samples.
"""

import hashlib
from weakref import WeakKeyDictionary

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.dictionary import Dictionary
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.meanings import Meanings
from telemetry_pipeline.query.object_reader import ObjectReader
from telemetry_pipeline.query.vehicle_days import Day, Days


class Knowledge:
    """What is known of a lake. Safe to use from several threads.

    Args:
        store: The lake; None: nothing is known.
        reader: Who answers: where it reads objects, its listing is asked, too. One of another moment could name an
            object that the answer lacks.
    """

    def __init__(self, store: Store | None, reader: object = None) -> None:
        self._store = store
        self._meanings = None if store is None else Meanings(store)
        objects = getattr(reader, "objects", None)
        if store is not None and not isinstance(objects, ObjectReader):
            objects = ObjectReader(store, 1)
        self._objects: ObjectReader | None = None if store is None else objects
        self._digests: WeakKeyDictionary[Day, bytes] = WeakKeyDictionary()
        self._told: WeakKeyDictionary[Days, str] = WeakKeyDictionary()

    def dictionary(self, vehicle_id: str, end_ns: int | None = None) -> Dictionary:
        """What a vehicle's signals mean (see `Meanings.of`)."""
        return Dictionary() if self._meanings is None else self._meanings.of(vehicle_id, end_ns)

    def vehicle_ids(self) -> list[str] | None:
        """The vehicles with decoded objects, sorted, from one listing; None where nobody knows.

        Raises:
            TransientError: The store does not answer.
        """
        return None if self._store is None else ledger.vehicles(self._store, layout.DECODED)

    def fingerprint(self, vehicle_id: str, start_ns: int, end_ns: int) -> str | None:
        """What changes when an object of a vehicle's range is written, replaced or removed; None where nobody knows.

        Raises:
            BadKey: It is not a vehicle id.
            TransientError: The store does not answer.
        """
        if self._objects is None:
            return None
        objects = self._objects

        def told() -> str:
            days = objects.days.days(vehicle_id, start_ns, end_ns)
            if (known := self._told.get(days)) is None:
                known = hashlib.sha256(b"".join(self._digest(objects, day) for day in days)).hexdigest()
                self._told[days] = known
            return known

        return objects.again(told)

    def _digest(self, objects: ObjectReader, day: Day) -> bytes:
        """What stands for the objects of a day; remembered for as long as the day is."""
        if (known := self._digests.get(day)) is None:
            infos = objects.days.objects(day)
            names = "".join(f"{info.key}\n{info.etag}\n" for info in infos)
            known = self._digests[day] = hashlib.sha256(names.encode()).digest()
        return known
