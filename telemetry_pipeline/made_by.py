"""What a decoded object was made by, and which of these a partition holds: marks beside the lake, one per kind.

Before anybody writes a decoded object, a mark says that its partition holds objects of that making. So the marks of a
partition name at least everything that is in it, and one listing tells partitions that are surely as today's databases
would have them from those whose footers must be asked. Marks may be deleted at any time: the footers are the truth.
Whether a partition is stale is `stale`'s business.
"""

import datetime as dt
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.decode.plan import Plan
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.version import DECODER_VERSION

_FOLDER: Final = f"{layout.STATE}made_by/"

RENEW_S: Final = 900.0
"""A process that goes on writing into a partition renews its mark this often."""

KEPT_S: Final = 3600.0
"""A mark that is younger may belong to somebody who is still at work, and is not taken away."""

_REMEMBERED_MAX: Final = 100_000


class _Remembered:
    """Which marks this process has written lately."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at: OrderedDict[str, float] = OrderedDict()

    def is_due(self, name: str) -> bool:
        with self._lock:
            return time.monotonic() - self._at.get(name, float("-inf")) >= RENEW_S

    def note(self, name: str) -> None:
        with self._lock:
            self._at[name] = time.monotonic()
            self._at.move_to_end(name)
            while len(self._at) > _REMEMBERED_MAX:
                self._at.popitem(last=False)


_written: Final = _Remembered()


@dataclass(frozen=True)
class Mark:
    """That a partition may hold objects of one making; `modified_ns` is when somebody last said so."""

    partition: Partition
    making: str
    modified_ns: int

    @property
    def key(self) -> str:
        """Where it lies."""
        return _key(self.partition, self.making)


def footer_of(plan: Plan) -> dict[str, str]:
    """What a plan writes into the footers of its objects: databases as they are bound, and the decoder's version."""
    ages = sorted({scope.since for scope in plan.scopes})
    databases = [
        # which of two is the newer one decides only where there are several ages
        scope.to_dict() | ({"age": ages.index(scope.since)} if len(ages) > 1 else {})
        for scope in plan.scopes
    ]
    strict = {"strict_length": "1"} if plan.strict_length else {}
    return {"dbc": json.dumps(databases), "code_version": DECODER_VERSION, **strict}


def making_of(footer: Mapping[str, str]) -> str:
    """The name of a making: a digest of the footer entries of `footer_of`, the same for equal ones."""
    try:
        databases = json.loads(footer.get("dbc", "null"))
    except ValueError:
        databases = footer.get("dbc")
    told = [databases, footer.get("code_version"), footer.get("strict_length")]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def write_mark(store: Store, partition: Partition, footer: Mapping[str, str], *, anew: bool = False) -> None:
    """Say that a partition will hold objects of a making, unless this process said so lately.

    Args:
        store: The lake.
        partition: The partition.
        footer: The entries of `footer_of`.
        anew: Say it even so.

    Raises:
        TransientError: The store does not answer.
    """
    key = _key(partition, making_of(footer))
    name = f"{store.url} {key}"
    if anew or _written.is_due(name):
        entries = {
            entry: footer[entry] for entry in ("dbc", "code_version", "strict_length") if entry in footer
        }
        store.put(key, json.dumps(entries).encode())
        _written.note(name)


def read_marks(store: Store, vehicle_id: str) -> dict[Partition, list[Mark]]:
    """The marks of a vehicle's partitions (one listing)."""
    found: dict[Partition, list[Mark]] = {}
    for info in store.list_objects(f"{_FOLDER}{vehicle_id}/"):
        date, _, making = info.key.rpartition("/")[2].partition("~")
        try:
            partition = Partition(vehicle_id, dt.date.fromisoformat(date))
        except ValueError:
            continue  # not a mark
        found.setdefault(partition, []).append(Mark(partition, making, info.modified_ns))
    return found


def describe(store: Store, mark: Mark) -> dict[str, str]:
    """The footer entries of a mark's making; none when it is gone or unreadable."""
    try:
        entries = json.loads(store.get(mark.key))
        return {str(name): str(text) for name, text in entries.items()}
    except (NotFound, ValueError, AttributeError):
        return {}


def settle(store: Store, partition: Partition, making: str) -> None:
    """Take away the marks of other makings, once every object of a partition is known to be of this one.

    A young mark stays: whoever wrote it may be about to write its object.
    """
    oldest_kept_ns = time.time_ns() - int(KEPT_S * 1e9)
    for mark in read_marks(store, partition.vehicle_id).get(partition, []):
        if mark.making != making and mark.modified_ns < oldest_kept_ns:
            store.delete(mark.key)


def _key(partition: Partition, making: str) -> str:
    return f"{_FOLDER}{partition.vehicle_id}/{partition.date.isoformat()}~{making}"
