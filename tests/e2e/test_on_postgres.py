"""Dagster as deploy/ runs it: PostgreSQL, code server, daemon and webserver as processes, killed at bad moments."""

import json
import math
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests import postgres
from tests.servers import free_port, wait_for_http, wait_until
from tests.stack import BIN, ROOT, Stack

pytestmark = [pytest.mark.slow, postgres.needs_postgres]

INSTANCE = ROOT / "deploy" / "instance"


@dataclass
class Fleet:
    """The processes of a deployment by name, each in a process group of its own."""

    folder: Path
    env: dict[str, str]
    commands: dict[str, list[str]]
    processes: "dict[str, subprocess.Popen[bytes]]" = field(default_factory=dict)

    def start(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                self.commands[name],
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def runs(self) -> list[psutil.Process]:
        """The processes of runs: the code server's children that decode."""
        found = []
        for process in psutil.Process(self.processes["code"].pid).children(recursive=True):
            with suppress(psutil.Error):  # it ends while it is looked at
                if "resource_tracker" not in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def at_work(self, lake: Path) -> list[psutil.Process]:
        """The same, once each run has given a sign of life.

        A run that is killed with its code server before it has begun is missed only when its five minutes of starting
        are over.
        """
        found = self.runs()
        born = []
        for process in found:
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(process.cmdline()):
                    born.append(process.create_time())
        signs = 0
        for path in (lake / "_state" / "alive").glob("*"):
            with suppress(FileNotFoundError):  # the run is over
                signs += path.stat().st_mtime > min(born, default=math.inf)
        return found if born and signs >= len(born) else []

    def kill(self, name: str) -> None:
        """Kill a process as the kernel does that has no memory left: it alone, and at once."""
        self.processes[name].kill()
        self.processes[name].wait()

    def end(self) -> None:
        for process in self.processes.values():
            for child in (
                [*psutil.Process(process.pid).children(recursive=True)] if process.poll() is None else []
            ):
                child.kill()
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, Stack]]:
    folder = tmp_path_factory.mktemp("fleet")
    home, lake = folder / "dagster", folder / "lake"
    home.mkdir()
    (home / "dagster.yaml").write_text((INSTANCE / "postgres.yaml").read_text())
    port, code_port = free_port(), free_port()
    workspace = ["-w", str(INSTANCE / "workspace.yaml")]
    code = ["api", "grpc", "-h", "127.0.0.1", "-p", str(code_port), "-m", "telemetry_pipeline.definitions"]
    commands = {
        "code": [str(BIN / "dagster"), *code],
        "daemon": [str(BIN / "dagster-daemon"), "run", *workspace],
        "webserver": [str(BIN / "dagster-webserver"), *workspace, "-h", "127.0.0.1", "-p", str(port)],
    }
    with ExitStack() as stack:
        env = {
            **os.environ,
            "DAGSTER_HOME": str(home),
            "DAGSTER_POSTGRES_URL": stack.enter_context(postgres.running()),
            "DAGSTER_CODE_HOST": "127.0.0.1",
            "DAGSTER_CODE_PORT": str(code_port),
            "TELEMETRY_LAKE": lake.as_uri(),
        }
        migrate = [BIN / "dagster", "instance", "migrate"]
        subprocess.run(migrate, env=env, capture_output=True, timeout=300, check=True)
        found = Fleet(folder, env, commands)
        stack.callback(found.end)
        for name in commands:
            found.start(name)
        url = f"http://127.0.0.1:{port}"
        wait_for_http(f"{url}/server_info", found.processes["webserver"], log=folder / "webserver.log")
        yield found, Stack(lake, env, url)


def land(stack: Stack, vehicles: list[str]) -> None:
    for vehicle in vehicles:
        drive = ("simulate", "--vehicle", vehicle, "--start", "2026-02-23T12:00:00Z", "--duration", "5m")
        stack.telemetry(*drive)


def pending(stack: Stack) -> int:
    return sum(line["pending"] for line in stack.status()["vehicles"])


def test_nothing_is_lost_whoever_is_killed(fleet: tuple[Fleet, Stack]) -> None:
    processes, stack = fleet
    stack.telemetry("dbc", "add", str(ROOT / "dbc" / "ev_powertrain.dbc"))
    landed: list[str] = []
    for round_, victims in enumerate((["daemon"], ["run"], ["daemon", "run", "code"])):
        vehicles = [f"EV_{round_}{k}" for k in range(3)]
        land(stack, vehicles)
        landed += vehicles
        running = wait_until(
            lambda: processes.at_work(stack.lake), f"a run at work in round {round_}", pause=0.2, seconds=600
        )
        for victim in victims:
            if victim == "run":
                for process in running:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
            else:
                processes.kill(victim)
        for victim in victims:
            if victim != "run":
                processes.start(victim)
    wait_until(lambda: pending(stack) == 0, "everything to be decoded", pause=1.0, seconds=900)

    proof = json.loads(stack.telemetry("verify", "--json"))
    assert proof
    partitions = {f"2026-02-23|{vehicle}" for vehicle in landed}
    wait_until(lambda: partitions <= set(stack.materializations()), "all events", pause=1.0)
    answer = stack.graphql(
        "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy required } } } }"
    )
    daemons = answer["instance"]["daemonHealth"]["allDaemonStatuses"]
    assert all(daemon["healthy"] for daemon in daemons if daemon["required"])
