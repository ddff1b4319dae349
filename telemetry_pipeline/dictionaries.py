"""Putting the data dictionaries of databases into the lake, before rows are decoded with them.

What is in a dictionary is `decode.meaning`'s business, who reads it the doors'.
"""

import logging
import threading
from collections.abc import Iterable
from typing import Final

from telemetry_pipeline.decode.dbc import Dbc
from telemetry_pipeline.decode.meaning import meanings_of
from telemetry_pipeline.errors import BadRaw, NotFound, TelemetryError
from telemetry_pipeline.lake.dictionary import dictionary_key, dump, load
from telemetry_pipeline.lake.store import Store

_log: Final = logging.getLogger(__name__)

_REMEMBERED_MAX: Final = 10_000


class _Remembered:
    """Which dictionaries this process knows to be in which lake."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[tuple[str, str]] = set()

    def __contains__(self, item: tuple[str, str]) -> bool:
        with self._lock:
            return item in self._known

    def note(self, item: tuple[str, str]) -> None:
        with self._lock:
            if len(self._known) >= _REMEMBERED_MAX:
                self._known.clear()
            self._known.add(item)


_there: Final = _Remembered()


def publish(store: Store, dbcs: Iterable[Dbc]) -> None:
    """See to it that the dictionaries of databases are in the lake: one request for each, once per process.

    Rows do not wait for their names: where a dictionary cannot be written, that is logged and tried again the next
    time.
    """
    for dbc in dbcs:
        item = (store.url, dbc.sha256)
        if item in _there:
            continue
        try:
            _put(store, dbc)
        except TelemetryError as error:
            _log.warning("%s: its data dictionary is not in the lake: %s", dbc.name, error)
        else:
            _there.note(item)


def _put(store: Store, dbc: Dbc) -> None:
    key = dictionary_key(dbc.sha256)
    try:
        load(store.get(key), key)
    except (NotFound, BadRaw):  # not there, or written by another version
        store.put(key, dump(dbc.name, meanings_of(dbc)))
