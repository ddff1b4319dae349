"""The sign of life of a drain run: a small object in the lake's `_state/`, renewed while the run works.

A run whose process was killed, or whose machine lost power, stays "started" in Dagster's books for ever; without
a sign of life nobody may start the next one.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from telemetry_pipeline.errors import NotFound, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

BEAT_S: Final = 10.0
DEAD_AFTER_S: Final = 60.0


@contextmanager
def beating(store: Store, run_id: str, name: str) -> Iterator[None]:
    """Show that a run is alive for as long as the block runs; `name` tells apart those that may run at once."""
    over = threading.Event()

    def beat() -> None:
        while True:
            with suppress(
                TransientError
            ):  # a store that is away for a moment is the work's trouble, not the sign's
                store.put(_key(name), json.dumps({"run_id": run_id, "at": time.time()}).encode())
            if over.wait(BEAT_S):
                return

    thread = threading.Thread(target=beat, name="drain-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_alive(store: Store, run_id: str, name: str) -> bool:
    """Whether a run has shown a sign of life within `DEAD_AFTER_S`."""
    try:
        beat = json.loads(store.get(_key(name)))
        return bool(beat["run_id"] == run_id and time.time() - beat["at"] < DEAD_AFTER_S)
    except (NotFound, ValueError, KeyError, TypeError):
        return False


def _key(name: str) -> str:
    return f"{layout.STATE}alive-{name}.json"
