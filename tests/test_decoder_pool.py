"""Several processes decode what one would, and one that dies takes nothing with it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from telemetry_pipeline import decoder_pool
from telemetry_pipeline.decoder_pool import DecoderPool
from telemetry_pipeline.drain import DecoderHere
from telemetry_pipeline.errors import BadDbc, Unforeseen
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from tests.raw_lake import NOON, SECOND, add_dbc, land
from tests.servers import wait_until

pytestmark = pytest.mark.slow


@pytest.fixture
def raws(folder_lake: Store, monkeypatch: pytest.MonkeyPatch) -> list[RawObject]:
    monkeypatch.setattr(decoder_pool, "WORTH_STARTING", 2)
    add_dbc(folder_lake)
    return [land(folder_lake, "EV_1", NOON + minute * 60 * SECOND) for minute in range(30)]


@pytest.fixture
def pool(folder_lake: Store) -> Iterator[DecoderPool]:
    with DecoderPool(folder_lake, processes=2) as pool:
        yield pool


def test_processes_and_this_process_write_the_same_bytes(
    folder_lake: Store, raws: list[RawObject], pool: DecoderPool
) -> None:
    here = {outcome.raw: outcome for outcome in DecoderHere(folder_lake).decode(raws)}
    bytes_here = {raw: folder_lake.get(raw.decoded_key) for raw in raws}
    for raw in raws:
        folder_lake.delete(raw.decoded_key)
    there = {outcome.raw: outcome for outcome in pool.decode(raws)}
    assert there == here
    assert {raw: folder_lake.get(raw.decoded_key) for raw in raws} == bytes_here


def test_what_goes_wrong_comes_back_as_what_it_is(
    folder_lake: Store, raws: list[RawObject], pool: DecoderPool
) -> None:
    folder_lake.put(layout.BINDINGS, b"bindings: [{vehicles: EV_1, dbc: missing.dbc}]")
    outcomes = list(pool.decode(raws))
    assert {type(outcome.failed) for outcome in outcomes} == {BadDbc}
    assert "missing.dbc" in str(outcomes[0].failed)
    folder_lake.delete(layout.BINDINGS)
    folder_lake.put(raws[3].key, b"PAR1 torn")
    folder_lake.delete(raws[4].key)
    ends = {outcome.raw: outcome for outcome in pool.decode(raws)}
    assert ends[raws[3]].quarantined
    assert "no such object" in str(ends[raws[4]].failed)
    assert sum(outcome.report is not None for outcome in ends.values()) == 28


def test_a_process_that_is_killed_loses_nothing(
    folder_lake: Store, raws: list[RawObject], pool: DecoderPool
) -> None:
    ends: list[RawObject] = []
    for outcome in pool.decode(raws):
        assert outcome.report is not None
        if len(ends) in (0, 10):
            os.kill(pool._workers[len(ends) // 10].process.pid, signal.SIGKILL)
        ends.append(outcome.raw)
    assert sorted(ends) == raws
    assert all(folder_lake.head(raw.decoded_key) for raw in raws)


@pytest.fixture
def deadly(raws: list[RawObject], pool: DecoderPool, monkeypatch: pytest.MonkeyPatch) -> RawObject:
    """An object of which a real process dies, as one does that runs out of memory."""
    raw = raws[7]
    program = (
        "import os, sys, runpy, telemetry_pipeline.decoder_worker as worker\n"
        "honest = worker.DecoderHere.decode\n"
        "def decode(self, raws):\n"
        f"    if raws[0].stem == {raw.stem!r}: os.kill(os.getpid(), 9)\n"
        "    return honest(self, raws)\n"
        "worker.DecoderHere.decode = decode\n"
        "worker.main()\n"
    )
    monkeypatch.setattr(pool, "_command", [sys.executable, "-c", program, *pool._command[3:]])
    return raw


def test_whoever_stops_at_a_failure_leaves_a_pool_that_works(
    raws: list[RawObject], deadly: RawObject, pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "WORTH_STARTING", 1)
    decoding = pool._decode_there([deadly])
    assert isinstance(next(decoding).failed, Unforeseen)
    decoding.close()
    assert {outcome.report is not None for outcome in pool.decode(raws[:3])} == {True}


def test_an_object_that_ends_every_process_is_found_and_the_others_are_decoded(
    raws: list[RawObject], deadly: RawObject, pool: DecoderPool
) -> None:
    ends = {outcome.raw: outcome for outcome in pool.decode(raws)}
    assert sorted(ends) == raws
    assert {raw for raw, outcome in ends.items() if outcome.report is None} == {deadly}
    assert isinstance(ends[deadly].failed, Unforeseen)
    assert "-9" in str(ends[deadly].failed)


def test_a_process_that_is_stuck_is_replaced(
    raws: list[RawObject], pool: DecoderPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(pool.decode(raws))  # they have started, and an answer takes a moment
    monkeypatch.setattr(decoder_pool, "STUCK_S", 5.0)
    decoding = iter(pool.decode(raws))
    ends = [next(decoding).raw]
    os.kill(pool._workers[0].process.pid, signal.SIGSTOP)
    ends += [outcome.raw for outcome in decoding]
    assert sorted(ends) == raws


def test_little_work_starts_no_process(folder_lake: Store) -> None:
    add_dbc(folder_lake)
    raw = land(folder_lake, "EV_1")
    with DecoderPool(folder_lake) as pool:
        (outcome,) = pool.decode([raw])
        assert outcome.report is not None
        assert pool._workers == []


def test_processes_end_with_whoever_started_them(folder_lake: Store, raws: list[RawObject]) -> None:
    program = (
        "import sys, time\n"
        "from telemetry_pipeline import decoder_pool\n"
        "from telemetry_pipeline.lake.layout import RawObject\n"
        "from telemetry_pipeline.lake.store import Store\n"
        "decoder_pool.WORTH_STARTING = 1\n"
        "pool = decoder_pool.DecoderPool(Store.open(sys.argv[1]), processes=2)\n"
        "list(pool.decode([RawObject.parse(key) for key in sys.argv[2:]]))\n"
        "print(*(worker.process.pid for worker in pool._workers), flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", program, folder_lake.url, *(raw.key for raw in raws)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert len(pids) == 2
        parent.kill()
    wait_until(lambda: not any(_lives(pid) for pid in pids), "the processes to end")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
