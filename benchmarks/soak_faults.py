"""What goes wrong in a soak, one after the other: each fault is begun, lasts, is taken away, and is written down."""

import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from itertools import count, cycle
from typing import Final

import psutil
import pyarrow as pa

from benchmarks.background import Background
from benchmarks.fleet_lander import MINUTE_NS, body_of
from benchmarks.soak_gate import Mode
from benchmarks.soak_hostile import hostile_bodies
from benchmarks.soak_settle import stale
from benchmarks.soak_town import DISK_MEGABYTES, Town
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.lake import ledger
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from tests.raw_lake import EV_DBC, add_dbc

LATE: Final = "LATE_01"
LATE_DAYS: Final = 5
HOSTILE: Final = "HOSTILE_01"
BURST: Final = 300
BURST_FRAMES: Final = 100
HOSTILE_AT_ONCE: Final = 8
_SCALES: Final = ("0.2", "0.05", "0.1")
_LASTS_S: Final = 12.0
_BEGINS_S: Final = 90.0
_STARTED: Final = (
    "{ runsOrError(filter: {statuses: [STARTED]}) { ... on Runs { results { tags { key } } } } }"
)


class Faults(Background):
    """Makes things go wrong for as long as the block runs.

    Args:
        town: Where.
        template: Frames that late objects are made of.
        pause_s: How long all is well in between.
        seed: The same choices again.

    Attributes:
        happened: What went wrong, by name.
        broken: Faults of the soak itself.
        missed: What found nothing to strike, such as a process that was not there.
        outages: When the store could not be reached, as (from, to) of `time.monotonic`: what answers then may be errors.
        landed: Keys of objects that were put into the lake by hand, by what they are.
    """

    def __init__(self, town: Town, template: pa.Table, pause_s: float, seed: int = 1) -> None:
        super().__init__()
        self.happened: list[str] = []
        self.outages: list[tuple[float, float]] = []
        self.broken: list[str] = []
        self.missed: Counter[str] = Counter()
        self.landed: dict[str, list[str]] = {"late": [], "burst": [], "hostile": []}
        self._town = town
        self._template = template
        self._pause_s = pause_s
        self._random = random.Random(seed)
        self._hostile = hostile_bodies(self._random, body_of(template, HOSTILE, time.time_ns()))
        self._scales = cycle(_SCALES)
        self._away = count(1)

    def _run(self) -> None:
        for name, happen in cycle(self._program()):
            if self._over.wait(self._pause_s):
                return
            try:
                struck = happen() is not False
            except Exception as error:  # whatever it is, the soak must not go on as if there were faults
                self.broken.append(f"the fault {name!r} could not be made: {error!r}")
                continue
            if not struck:
                self.missed[name] += 1
            else:
                print(f"  {time.strftime('%H:%M:%S')} {name}", file=sys.stderr, flush=True)
                self.happened.append(name)

    def _program(self) -> list[tuple[str, Callable[[], bool | None]]]:
        kill = {
            name: (f"kill -9 the {name}", partial(self._kill_service, name))
            for name in ("code server", "daemon", "webserver", "service")
        }
        return [
            ("kill -9 a vehicle", self._kill_vehicle),
            ("late object", self._land_late),
            ("kill -9 a decoding process in a burst of uploads", self._kill_decoder),
            ("store refuses", partial(self._gate, "shut")),
            ("another database", self._change_database),
            ("power cut of the code server while it decodes again", self._cut_backfill),
            ("hostile objects", self._land_hostile),
            ("disk full", self._fill_disk),
            kill["daemon"],
            ("clocks step", self._step_clocks),
            ("store is slow", partial(self._gate, "slow")),
            ("kill -9 a vehicle", self._kill_vehicle),
            kill["code server"],
            kill["service"],
            kill["webserver"],
            ("late object", self._land_late),
            ("kill -9 a run", self._kill_run),
            ("store is silent", partial(self._gate, "silent")),
            ("kill -9 PostgreSQL's process", self._kill_postgres),
            ("kill -9 the store", self._kill_store),
        ]

    def _kill_vehicle(self) -> None:
        self._kill_service(self._random.choice(self._town.vehicles))

    def _kill_service(self, name: str) -> None:
        self._town.services[name].process.kill()

    def _kill_decoder(self) -> bool:
        """A vehicle that was away brings so much at once that processes are started for it.

        A new one each time: what a vehicle of today brings of earlier hours is found late in a bucket without events.
        """
        vehicle = f"AWAY_{next(self._away):02d}"
        now = time.time_ns()
        frames = self._template.slice(0, BURST_FRAMES)
        brought = {
            RawObject.starting(vehicle, start_ns).key: body_of(frames, vehicle, start_ns)
            for start_ns in range(now - BURST * MINUTE_NS, now, MINUTE_NS)
        }
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(partial(self._put, "burst"), brought, brought.values()))
        return self._kill_child("decoder_worker")

    def _kill_run(self) -> bool:
        """One that decodes again what another database made stale, as soon as it has a process."""
        return self._change_database() and self._launch_backfill() and self._kill_child("spawn_main")

    def _kill_child(self, word: str) -> bool:
        """Kill one of the code server's processes whose command has a word in it, once there is one."""
        deadline = time.monotonic() + _BEGINS_S
        while time.monotonic() < deadline and not self._over.wait(0.1):
            with suppress(psutil.Error):
                root = psutil.Process(self._town.services["code server"].process.pid)
                found = [each for each in root.children(recursive=True) if word in " ".join(each.cmdline())]
                if found:
                    self._random.choice(found).kill()
                    return True
        return False

    def _cut_backfill(self) -> bool:
        """What is stale is decoded again, and everything of the code server's machine dies with that run."""
        if not (self._launch_backfill() and self._until(self._backfill_runs)):
            return False
        try:
            root = psutil.Process(self._town.services["code server"].process.pid)
            everything = [root, *root.children(recursive=True)]
        except psutil.Error:
            return False
        for process in everything:
            with suppress(psutil.Error):
                process.kill()
        return True

    def _launch_backfill(self) -> bool:
        """Have what is stale decoded again; whether anything was."""
        return self._until(lambda: bool(stale(self._town, "--launch")["backfill"]))

    def _until(self, holds: Callable[[], bool]) -> bool:
        """Ask again until it holds; the webserver may be on its way."""
        deadline = time.monotonic() + _BEGINS_S
        while time.monotonic() < deadline and not self._over.wait(0.2):
            with suppress(OSError, RuntimeError, TelemetryError):
                if holds():
                    return True
        return False

    def _backfill_runs(self) -> bool:
        runs = self._town.ask_dagster(_STARTED)["runsOrError"]["results"]
        return any(tag["key"] == "dagster/backfill" for run in runs for tag in run["tags"])

    def _step_clocks(self) -> bool:
        """An hour ahead, an hour behind, and right again."""
        if self._town.clock is None:
            return False
        for seconds in (3600, -3600, 0):
            self._town.clock.step(seconds)
            self._over.wait(_LASTS_S / 2 if seconds else 0)
        return True

    def _kill_postgres(self) -> bool:
        """A server process: PostgreSQL then breaks every connection and recovers."""
        port = self._town.fleet.env["DAGSTER_POSTGRES_URL"].rpartition(":")[2].partition("/")[0]
        for process in psutil.process_iter(["cmdline"]):
            command = process.info["cmdline"] or []
            if command and command[0].endswith("/postgres") and port in command:
                with suppress(psutil.Error, IndexError):
                    process.children()[-1].kill()
                    return True
        return False

    def _kill_store(self) -> None:
        began = time.monotonic()
        self._town.seaweed.kill()
        self._over.wait(3.0)
        self._town.seaweed.start()
        self.outages.append((began, time.monotonic()))

    def _gate(self, mode: Mode) -> None:
        began = time.monotonic()
        self._town.gate.shut(mode)
        self._over.wait(_LASTS_S)
        self._town.gate.shut("open")
        self.outages.append((began, time.monotonic()))

    def _fill_disk(self) -> bool:
        disk = self._town.full_disk
        if disk is None:
            return False
        ballast = disk / "ballast"
        with suppress(OSError), ballast.open("wb") as file:
            for _ in range(DISK_MEGABYTES * 16):
                file.write(bytes(1 << 16))
                file.flush()
        self._over.wait(_LASTS_S)
        ballast.unlink()
        return True

    def _land_late(self) -> None:
        start_ns = (
            time.time_ns()
            - self._random.randint(1, LATE_DAYS) * DAY_NS
            - self._random.randint(1, 60) * MINUTE_NS
        )
        raw = RawObject.starting(LATE, start_ns)
        self._put("late", raw.key, body_of(self._template, LATE, start_ns))

    def _land_hostile(self) -> None:
        for _ in range(HOSTILE_AT_ONCE):
            raw = RawObject.starting(HOSTILE, time.time_ns() - self._random.randint(1, 10**12))
            self._put("hostile", raw.key, next(self._hostile))

    def _change_database(self) -> bool:
        """The same messages with another scale: what was decoded before, and something was, is stale."""
        if not self._until(self._has_decoded):
            return False
        scale = next(self._scales)
        text = EV_DBC.read_text().replace(
            "SG_ Motor_Torque : 16|16@1+ (0.1,0)", f"SG_ Motor_Torque : 16|16@1+ ({scale},0)"
        )
        changed = self._town.folder / EV_DBC.name
        changed.write_text(text)
        add_dbc(self._town.store, changed)
        return True

    def _has_decoded(self) -> bool:
        partition = Partition.containing(self._town.vehicles[0], time.time_ns())
        return bool(ledger.read_ledger(self._town.store, partition).decoded)

    def _put(self, kind: str, key: str, body: bytes) -> None:
        with suppress(TelemetryError):  # what did not land is not counted
            self._town.store.put(key, body, create_only=True)
            self.landed[kind].append(key)
