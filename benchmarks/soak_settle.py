"""The end of a soak: vehicles stop in order, what waits is decoded, what is stale is decoded again. Dagster does it all."""

import json
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from benchmarks.soak_town import Town
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.lake import layout, ledger
from tests.servers import wait_until
from tests.stack import BIN

SETTLE_S: Final = 900.0

_ROUNDS: Final = f"{layout.STATE}listed.json"
_FORGET_S: Final = 30.0
_LOOK_S: Final = 3.0
_UNDER_WAY: Final = ("REQUESTED", "CANCELING", "FAILING", "COMPLETING")
_BACKFILL: Final = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
    ... on PartitionBackfill { status } } }"""


def stop_vehicles(town: Town) -> list[str]:
    """End every agent in order; what is wrong.

    One whose spool is not empty then is started again, which also makes it try at once, and is ended when everything has
    landed.
    """
    problems = []
    for name in town.vehicles:
        town.resting.add(name)
        service = town.services[name]
        for _ in range(10):
            if service.process.poll() is not None:  # it has been ended, or it was just killed
                service.start()
                _wait(lambda name=name: town.spool(name).exists() and not waiting_in(town, name))
            service.process.terminate()
            service.process.wait(120)
            if not waiting_in(town, name):
                break
        else:
            problems.append(f"{name} could not land {len(waiting_in(town, name))} windows")
    return problems


def waiting_in(town: Town, vehicle: str) -> list[str]:
    """What waits in a vehicle's spool, journals apart while it runs."""
    running = town.services[vehicle].process.poll() is None
    names = [path.name for path in town.spool(vehicle).iterdir() if not path.name.startswith(".")]
    return [name for name in names if not (running and name.endswith(".journal"))]


def settle(town: Town) -> list[str]:
    """Wait until nothing waits and nothing is stale; what is left when that takes too long."""
    return _until_nothing_waits(town) or _until_nothing_is_stale(town) or _until_nothing_waits(town)


def _until_nothing_waits(town: Town) -> list[str]:
    """A bucket without events is looked through once an hour for what landed late; the soak has the hour forgotten."""
    deadline, forget = time.monotonic() + SETTLE_S, 0.0
    while left := pending(town):
        if time.monotonic() > deadline:
            return [f"{key} still waits to be decoded after {SETTLE_S:.0f} s" for key in left]
        if time.monotonic() > forget:
            town.store.delete(_ROUNDS)
            forget = time.monotonic() + _FORGET_S
        time.sleep(_LOOK_S)
    return []


def pending(town: Town) -> list[str]:
    """The keys of everything that waits to be decoded."""
    partitions = ledger.all_partitions(town.store)
    return [raw.key for each in partitions for raw in ledger.read_ledger(town.store, each).pending]


def _until_nothing_is_stale(town: Town) -> list[str]:
    """Backfills of what is stale, one after the other: who lost what to a fault is begun again."""
    deadline = time.monotonic() + SETTLE_S
    launched: list[str] = []
    said = ""
    while time.monotonic() < deadline:
        try:
            under_way = bool(launched) and backfill_status(town, launched[-1]) in _UNDER_WAY
            found = stale(town) if under_way else stale(town, "--launch")
        except (TelemetryError, OSError, RuntimeError) as error:
            said = str(error)
        else:
            if not found["stale"]:
                return []
            launched += [str(found["backfill"])] if found["backfill"] else []
            said = json.dumps({"stale": found["stale"], "untracked": found["untracked"]})
        time.sleep(_LOOK_S)
    ends = [f"{each} {backfill_status(town, each)}" for each in launched]
    return [f"stale after {SETTLE_S:.0f} s and the backfills {ends}: {said}"]


def stale(town: Town, *options: str) -> dict[str, Any]:
    """What `telemetry stale` answers.

    Raises:
        RuntimeError: It fails.
    """
    command = [str(BIN / "telemetry"), "stale", "--dagster", town.fleet.dagster, "--json", *options]
    done = subprocess.run(command, env=town.fleet.env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stdout + done.stderr)[-1000:])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def backfill_status(town: Town, backfill: str) -> str:
    """How far a backfill is, as Dagster's page says."""
    found = town.ask_dagster(_BACKFILL, id=backfill)["partitionBackfillOrError"]
    return str(found.get("status", found["__typename"]))


def _wait(condition: Callable[[], bool]) -> None:
    with suppress(AssertionError):  # what is left then is said
        wait_until(condition, "a vehicle to catch up", seconds=120, pause=0.2)
