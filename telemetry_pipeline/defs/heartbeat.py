"""The sign of life of a run: a small object in the lake's `_state/`, renewed while the run works.

A run whose process was killed together with whoever started it, or whose machine lost power, stays "started" in
Dagster's books for hours; without a sign of life nobody may do its work sooner. Who declares it failed is `lifeless`'
business and the doorbell's.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from telemetry_pipeline.errors import NotFound, TelemetryError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

BEAT_S: Final = 10.0
DEAD_AFTER_S: Final = 60.0

_FOLDER: Final = f"{layout.STATE}alive/"


@contextmanager
def beating(store: Store, run_id: str) -> Iterator[None]:
    """Show that a run is alive for as long as the block runs, and in the end that it need not show it any more.

    The sign stays: `lifeless` clears it away when the run is over.
    """
    over = threading.Event()

    def beat() -> None:
        while True:
            ends = over.is_set()
            sign = {"run_id": run_id, "at": time.time(), "over": ends}
            with suppress(
                TelemetryError
            ):  # a store that is away or refuses is the work's trouble, not the sign's
                store.put(_key(run_id), json.dumps(sign).encode())
            if ends:
                return
            over.wait(BEAT_S)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def is_alive(store: Store, run_id: str) -> bool:
    """Whether a run has shown a sign of life within `DEAD_AFTER_S`."""
    try:
        beat = json.loads(store.get(_key(run_id)))
        return bool(beat["run_id"] == run_id and time.time() - beat["at"] < DEAD_AFTER_S)
    except (NotFound, ValueError, KeyError, TypeError):
        return False


def owes_a_sign(store: Store, run_id: str) -> bool:
    """Whether a run has not said that it shows no more signs."""
    try:
        return not json.loads(store.get(_key(run_id)))["over"]
    except (NotFound, ValueError, KeyError, TypeError):
        return True


def signs_of_life(store: Store) -> dict[str, str]:
    """The runs that have shown a sign of life, and of each what changes with every sign (one listing).

    Raises:
        TransientError: The store does not answer.
    """
    found = {}
    for info in store.list_objects(_FOLDER):
        name = info.key.removeprefix(_FOLDER)
        if name.endswith(".json") and "/" not in name:
            found[name.removesuffix(".json")] = f"{info.modified_ns} {info.etag}"
    return found


def forget(store: Store, run_id: str) -> None:
    """Take away the sign of a run that is over."""
    store.delete(_key(run_id))


def _key(run_id: str) -> str:
    return f"{_FOLDER}{run_id}.json"
