"""The databases of a lake, kept while `dbc/` stays as it is: read and compiled again only when something changed.

Which database decodes which vehicle is `bindings`' business.
"""

import threading

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store


class DatabaseCache:
    """What a long-lived process decodes with; safe to share between threads.

    Args:
        store: The lake.
        strict_length: Refuse frames shorter than their message.
    """

    def __init__(self, store: Store, *, strict_length: bool = False) -> None:
        self._store = store
        self._strict_length = strict_length
        self._lock = threading.Lock()
        self._fingerprint = ""
        self._databases: Databases | None = None

    def current(self) -> Databases:
        """The databases as they are now: one listing, and a load when the listing changed.

        Raises:
            TransientError: The store does not answer.
        """
        with self._lock:
            # taken before the load: what changes during it changes the next fingerprint
            fingerprint = self._store.fingerprint(layout.DBC)
            if self._databases is None or fingerprint != self._fingerprint:
                self._databases = Databases.load(self._store, strict_length=self._strict_length)
                self._fingerprint = fingerprint
            return self._databases
