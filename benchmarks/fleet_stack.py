"""Dagster as a fleet runs it, and what its processes take: daemon, webserver, code server, runs, decoding processes."""

import datetime as dt
import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from benchmarks.background import Background
from tests import postgres
from tests.servers import ended, free_port, wait_for_http
from tests.stack import BIN, ROOT

SAMPLE_S: Final = 2.0
GROUPS: Final = ("daemon", "webserver", "code server", "runs", "decoding processes", "postgres", "lander")
APART: Final = ("lander", "vehicles", "store")
"""What stands for the world outside: its memory is not the fleet's."""


@dataclass
class Usage:
    """What the processes of each group took.

    Attributes:
        cpu: CPU seconds by group.
        memory: Resident bytes of all groups but those `APART`, sample by sample: (seconds since the start, bytes).
        peak: The most resident bytes of each group.
    """

    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    memory: list[tuple[float, int]] = field(default_factory=list)
    peak: dict[str, int] = field(default_factory=lambda: defaultdict(int))


class Sampler(Background):
    """Looks at the processes every two seconds; what one takes in its last two is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.usage = Usage()
        self.roots: dict[str, int] = {}
        self._seen: dict[tuple[int, float], float] = {}
        self._begun = time.monotonic()

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_S):
            self._sample()
        self._sample()

    def _sample(self) -> None:
        memory: dict[str, int] = defaultdict(int)
        for group, pid in list(self.roots.items()):
            try:
                root = psutil.Process(pid)
                family = [root, *root.children(recursive=True)]
            except psutil.Error:
                continue
            for process in family:
                try:
                    name = _group(group, process)
                    times, size = process.cpu_times(), process.memory_info().rss
                    identity = process.pid, process.create_time()
                except psutil.Error:
                    continue
                took = times.user + times.system
                self.usage.cpu[name] += took - self._seen.get(identity, 0.0)
                self._seen[identity] = took
                memory[name] += size
        for name, size in memory.items():
            self.usage.peak[name] = max(self.usage.peak[name], size)
        total = sum(size for name, size in memory.items() if name not in APART)
        self.usage.memory.append((time.monotonic() - self._begun, total))


def _group(root: str, process: psutil.Process) -> str:
    if root != "code server":
        return root
    command = " ".join(process.cmdline())
    if "decoder_worker" in command:
        return "decoding processes"
    return "runs" if "spawn_main" in command or "execute_run" in command else root


class Service:
    """A process that can be started again; it is ended with its group.

    Args:
        name: What it is called, as the sampler's group and its log.
        command: How it is started.
        folder: Where its log goes.
        env: Its environment.
        sampler: Is told where to look.
    """

    def __init__(
        self, name: str, command: list[str], folder: Path, env: dict[str, str], sampler: Sampler
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = [str(BIN / command[0]), *command[1:]]
        self._env = env
        self._sampler = sampler
        self.start()

    def start(self) -> None:
        """Start it, for the first time or after its end."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                env=self._env,
                cwd=self.log.parent,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._sampler.roots[self.name] = self.process.pid

    def end(self) -> None:
        """End it."""
        with ended(self.process):
            pass


@dataclass(frozen=True)
class Fleet:
    """Running services over one lake; `env` makes a command part of them, `lake` is the folder unless it is elsewhere."""

    lake: Path
    home: Path
    env: dict[str, str]
    dagster: str
    services: dict[str, Service]


@contextmanager
def running(
    folder: Path, storage: str, sampler: Sampler, elsewhere: Mapping[str, str] | None = None
) -> Iterator[Fleet]:
    """Start the services over an empty lake in a folder, or elsewhere by its variables; end what was started."""
    home, lake = folder / "dagster", folder / "lake"
    home.mkdir()
    lake.mkdir()
    env = {**os.environ, "DAGSTER_HOME": str(home), "TELEMETRY_LAKE": lake.as_uri()}
    env |= elsewhere or {}
    env |= {"DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1", "PYTHONPATH": str(ROOT)}
    env["DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR"] = "1"
    # a lake that is empty when the code server starts is tracked from long ago on, as a small one is
    env["TELEMETRY_TRACK_FROM"] = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=90)).isoformat()
    with ExitStack() as stack:
        instance = ROOT / "telemetry_pipeline" / "defs" / "dagster.yaml"
        if storage == "postgres":
            instance = ROOT / "deploy" / "instance" / "postgres.yaml"
            env["DAGSTER_POSTGRES_URL"] = stack.enter_context(postgres.running())
            sampler.roots["postgres"] = _postmaster(env["DAGSTER_POSTGRES_URL"])
        (home / "dagster.yaml").write_text(instance.read_text())
        subprocess.run([BIN / "dagster", "instance", "migrate"], env=env, capture_output=True, check=True)
        code, web = free_port(), free_port()
        (home / "workspace.yaml").write_text(
            f"load_from:\n- grpc_server: {{host: 127.0.0.1, port: {code}, location_name: can_telemetry}}\n"
        )
        workspace = ["-w", str(home / "workspace.yaml")]
        commands = {
            "code server": [
                "dagster",
                "code-server",
                "start",
                "-h",
                "127.0.0.1",
                "-p",
                str(code),
                "-m",
                "telemetry_pipeline.definitions",
            ],
            "daemon": ["dagster-daemon", "run", *workspace],
            "webserver": [
                "dagster-webserver",
                *workspace,
                "-h",
                "127.0.0.1",
                "-p",
                str(web),
                "--live-data-poll-rate",
                "15000",
            ],
        }
        services = {name: Service(name, command, folder, env, sampler) for name, command in commands.items()}
        for service in services.values():
            stack.callback(service.end)
        url = f"http://127.0.0.1:{web}"
        web_service = services["webserver"]
        wait_for_http(f"{url}/server_info", web_service.process, log=web_service.log)
        yield Fleet(lake, home, env, url, services)


def _postmaster(url: str) -> int:
    """The process that listens where the URL says."""
    port = url.rpartition(":")[2].partition("/")[0]
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command and command[0].endswith("/postgres") and port in command:
            return process.pid
    raise RuntimeError(f"no process of PostgreSQL on port {port}")
