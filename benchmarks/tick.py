"""How long the doorbell takes to look at a fleet's years: `python -m benchmarks.tick`.

A folder lake of 1,000 vehicles and 365 days each, every day decoded, is looked at as the sensor does: by an inbox that
is opened anew each time and knows what the lake's `_state/` says. First with no memory at all until every day has been
looked through, then with nothing new, then after a minute's objects have landed, then until an object that was landed
in the oldest day is found.
"""

import argparse
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.measure import Line, Result, at_most
from benchmarks.page import print_result
from telemetry_pipeline.inbox.open import open_inbox
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import Partition, RawObject, stem_of
from telemetry_pipeline.lake.store import Store

NAME: Final = "tick"
TICK_S: Final = 10.0
LIMIT_S: Final = 10.0


def build(root: Path, vehicles: int, days: int, today: dt.date) -> None:
    """Directories with one raw object, and its receipt, for every vehicle and day; the objects are empty."""
    for number in range(vehicles):
        for back in range(days):
            raw = _raw(number, today - dt.timedelta(days=back), 0)
            for key in (raw.key, raw.decoded_key):
                path = root / key
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()


def run(vehicles: int, days: int, folder: Path) -> Result:
    """Build the lake and look at it."""
    root = folder / "lake"
    today = dt.datetime.now(dt.UTC).date()
    begun = time.monotonic()
    build(root, vehicles, days, today)
    built_s = time.monotonic() - begun
    store = Store.open(root.as_uri())
    result = Result(
        NAME,
        f"One look of the doorbell at {vehicles:,} vehicles × {days} days, {vehicles * days:,} directories.",
    )
    result.notes.append(f"the lake was built in {built_s:.0f} s")

    walls, cpu = _ticks(store, lambda found: not found and _walked(store, vehicles), TICK_S)
    result.lines.append(_line("no memory: the longest look", walls, cpu, target=True))
    result.notes.append(
        f"without any memory every day has been looked through after {len(walls)} looks, {sum(cpu):.1f} s of CPU"
    )
    time.sleep(2.1)  # what changed within the last two seconds is looked at again
    walls, cpu = _ticks(store, lambda found: not found, TICK_S, at_least=5)
    result.lines.append(_line("nothing new", walls, cpu, target=True))

    for number in range(vehicles):
        (root / _raw(number, today, 1).key).touch()
    walls, cpu = _ticks(store, lambda found: found == vehicles, TICK_S, limit=vehicles)
    result.lines.append(_line(f"{vehicles:,} objects landed: finding all of them", walls, cpu, target=True))
    for number in range(vehicles):
        (root / _raw(number, today, 1).decoded_key).touch()

    time.sleep(2.1)
    _ticks(store, lambda found: not found, TICK_S, at_least=2)
    oldest = _raw(vehicles // 2, today - dt.timedelta(days=days - 1), 1)
    (root / oldest.key).touch()
    walls, cpu = _ticks(store, lambda found: found == 1, TICK_S)
    result.lines.append(_line("a late object in the oldest day: the longest look", walls, cpu, target=True))
    result.notes.append(
        f"the late object was found by look number {len(walls)}: one every {TICK_S:.0f} s, it waits "
        f"{(len(walls) - 1) * TICK_S:.0f} s"
    )
    size = (root / layout.STATE / "inbox.json").stat().st_size
    result.notes.append(f"the memory is {size / 1000:,.0f} kB")
    return result


def _ticks(
    store: Store,
    done: Callable[[int], bool],
    every_s: float,
    *,
    limit: int = 1,
    at_least: int = 1,
) -> tuple[list[float], list[float]]:
    """Wall and CPU seconds of looks until one of them is enough; the time between two is made up, not waited for."""
    walls: list[float] = []
    cpu: list[float] = []
    while True:
        _age(store, every_s)
        wall, processor = time.monotonic(), time.process_time()
        with open_inbox(store) as inbox:
            found = len(inbox.waiting(limit))
        walls.append(time.monotonic() - wall)
        cpu.append(time.process_time() - processor)
        if len(walls) >= at_least and done(found):
            return walls, cpu


def _age(store: Store, seconds: float) -> None:
    """Make the last look lie further back."""
    path = _memory(store)
    if path.exists():
        text = path.read_text()
        head, _, rest = text.partition(",")
        name, _, looked_ns = head.partition(":")
        path.write_text(f"{name}:{int(looked_ns) - int(seconds * 1e9)},{rest}")


def _walked(store: Store, vehicles: int) -> bool:
    """Whether every vehicle has a mark."""
    path = _memory(store)
    return path.exists() and path.read_text().partition('"days"')[0].count(":") >= vehicles + 3


def _memory(store: Store) -> Path:
    assert store.root is not None
    return store.root / layout.STATE / "inbox.json"


def _raw(number: int, date: dt.date, minute: int) -> RawObject:
    partition = Partition(f"V{number:05d}", date)
    return RawObject(partition, stem_of(partition.start_ns + minute * 60_000_000_000))


def _line(who: str, walls: list[float], cpu: list[float], *, target: bool) -> Line:
    took = f"{max(walls):.2f} s, {max(cpu):.2f} s CPU"
    return Line(who, took, **at_most(max(walls), LIMIT_S, "s")) if target else Line(who, took)  # type: ignore[arg-type]


def main() -> None:
    """Build the lake in a temporary folder, look at it, remove it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tick", description=__doc__)
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--folder", type=Path, help="where the lake is built; default: the temporary folder")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="tick-", dir=asked.folder))
    try:
        print_result(run(asked.vehicles, asked.days, folder))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
