"""Everything of a soak that runs: store, gate, vehicles, Dagster on PostgreSQL, the service. What is started dies with it.

Whoever dies in between is started again, as a service manager does.
"""

import json
import os
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.background import Background
from benchmarks.fleet_stack import Fleet, Sampler, Service, running
from benchmarks.soak_clock import SteppedClock
from benchmarks.soak_gate import Gate
from telemetry_pipeline.lake.store import Store
from tests.oidc import AUDIENCE, Issuer
from tests.s3_server import BUCKET, S3Server, SeaweedFS
from tests.servers import free_port, wait_for_http

DISK_MEGABYTES: Final = 48
_WATCH_S: Final = 0.5


@dataclass
class Town:
    """What runs, and how to reach it.

    Attributes:
        folder: Where everything lies.
        fleet: Dagster's services; its environment makes a command part of the town.
        store: The lake past the gate.
        seaweed: The process that keeps it.
        gate: What everybody else goes through.
        issuer: Who signs the tokens of the service's callers.
        api: The service's address.
        services: Every process that is watched, by name.
        restarts: How often each was started again.
        resting: Those that are not started again.
        full_disk: The folder of a small file system of its own with a vehicle's spool; None where none can be had.
        clock: The wall clock of the vehicles; None where there is no C compiler.
    """

    folder: Path
    fleet: Fleet
    store: Store
    seaweed: SeaweedFS
    gate: Gate
    issuer: Issuer
    api: str
    services: dict[str, Service]
    restarts: Counter[str] = field(default_factory=Counter)
    resting: set[str] = field(default_factory=set)
    full_disk: Path | None = None
    clock: SteppedClock | None = None

    @property
    def vehicles(self) -> list[str]:
        """The vehicles that drive."""
        return [name for name in self.services if name.startswith("SOAK_")]

    def spool(self, vehicle: str) -> Path:
        """Where a vehicle's windows wait."""
        return spool_of(self.folder, vehicle)

    def book(self, vehicle: str) -> Path:
        """Where a vehicle's bus writes what it handed over."""
        return self.folder / f"{vehicle}.book"

    def ask_dagster(self, query: str, **variables: object) -> dict[str, Any]:
        """What its webserver answers to a question of its page.

        Raises:
            OSError: It does not answer.
            RuntimeError: It refuses.
        """
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.fleet.dagster}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as response:
            answer: dict[str, Any] = json.load(response)
        if not answer.get("data"):
            raise RuntimeError(json.dumps(answer)[:500])
        return dict(answer["data"])


def spool_of(folder: Path, vehicle: str) -> Path:
    """The first vehicle's lies on a disk of its own."""
    return folder / ("disk" if vehicle == vehicle_name(0) else "spools") / vehicle


def vehicle_name(number: int) -> str:
    """The id of a vehicle."""
    return f"SOAK_{number:02d}"


class Watch(Background):
    """Starts what died again, as long as the block runs."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self._town = town

    def _run(self) -> None:
        while not self._over.wait(_WATCH_S):
            for name, service in self._town.services.items():
                if name not in self._town.resting and service.process.poll() is not None:
                    self._town.restarts[name] += 1
                    service.start()


@contextmanager
def town(folder: Path, vehicles: int, sampler: Sampler) -> Iterator[Town]:
    """Start everything over an empty lake."""
    with ExitStack() as stack:
        (folder / "seaweed").mkdir()
        seaweed = stack.enter_context(SeaweedFS.started(folder / "seaweed"))
        sampler.roots["store"] = seaweed.process.pid
        gate = Gate(seaweed.port)
        stack.callback(gate.close)
        server = S3Server.at(gate.port)
        lake = {**server.env, "TELEMETRY_LAKE": f"s3://{BUCKET}/soak", "TELEMETRY_CATALOG": "none"}
        stack.callback(_end_the_left_over, folder)
        fleet = stack.enter_context(running(folder, "postgres", sampler, lake))
        issuer = Issuer()
        stack.callback(issuer.close)
        port = free_port()
        sign_in = {"TELEMETRY_AUTH_ISSUER": issuer.url, "TELEMETRY_AUTH_AUDIENCE": AUDIENCE}
        api = Service(
            "service",
            ["telemetry", "serve", "--port", str(port)],
            folder,
            {**fleet.env, **sign_in},
            sampler,
        )
        stack.callback(api.end)
        url = f"http://127.0.0.1:{port}"
        wait_for_http(f"{url}/health", api.process, log=api.log)
        disk = _small_disk(folder / "disk", stack)
        clock = _stepped_clock(folder / "clock")
        cars = {}
        for name in map(vehicle_name, range(vehicles)):
            spool_of(folder, name).parent.mkdir(exist_ok=True)
            command = [
                "-m",
                "benchmarks.soak_vehicle",
                name,
                str(spool_of(folder, name)),
                str(folder / f"{name}.book"),
            ]
            cars[name] = Service(
                name,
                [sys.executable, *command],
                folder,
                {**fleet.env, **(clock.env if clock else {})},
                sampler,
            )
            stack.callback(cars[name].end)
        yield Town(
            folder,
            fleet,
            _past_the_gate(seaweed.server),
            seaweed,
            gate,
            issuer,
            url,
            {**fleet.services, "service": api, **cars},
            full_disk=disk,
            clock=clock,
        )


def _past_the_gate(server: S3Server) -> Store:
    os.environ.update({name: value for name, value in server.env.items() if name != "AWS_ENDPOINT_URL"})
    return Store.open(f"s3://{BUCKET}/soak", endpoint_url=server.endpoint)


def _stepped_clock(folder: Path) -> SteppedClock | None:
    with suppress(OSError):
        return SteppedClock(folder)
    return None


def _end_the_left_over(folder: Path) -> None:
    """Runs and servers whose parent was killed: whoever has this soak's instance."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if (
                process.environ().get("DAGSTER_HOME") == str(folder / "dagster")
                and process.pid != os.getpid()
            ):
                process.kill()


def _small_disk(folder: Path, stack: ExitStack) -> Path | None:
    """A file system of its own, where this user may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEGABYTES}m", "tmpfs", str(folder)]
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(mount, check=True, capture_output=True)
        stack.callback(subprocess.run, ["umount", "-l", str(folder)], check=False)
        return folder
    return None
