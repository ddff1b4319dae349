"""The ledger of a soak: every frame that a bus handed over, looked for in the lake; every row of the lake, accounted for."""

import subprocess
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.soak_town import Town
from benchmarks.soak_vehicle import drive
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.report import CLASSES
from telemetry_pipeline.lake import layout, ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.parquet import read_raw
from telemetry_pipeline.lake.windows import stamps_of
from telemetry_pipeline.made_by import footer_of
from telemetry_pipeline.process import partition_total
from tests.stack import BIN

SAFE_NS = 1_000_000_000
"""What was handed over so long before a kill must be there."""


@dataclass
class Ledger:
    """What was sent, what is there.

    Attributes:
        sent: Frames that buses handed over.
        kept: Those that must be there: handed over a second before an end, or before a clean one.
        there: Frames of those buses in the lake.
        missing: Frames that must be there and are not.
        twice: Frames that are there more than once.
        strangers: Frames that no bus handed over.
        lives: How many agents were started.
        rows: The lake's rows, by what became of them.
        objects: The lake's objects, by what became of them.
        problems: What `telemetry verify` found, and what does not add up.
    """

    sent: int = 0
    kept: int = 0
    there: int = 0
    missing: int = 0
    twice: int = 0
    strangers: int = 0
    lives: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def balances(self) -> bool:
        """Whether nothing is missing, nothing is there twice, and all adds up."""
        return not (self.missing or self.twice or self.strangers or self.problems)


def balance(town: Town, landed: Mapping[str, list[str]]) -> Ledger:
    """Compare books and lake.

    Args:
        town: Its vehicles have ended, and nothing waits to be decoded.
        landed: Keys of objects that were put there by hand, by kind.
    """
    book = Ledger()
    for vehicle in town.vehicles:
        _compare(town, vehicle, book)
    _account(town, book)
    keys = {
        info.key for zone in (layout.RAW, layout.QUARANTINE) for info in town.store.list_objects(f"{zone}/")
    }
    lost = [key for kind in landed for key in landed[kind] if key not in keys]
    book.problems += [f"{key} landed and is gone" for key in lost]
    done = subprocess.run(
        [BIN / "telemetry", "verify"], env=town.fleet.env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        book.problems.append(f"telemetry verify: {done.returncode} {(done.stdout + done.stderr)[-2000:]}")
    return book


def _compare(town: Town, vehicle: str, book: Ledger) -> None:
    lives: dict[int, list[tuple[int, int]]] = {}
    for line in town.book(vehicle).read_text().splitlines():
        began, last, when = map(int, line.split())
        lives.setdefault(began, []).append((last, when))
    sent, kept = [], []
    last_life = next(reversed(lives))
    for began, handed in lives.items():
        last_words = handed[-1][1]
        # the last life ended cleanly: all of it must be there
        horizon = last_words if began == last_life else last_words - SAFE_NS
        upto = [
            max((last for last, when in handed if when <= limit), default=began - 1)
            for limit in (last_words, horizon)
        ]
        frames = stamps_of(drive(vehicle, began).frames(began, upto[0] + 1))
        sent.append(frames)
        kept.append(frames[frames <= upto[1]])
    all_sent, all_kept = (np.unique(np.concatenate(parts)) for parts in (sent, kept))
    there, counts = np.unique(_stamps(town, vehicle), return_counts=True)
    book.lives += len(lives)
    book.sent += len(all_sent)
    book.kept += len(all_kept)
    book.there += int(counts.sum())
    book.missing += len(np.setdiff1d(all_kept, there))
    book.twice += int((counts > 1).sum())
    book.strangers += len(np.setdiff1d(there, all_sent))


def _stamps(town: Town, vehicle: str) -> np.ndarray:
    """When each frame of a vehicle in the lake was received, int64 nanoseconds."""
    infos = town.store.list_objects(layout.vehicle_prefix(layout.RAW, vehicle))
    parts = [stamps_of(read_raw(town.store.get(info.key), info.key)) for info in infos]
    return np.concatenate([np.empty(0, np.int64), *parts])


def _account(town: Town, book: Ledger) -> None:
    """Every raw object, by what became of it, and every row of those that were decoded, by its class."""
    driven = 0
    databases = Databases.load(town.store)
    for partition in ledger.all_partitions(town.store):
        state = ledger.read_ledger(town.store, partition)
        book.objects["decoded"] += len(state.decoded)
        book.objects["quarantined"] += len(state.quarantined - state.decoded)
        book.objects["waiting"] += len(state.pending)
        total = partition_total(town.store, partition)
        if not total.adds_up():
            book.problems.append(f"{partition}: its rows do not add up")
        for name in CLASSES:
            book.rows[name] += getattr(total, name)
        wanted = footer_of(databases.plan_for(partition.vehicle_id, partition.date))["dbc"]
        # whatever the marks say, by which the program itself goes
        old = [raw.key for raw in state.decoded if _database_of(town, raw) != wanted]
        book.problems += [f"{key} is decoded by a database of before" for key in old]
        if partition.vehicle_id in town.vehicles:
            driven += total.rows
    if driven != book.there:
        book.problems.append(f"{book.there:,} frames of vehicles are there, receipts account for {driven:,}")
    if book.objects["waiting"]:
        book.problems.append(f"{book.objects['waiting']} objects wait")


def _database_of(town: Town, raw: RawObject) -> str:
    with town.store.open_file(raw.decoded_key) as file:
        return parquet.read_footer(parquet.open_object(file, raw.decoded_key))["dbc"]
