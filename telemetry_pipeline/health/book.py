"""What is known of every partition, and which findings stand: kept in the lake's `_state/`, one object per day.

A finding stands until its own partition is judged without it; what happens to other partitions is nothing to it.
A lost book is written anew as partitions are decoded or inspected.
"""

import datetime as dt
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.health.health import Health
from telemetry_pipeline.health.judge import CHECKS, findings
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.thresholds import Thresholds

_FOLDER: Final = f"{layout.STATE}health/"
_FINDINGS: Final = f"{layout.STATE}findings.json"

STANDING_MAX: Final = 1000
"""Findings of one check that are kept one by one: the newest partitions; the others are counted."""

RECENT_S: Final = 30 * 86_400.0
"""Days that nobody has decoded anything of for longer are not judged again by themselves."""


@dataclass
class Findings:
    """What stands, by check and partition; `untold` counts those that are not kept one by one."""

    by_check: dict[str, dict[Partition, str]] = field(default_factory=lambda: {name: {} for name in CHECKS})
    untold: dict[str, int] = field(default_factory=dict)

    def of(self, partition: Partition) -> dict[str, str]:
        """The findings of one partition, by check."""
        return {name: held[partition] for name, held in self.by_check.items() if partition in held}

    def note(self, partition: Partition, found: Mapping[str, str]) -> None:
        """What a judgement of a partition says, instead of what the last one said."""
        for name, held in self.by_check.items():
            held.pop(partition, None)
            if name in found:
                held[partition] = found[name]


@dataclass(frozen=True)
class Change:
    """A finding that is new, or one that is gone (`text` is empty then)."""

    check: str
    partition: Partition
    text: str


class Book:
    """The health of a lake's partitions.

    Args:
        store: The lake.
        thresholds: What partitions are held against.
    """

    def __init__(self, store: Store, thresholds: Thresholds) -> None:
        self._store = store
        self._thresholds = thresholds

    def add(self, news: Mapping[Partition, Health]) -> list[Change]:
        """Add what a batch has decoded to what is known, and judge those partitions."""
        return self._update(news, whole=False)

    def replace(self, known: Mapping[Partition, Health]) -> list[Change]:
        """Put the whole counts of partitions in the place of what was known, and judge them."""
        return self._update(known, whole=True)

    def judge_again(self, now_s: float | None = None) -> list[Change]:
        """Judge every day that something was decoded of lately by today's thresholds."""
        oldest_ns = int(((now_s or time.time()) - RECENT_S) * 1e9)
        judged: dict[Partition, Health] = {}
        for info in self._store.list_objects(_FOLDER):
            if info.modified_ns >= oldest_ns and (date := _date(info.key)) is not None:
                judged.update(self.day(date))
        return self._judge(judged)

    def day(self, date: dt.date) -> dict[Partition, Health]:
        """What is known of the partitions of a day."""
        found = {}
        for vehicle_id, plain in _read(self._store, _key(date)).items():
            try:
                found[Partition(vehicle_id, date)] = Health.from_dict(plain)
            except (BadKey, TypeError, ValueError):
                continue  # another version's; it is written anew
        return found

    def days(self) -> list[dt.date]:
        """The days of which something is known, oldest first."""
        return sorted(
            date for info in self._store.list_objects(_FOLDER) if (date := _date(info.key)) is not None
        )

    def standing(self) -> Findings:
        """The findings that stand."""
        state = _read(self._store, _FINDINGS)
        found = Findings(untold={str(name): int(n) for name, n in dict(state.get("untold", {})).items()})
        for name, held in dict(state.get("findings", {})).items():
            if name in found.by_check:
                found.by_check[name] = dict(_parsed(held))
        return found

    def _update(self, news: Mapping[Partition, Health], *, whole: bool) -> list[Change]:
        judged: dict[Partition, Health] = {}
        for date in sorted({partition.date for partition in news}):
            held = self.day(date)  # read right before it is written: another run may have written, too
            for partition, item in news.items():
                if partition.date == date:
                    held[partition] = item if whole else held.get(partition, Health()) + item
                    judged[partition] = held[partition]
            body = {partition.vehicle_id: item.to_dict() for partition, item in sorted(held.items())}
            self._store.put(_key(date), json.dumps(body).encode())
        return self._judge(judged)

    def _judge(self, judged: Mapping[Partition, Health]) -> list[Change]:
        standing = self.standing()
        changes: list[Change] = []
        for partition, item in sorted(judged.items()):
            found = findings(item, self._thresholds.of(partition.vehicle_id))
            before = standing.of(partition)
            changes += [
                Change(name, partition, found.get(name, ""))
                for name in CHECKS
                if (name in found) != (name in before)
            ]
            if found != before:
                standing.note(partition, found)
        if changes or judged:
            self._save(standing)
        return changes

    def _save(self, standing: Findings) -> None:
        plain: dict[str, dict[str, str]] = {}
        for name, held in standing.by_check.items():
            newest = sorted(held, key=lambda partition: (partition.date, partition.vehicle_id), reverse=True)
            if len(newest) > STANDING_MAX:
                standing.untold[name] = standing.untold.get(name, 0) + len(newest) - STANDING_MAX
            elif not newest:
                standing.untold.pop(name, None)
            plain[name] = {
                f"{partition.vehicle_id} {partition.date.isoformat()}": held[partition]
                for partition in newest[:STANDING_MAX]
            }
        state = {"findings": plain, "untold": standing.untold}
        body = json.dumps(state).encode()
        if body != _bytes(self._store, _FINDINGS):
            self._store.put(_FINDINGS, body)


def _key(date: dt.date) -> str:
    return f"{_FOLDER}{date.isoformat()}.json"


def _date(key: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(key.rpartition("/")[2].removesuffix(".json"))
    except ValueError:
        return None


def _bytes(store: Store, key: str) -> bytes:
    try:
        return store.get(key)
    except NotFound:
        return b""


def _read(store: Store, key: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(store, key) or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _parsed(held: Mapping[str, str]) -> Iterator[tuple[Partition, str]]:
    for name, text in held.items():
        vehicle_id, _, date = name.partition(" ")
        try:
            yield Partition(vehicle_id, dt.date.fromisoformat(date)), str(text)
        except (BadKey, ValueError):
            continue
