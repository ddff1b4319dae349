"""When strays under raw/ are looked for: once an hour, because that lists everything."""

import json
import time
from typing import Final

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.lake.strays import find_strays

_KEY: Final = f"{layout.STATE}strays.json"

PERIOD_S: Final = 3600.0
OBJECTS_MAX: Final = 200_000
"""So many objects are listed at most; in a larger lake reconciliation meets what is not met here."""


class StrayWatch:
    """Remembers when strays were last looked for.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def look(self) -> list[str]:
        """Keys under raw/ that are no raw objects and not in quarantine yet; none within an hour of the last look."""
        now = time.time()
        if 0 <= now - self._last() < PERIOD_S:
            return []
        self._store.put(_KEY, json.dumps({"at": now}).encode())
        return find_strays(self._store, OBJECTS_MAX)

    def _last(self) -> float:
        try:
            return float(json.loads(self._store.get(_KEY))["at"])
        except (NotFound, ValueError, KeyError, TypeError):
            return 0.0
