"""What the lake says beside samples: what signals mean, and whether an answer is still what it was.

Both are told from listings and footers that are remembered, never from samples.
"""

import hashlib

from telemetry_pipeline.lake import layout, ledger
from telemetry_pipeline.lake.dictionary import Dictionary
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.query.meanings import Meanings
from telemetry_pipeline.query.object_reader import ObjectReader


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
        told = hashlib.sha256()
        for infos in self._objects.days.in_range(vehicle_id, start_ns, end_ns).values():
            for info in infos:
                told.update(f"{info.key}\n{info.etag}\n".encode())
        return told.hexdigest()
