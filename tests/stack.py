"""Dagster's code server, webserver and daemon as real processes over one lake, and the questions that its UI asks."""

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from typer.testing import CliRunner

from telemetry_pipeline.cli.main import app
from tests.servers import ended, free_port, wait_for_http, wait_until

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORKSPACE = ["-w", str(ROOT / "deploy" / "instance" / "workspace.yaml")]
"""Where the code server is; it is started by nobody but us."""


@dataclass(frozen=True)
class Stack:
    """A lake with everything that works on it; `env` makes a command part of it."""

    lake: Path
    env: dict[str, str]
    dagster: str

    def telemetry(self, *arguments: str) -> str:
        """What a `telemetry` command prints, in this process: starting takes longer than most of them work."""
        result = CliRunner().invoke(app, arguments, env=self.env)
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        return result.stdout

    def status(self) -> dict[str, Any]:
        """What waits and what is done, by vehicle."""
        return json.loads(self.telemetry("status", "--json"))

    def graphql(self, query: str, **variables: object) -> dict[str, Any]:
        """Ask Dagster what its UI would ask."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.dagster}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def materializations(self) -> dict[str, list[dict[str, Any]]]:
        """The numbers of all materializations of every partition of decoded_signals, the newest first."""
        query = """{ assetNodes(assetKeys: [{path: ["decoded_signals"]}]) { assetMaterializations(limit: 1000) {
            partition metadataEntries { label ... on IntMetadataEntry { intValue } } } } }"""
        (node,) = self.graphql(query)["assetNodes"]
        found: dict[str, list[dict[str, Any]]] = {}
        for event in node["assetMaterializations"]:
            numbers = {entry["label"]: entry.get("intValue") for entry in event["metadataEntries"]}
            found.setdefault(event["partition"], []).append(numbers)
        return found


def make_home(folder: Path) -> Path:
    """A DAGSTER_HOME with the instance of one machine and its database.

    Two processes that find no database both make one, and one of them loses: it is made before they start.
    """
    home = folder / "dagster"
    home.mkdir()
    (home / "dagster.yaml").write_text((ROOT / "telemetry_pipeline" / "defs" / "dagster.yaml").read_text())
    with dg.DagsterInstance.from_config(str(home)):  # it makes what is not there
        pass
    return home


@contextmanager
def code_server(folder: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """Start the process that holds the definitions and starts the runs; the environment for those who look for it.

    Daemon and webserver would each start one of their own, and the daemon another one every minute.
    """
    port = free_port()
    command = [BIN / "dagster", "api", "grpc", "-h", "127.0.0.1", "-p", str(port)]
    log = folder / "code.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "-m", "telemetry_pipeline.definitions"],
            env=env,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def listens() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5.0):
            return True
        return False

    with ended(process):
        wait_until(listens, "the code server to listen")
        yield {**env, "DAGSTER_CODE_HOST": "127.0.0.1", "DAGSTER_CODE_PORT": str(port)}


@contextmanager
def daemon_running(folder: Path, env: dict[str, str]) -> Iterator[None]:
    """Start Dagster's daemon and its code server alone: nobody looks at pages, and its sensors take what lands.

    Args:
        folder: For its home and its log.
        env: What makes it part of a lake.
    """
    env = {**os.environ, **env, "DAGSTER_HOME": str(make_home(folder))}
    with ExitStack() as stack:
        env = stack.enter_context(code_server(folder, env))
        log = stack.enter_context((folder / "daemon.log").open("wb"))
        process = subprocess.Popen(
            [BIN / "dagster-daemon", "run", *WORKSPACE],
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        stack.enter_context(ended(process))
        yield


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start Dagster over an empty lake in a folder; end what was started."""
    home, lake = make_home(folder), folder / "lake"
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        env = {**os.environ, "DAGSTER_HOME": str(home), "TELEMETRY_LAKE": lake.as_uri()}
        env = stack.enter_context(code_server(folder, env))
        commands = {
            "daemon": [BIN / "dagster-daemon", "run", *WORKSPACE],
            "webserver": [BIN / "dagster-webserver", *WORKSPACE, "-h", "127.0.0.1", "-p", str(port)],
        }
        for name, command in commands.items():
            log = stack.enter_context((folder / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                command, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
            stack.enter_context(ended(process))
        wait_for_http(f"{url}/server_info", process, log=folder / "webserver.log")
        yield Stack(lake, env, url)
