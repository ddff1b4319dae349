"""The inbox of a `file://` lake: looks only into day-directories that changed since they were looked at.

A change is the time at which the file system last changed a directory's entries, which no copying tool can set back.
Days in use (around today, or changed within the hour) are asked each time. All others are walked through a piece at
a time, so that a late upload into any of a fleet's years of days is found within a minute or two, and a look never
takes longer than a few seconds however large the lake is.
"""

import datetime as dt
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.inbox import folder_day
from telemetry_pipeline.inbox.folder_marks import Day, FolderMarks
from telemetry_pipeline.inbox.inbox import Inbox
from telemetry_pipeline.inbox.stray_watch import StrayWatch
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject
from telemetry_pipeline.lake.store import TICK_NS, Store

SETTLE_NS: Final = TICK_NS
"""A directory counts as looked at only when its last change is older."""

WARM_NS: Final = 3_600_000_000_000
"""A day that changed within this time is asked each time, however old it is."""

WALK_SHARE: Final = 0.04
FIRST_WALK_SHARE: Final = 0.25
WALK_MIN_S: Final = 0.02
WALK_MAX_S: Final = 3.0
"""How much CPU time, of the time since the last look, goes into walking through the other days, and its limits."""

_DAY_NUMBERS: Final = (1, 0, -1)


