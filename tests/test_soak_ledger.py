"""The ledger of a soak, over the frames of a real agent: it balances, and it does not when anything is wrong."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks.soak_ledger import Ledger, balance
from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.lake import ledger, parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_objects
from tests.raw_lake import EV_DBC, SECOND, add_dbc, frames
from tests.servers import ended, wait_until
from tests.stack import ROOT

CAR = "SOAK_00"


class Soak:
    """A lake with what one vehicle drove, and what the ledger needs to know of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store.open((folder / "lake").as_uri())
        env = {**os.environ, "TELEMETRY_LAKE": self.store.url, "PYTHONPATH": str(ROOT)}
        self.fleet, self.vehicles = SimpleNamespace(env=env), [CAR]
        add_dbc(self.store)

    def book(self, vehicle: str) -> Path:
        return self.folder / f"{vehicle}.book"

    def raws(self) -> list[RawObject]:
        found = ledger.all_partitions(self.store)
        return sorted(raw for each in found for raw in ledger.read_ledger(self.store, each).raw)

    def drive(self, until: Callable[[], object], what: str, *, kill: bool) -> None:
        """A life of the agent."""
        command = [sys.executable, "-m", "benchmarks.soak_vehicle", CAR]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*command, str(self.folder / "spool"), str(self.book(CAR))],
                env=self.fleet.env,
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with ended(process, gently=not kill):
            wait_until(until, what)
            if not kill:
                process.terminate()
                assert process.wait(60) == 0

    def handed_over(self) -> int:
        return len(self.book(CAR).read_text().splitlines()) if self.book(CAR).exists() else 0

    def decode(self) -> None:
        list(process_objects(self.store, Databases.load(self.store), self.raws()))

    def balance(self, **landed: list[str]) -> Ledger:
        town: Any = self
        return balance(town, landed)


@pytest.fixture(scope="module")
def soak(tmp_path_factory: pytest.TempPathFactory) -> Soak:
    """Killed in its first life, ended in order in its second."""
    soak = Soak(tmp_path_factory.mktemp("soak"))
    soak.drive(lambda: soak.handed_over() > 30, "three seconds of frames", kill=True)
    before = soak.handed_over()
    soak.drive(lambda: soak.handed_over() > before + 10, "a second of frames", kill=False)
    soak.decode()
    return soak


@pytest.mark.slow
def test_a_killed_agent_and_its_next_life_balance(soak: Soak) -> None:
    book = soak.balance(driven=[raw.key for raw in soak.raws()])
    assert book.problems == []
    assert book.balances
    assert book.lives == 2
    assert 0 < book.kept <= book.there <= book.sent
    assert book.rows["rows"] == book.rows["decoded_frames"] == book.there


@pytest.mark.slow
def test_a_lost_object_a_double_one_and_a_strange_one_are_told(soak: Soak) -> None:
    last = soak.raws()[-1]
    body = soak.store.get(last.key)
    rows = parquet.read_raw(body, last.key).num_rows

    other = RawObject(last.partition, "20990101T000000.000Z")
    soak.store.put(other.key, body)
    soak.decode()
    book = soak.balance()
    assert (book.twice, book.missing, book.strangers) == (rows, 0, 0)
    assert not book.balances

    soak.store.put(other.key, parquet.write_raw(frames(CAR, last.partition.start_ns + SECOND, 7)))
    soak.decode()
    book = soak.balance()
    assert (book.twice, book.missing, book.strangers) == (0, 0, 7)
    soak.store.delete(other.key)
    soak.store.delete(other.decoded_key)

    soak.store.delete(last.decoded_key)
    book = soak.balance()
    assert book.objects["waiting"] == 1
    assert any(said.startswith("telemetry verify: 1") for said in book.problems)

    soak.store.delete(last.key)
    book = soak.balance(driven=[last.key])
    assert (book.twice, book.missing, book.strangers) == (0, rows, 0)
    assert f"{last.key} landed and is gone" in book.problems

    soak.store.put(last.key, body)
    soak.decode()
    assert soak.balance().balances

    soak.store.put(f"dbc/{EV_DBC.name}", EV_DBC.read_bytes() + b"\nBO_ 2047 Extra: 8 Vector__XXX\n")
    assert f"{last.key} is decoded by a database of before" in soak.balance().problems
    add_dbc(soak.store)
