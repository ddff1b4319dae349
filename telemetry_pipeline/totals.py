"""The counts of a whole partition, kept beside the lake's data so that nobody sums a day's receipts for each event.

The receipts' footers are the truth; a total is what they sum up to, with the number of decoded objects that it was
summed over. A number that is not what it should be, because a drain was killed or somebody else decoded, makes the
total be summed up anew.
"""

import json
import os
import time
from dataclasses import dataclass, replace
from typing import Final

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally, partition_total

BUCKET_CHECK_S: Final = 3600.0
"""A folder's objects are counted each time; a bucket's, which costs a listing, when a total is older than this."""

REMEMBERED_MAX: Final = 20_000


@dataclass(frozen=True)
class _Total:
    report: Report
    objects: int
    counted_at: float


class Totals:
    """The totals of a lake's partitions.

    Args:
        store: The lake.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Partition, _Total] = {}

    def add(self, tally: Tally) -> Report:
        """Add what a drain decoded in a partition since the last call, and give the partition's counts.

        Signals are left out, as in `partition_total`.

        Raises:
            TransientError: The store does not answer.
        """
        partition = tally.partition
        before = self._known.get(partition) or self._read(partition)
        total = self._added(before, tally) if before is not None else None
        if total is None:
            total = self._count_anew(partition)
        self._write(partition, total)
        return total.report

    def drop(self, partition: Partition) -> None:
        """Sum a partition up anew when it is asked for next."""
        self._known.pop(partition, None)
        self._store.delete(_key(partition))

    def _added(self, before: _Total, tally: Tally) -> _Total | None:
        """The total with what was decoded since, or None if the number of objects is not what it should be."""
        objects = before.objects + tally.decoded
        counted_at = before.counted_at
        if self._store.root is not None or time.time() - counted_at > BUCKET_CHECK_S:
            counted_at = time.time()
            if self._count(tally.partition) != objects:
                return None
        return _Total(before.report + replace(tally.report, signals=()), objects, counted_at)

    def _count_anew(self, partition: Partition) -> _Total:
        objects = self._count(partition)
        return _Total(partition_total(self._store, partition), objects, time.time())

    def _count(self, partition: Partition) -> int:
        """Decoded objects in the partition, those with rows of a neighbouring day among them."""
        prefix = partition.prefix(layout.DECODED)
        if self._store.root is None:
            return sum(1 for _ in self._store.list_objects(prefix))
        try:
            return len(os.listdir(self._store.root / prefix))  # noqa: PTH208  names alone, at the cost of names
        except FileNotFoundError:
            return 0

    def _read(self, partition: Partition) -> _Total | None:
        try:
            plain = json.loads(self._store.get(_key(partition)))
            return _Total(
                Report.from_dict(plain["report"]), int(plain["objects"]), float(plain["counted_at"])
            )
        except (NotFound, ValueError, KeyError, TypeError):
            return None

    def _write(self, partition: Partition, total: _Total) -> None:
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[partition] = total
        plain = {
            "report": total.report.to_dict(),
            "objects": total.objects,
            "counted_at": total.counted_at,
        }
        self._store.put(_key(partition), json.dumps(plain).encode())


def _key(partition: Partition) -> str:
    return f"{layout.STATE}totals/{partition.vehicle_id}/{partition.date.isoformat()}.json"
