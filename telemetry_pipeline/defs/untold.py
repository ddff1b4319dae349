"""Which partitions Dagster has not been told of yet, noted in the lake for the run after this one."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Tally


class Untold:
    """The note of the runs of one name, of which there is one at a time.

    Args:
        store: The lake.
        name: Whose note it is.
    """

    def __init__(self, store: Store, name: str) -> None:
        self._store = store
        self._key = f"{layout.STATE}untold-{name}.json"
        self._noted = set(self.read())

    def read(self) -> dict[Partition, Tally]:
        """What runs before left untold: with counts if they handed it over, without if they were killed."""
        try:
            plain = json.loads(self._store.get(self._key))
            tallies = [_from_plain(item) for item in plain]
        except (NotFound, BadKey, ValueError, TypeError, KeyError, AttributeError):
            return {}
        return {item.partition: item for item in tallies}

    def expect(self, partitions: Iterable[Partition]) -> None:
        """Note partitions of which something will be decoded now."""
        if new := set(partitions) - self._noted:
            self._noted |= new
            self._write({partition: Tally(partition) for partition in self._noted})

    def told(self, partition: Partition) -> None:
        """Dagster knows of a partition; the note is written with the next change."""
        self._noted.discard(partition)

    def hand_over(self, tallies: Mapping[Partition, Tally]) -> None:
        """Leave these, and nothing else, to the next run."""
        self._noted = set(tallies)
        self._write(tallies)

    def _write(self, tallies: Mapping[Partition, Tally]) -> None:
        plain = [_to_plain(tallies[partition]) for partition in sorted(tallies)]
        self._store.put(self._key, json.dumps(plain).encode())


def _to_plain(item: Tally) -> dict[str, object]:
    plain: dict[str, object] = {
        "vehicle_id": item.partition.vehicle_id,
        "date": item.partition.date.isoformat(),
    }
    if item.decoded or item.quarantined:
        plain["decoded"] = item.decoded
        plain["quarantined"] = item.quarantined
        plain["report"] = replace(item.report, signals=()).to_dict()
    return plain


def _from_plain(plain: Mapping[str, object]) -> Tally:
    partition = Partition(str(plain["vehicle_id"]), dt.date.fromisoformat(str(plain["date"])))
    item = Tally(partition)
    if isinstance(report := plain.get("report"), dict):
        item.report = Report.from_dict(report)
        item.decoded = int(str(plain["decoded"]))
        quarantined = plain["quarantined"]
        item.quarantined = dict(quarantined) if isinstance(quarantined, dict) else {}
    return item
