"""When the compaction of every night was last through: the task leaves a mark, the function of every hour looks at it.

A night that fails tells so itself. One that is never begun, because its schedule was switched off or removed, tells
nothing: only somebody else can miss it.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

FOLDER: Final = f"{layout.STATE}nights/"
MISSED_AFTER: Final = timedelta(hours=50)
"""A night begins up to six hours late and ends within twenty: two of them that are through lie no further apart."""

_KEY: Final = f"{FOLDER}last.json"


def note_night(store: Store, said: Mapping[str, object]) -> None:
    """Leave word that a night is through, however it went.

    Args:
        store: The lake.
        said: What became of its days.

    Raises:
        TransientError: The store does not answer.
    """
    store.put(_KEY, json.dumps(dict(said)).encode())


def miss_nights(store: Store, now_ns: int) -> None:
    """See that a night was through lately. A lake without a mark has had none yet, and nothing is missed.

    Args:
        store: The lake, of which one folder is listed.
        now_ns: The time, in nanoseconds since 1970.

    Raises:
        TransientError: The last night is too long ago, or the store does not answer.
    """
    last = max((info.modified_ns for info in store.list_objects(FOLDER)), default=None)
    if last is not None and (hours := (now_ns - last) / 3_600e9) > MISSED_AFTER / timedelta(hours=1):
        raise TransientError(
            f"no compaction of a night was through for {hours:.0f} hours",
            f"{store.url}/{_KEY}",
            "Look whether its schedule is switched on, and what the task said last",
        )
