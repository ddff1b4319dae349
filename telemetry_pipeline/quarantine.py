"""Set an object aside that cannot be decoded: its bytes as they are, and beside them why.

Whether an object can be decoded is `process`' business. The raw object itself is never touched.
"""

import datetime as dt
import json
import logging
from typing import Final

from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.lake.strays import quarantine_key_of
from telemetry_pipeline.version import __version__

_log: Final = logging.getLogger(__name__)


def quarantine(store: Store, raw: RawObject, body: bytes, reason: str) -> None:
    """Quarantine a raw object that cannot be read as frames.

    Raises:
        TransientError: The store does not answer.
    """
    _copy(store, raw.key, raw.quarantine_key, body, reason)


def quarantine_stray(store: Store, key: str) -> None:
    """Quarantine an object under raw/ whose key is not that of a raw object; one that is gone is left alone."""
    try:
        RawObject.parse(key)
    except BadKey as error:
        reason = error.what
    else:
        return
    try:
        body = store.get(key)
    except NotFound:
        return
    _copy(store, key, quarantine_key_of(key), body, reason)


def _copy(store: Store, key: str, jail: str, body: bytes, reason: str) -> None:
    """Write the reason, then the bytes: they are what counts as dealt with."""
    what = {
        "raw_key": key,
        "reason": reason,
        "bytes": len(body),
        "sha256": digest(body),
        "when": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": __version__,
    }
    store.put(f"{jail}.json", json.dumps(what, indent=2).encode())
    store.put(jail, body)
    _log.warning("quarantined: %r: %s", key, reason)