class FolderInbox(Inbox):
    """What waits in a lake that is a folder.

    Args:
        store: The lake.
        root: Its folder.
    """

    def __init__(self, store: Store, root: Path) -> None:
        super().__init__(store)
        self._root = root
        self._marks = FolderMarks(store, self._clock_ns())
        self._strays = StrayWatch(store)
        self._hot: dict[str, tuple[dt.date, list[tuple[Day, Partition, Path]]]] = {}
        self._turn = 0
        self._walk_missed = False
        # by day: the change that was looked at, whether it had settled then, and what was found and is not settled
        self._in_hand: dict[Day, tuple[int, bool, set[RawObject]]] = {}

    def settle(self, raw: RawObject) -> None:
        """See `Inbox.settle`; a day of which nothing is in hand any more has been looked at."""
        super().settle(raw)
        self._out_of_hand(raw)

    def leave(self, raw: RawObject, error: TelemetryError) -> None:
        """See `Inbox.leave`."""
        super().leave(raw, error)
        self._out_of_hand(raw)  # it is in the memory of what is set aside now

    def strays(self) -> list[str]:
        """See `Inbox.strays`; looked for once an hour."""
        return self._strays.look()

    def save(self) -> None:
        """Write the memories, first of what is set aside: the marks rely on it."""
        super().save()
        self._marks.save()

    def _pending(self, partition: Partition) -> list[RawObject]:
        return folder_day.pending(self._root, partition)

    def _find(self) -> Iterator[RawObject]:
        now_ns = self._clock_ns()
        vehicles = sorted(
            name
            for entry in _folders(self._root / layout.RAW)
            if (name := layout.vehicle_of(entry.name)) is not None
        )
        # whoever is asked first is decoded first: take turns, also with old days while much lands into today's
        walk_first, self._walk_missed = self._walk_missed, True
        if walk_first:
            yield from self._walk(vehicles, now_ns)
        self._turn = (self._turn + 1) % max(len(vehicles), 1)
        for vehicle_id in (*vehicles[self._turn :], *vehicles[: self._turn]):
            for day, partition, path in self._days_in_use(vehicle_id):
                yield from self._ask(day, partition, path, now_ns)
        yield from self._ask_warm(now_ns)
        if not walk_first:
            yield from self._walk(vehicles, now_ns)

    def _days_in_use(self, vehicle_id: str) -> list[tuple[Day, Partition, Path]]:
        today = dt.datetime.now(dt.UTC).date()
        known = self._hot.get(vehicle_id)
        if known is None or known[0] != today:
            days = [Partition(vehicle_id, today + dt.timedelta(days=number)) for number in _DAY_NUMBERS]
            known = self._hot[vehicle_id] = (today, [self._located(partition) for partition in days])
        return known[1]

    def _located(self, partition: Partition) -> tuple[Day, Partition, Path]:
        path = self._root / partition.prefix(layout.RAW)
        return (partition.vehicle_id, partition.date.isoformat()), partition, path

    def _ask_warm(self, now_ns: int) -> Iterator[RawObject]:
        warm = [day for day, mark in self._marks.days.items() if now_ns - mark < WARM_NS]
        for vehicle_id, date in warm:
            located = self._located(Partition(vehicle_id, dt.date.fromisoformat(date)))
            yield from self._ask(*located, now_ns)

    def _ask(self, day: Day, partition: Partition, path: Path, now_ns: int) -> Iterator[RawObject]:
        try:
            changed_ns = path.stat().st_ctime_ns
        except (FileNotFoundError, NotADirectoryError):
            return
        if self._marks.seen(day, changed_ns):
            return
        found = self._look_into(day, partition, changed_ns, now_ns)
        if not found and now_ns - changed_ns > SETTLE_NS:
            self._marks.mark_day(day, changed_ns)
        yield from found

    def _look_into(self, day: Day, partition: Partition, changed_ns: int, now_ns: int) -> list[RawObject]:
        """What waits in a day that changed."""
        if self._aside.holds_vehicle(partition.vehicle_id):
            self._aside.note(partition)
            return []
        found = [raw for raw in self._pending(partition) if not self._aside.holds(raw)]
        known, _, waiting = self._in_hand.get(day, (0, False, set()))
        if not found and known != changed_ns:
            # something changed, and no name is new: perhaps an object was written over
            since_ns = self._marks.days.get(day, self._marks.vehicles.get(day[0]))
            if since_ns is not None:
                found = folder_day.rewritten(self._root, partition, since_ns - SETTLE_NS)
                found = [raw for raw in found if not self._aside.holds(raw)]
        if found:
            settled = now_ns - changed_ns > SETTLE_NS
            self._in_hand[day] = (changed_ns, settled, waiting | set(found))
        return found

    def _out_of_hand(self, raw: RawObject) -> None:
        day = raw.partition.vehicle_id, raw.partition.date.isoformat()
        changed_ns, settled, waiting = self._in_hand.get(day, (0, False, set()))
        waiting.discard(raw)
        if not waiting and settled:
            self._marks.mark_day(day, changed_ns)

    def _walk(self, vehicles: list[str], now_ns: int) -> Iterator[RawObject]:
        """Look through all days of the vehicles whose turn it is, for a share of the time since the last look."""
        marks = self._marks
        share = FIRST_WALK_SHARE if len(marks.vehicles) < len(vehicles) else WALK_SHARE
        spare_s = (now_ns - marks.looked_ns) / 1e9 * share
        spare_s = min(max(spare_s, WALK_MIN_S), WALK_MAX_S)
        # of CPU time, so that others on the machine do not stop it; a slow disk still may
        cpu_end, end = time.thread_time() + spare_s, time.monotonic() + WALK_MAX_S
        marks.walked(marks.next_vehicle, now_ns)
        later = [name for name in vehicles if name >= marks.next_vehicle]
        order = [*later, *vehicles[: len(vehicles) - len(later)]]
        for vehicle_id, following in zip(order, [*order[1:], *order[:1]], strict=True):
            yield from self._walk_vehicle(vehicle_id, now_ns)
            marks.walked(following, now_ns)
            if time.thread_time() >= cpu_end or time.monotonic() >= end:
                break
        self._walk_missed = False

    def _walk_vehicle(self, vehicle_id: str, now_ns: int) -> Iterator[RawObject]:
        before_ns = self._marks.vehicles.get(vehicle_id, -1)
        looked_at: list[tuple[Day, int]] = []
        clean = True
        for entry, changed_ns, parents_ns in _day_folders(self._root, vehicle_id):
            # a month that was moved here brings days that have not changed for long
            if max(changed_ns, parents_ns) < before_ns:
                continue
            path = Path(entry.path).relative_to(self._root).as_posix()
            if (partition := layout.partition_of(path, layout.RAW)) is None:
                continue
            day = vehicle_id, partition.date.isoformat()
            if self._marks.days.get(day) == changed_ns:
                continue
            if found := self._look_into(day, partition, changed_ns, now_ns):
                clean = False
                yield from found
            elif now_ns - changed_ns > SETTLE_NS:
                looked_at.append((day, changed_ns))
            else:
                clean = False
        if clean and now_ns - SETTLE_NS > before_ns:
            self._marks.mark_vehicle(vehicle_id, now_ns - SETTLE_NS)
        else:
            for day, changed_ns in looked_at:
                self._marks.mark_day(day, changed_ns)

    def _clock_ns(self) -> int:
        """The file system's time, which may not be this machine's."""
        path = self._root / layout.STATE / "clock"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return path.stat().st_ctime_ns


def _day_folders(root: Path, vehicle_id: str) -> Iterator[tuple["os.DirEntry[str]", int, int]]:
    """The day-directories of a vehicle, each with its last change, and that of the directories that it lies in."""
    folder = root / layout.vehicle_prefix(layout.RAW, vehicle_id)
    try:
        vehicle_ns = folder.stat().st_ctime_ns
    except FileNotFoundError:
        return
    for year, year_ns in _dated(folder):
        for month, month_ns in _dated(year.path):
            for day, day_ns in _dated(month.path):
                yield day, day_ns, max(vehicle_ns, year_ns, month_ns)


def _dated(path: "Path | str") -> Iterator[tuple["os.DirEntry[str]", int]]:
    """The directories in one, each with its last change; without those that went away since they were listed."""
    for entry in _folders(path):
        try:
            changed_ns = entry.stat().st_ctime_ns
        except FileNotFoundError:
            continue
        yield entry, changed_ns


def _folders(path: "Path | str") -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(path) as entries:
            return [entry for entry in entries if entry.is_dir()]
    except FileNotFoundError:
        return []
