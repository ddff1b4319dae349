"""Dagster's webserver and daemon as real processes over one lake, and the questions that its UI asks."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from telemetry_pipeline.cli.main import app
from tests.servers import ended, free_port, wait_for_http

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
WORKSPACE = ["-w", str(ROOT / "workspace.yaml")]


@dataclass(frozen=True)
class Stack:
    """A lake with everything that works on it; `env` makes a command part of it."""

    lake: Path
    env: dict[str, str]
    dagster: str

    def telemetry(self, *arguments: str, check: bool = True) -> str:
        """What a `telemetry` command prints."""
        result = subprocess.run(
            [BIN / "telemetry", *arguments],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert not check or result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def status(self) -> dict[str, Any]:
        """`telemetry status --json`, in this process: who waits asks often, and starting takes longer than answering."""
        result = CliRunner().invoke(app, ["status", "--json"], env=self.env)
        assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
        return json.loads(result.stdout)

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
    env = {**os.environ, "DAGSTER_HOME": str(home)}
    migrate = [BIN / "dagster", "instance", "migrate"]
    subprocess.run(migrate, env=env, capture_output=True, timeout=300, check=True)
    return home


@contextmanager
def daemon_running(folder: Path, env: dict[str, str]) -> Iterator[None]:
    """Start Dagster's daemon alone: nobody looks at its pages, and its sensors take what lands.

    Args:
        folder: For its home and its log.
        env: What makes it part of a lake.
    """
    home = make_home(folder)
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "dagster-daemon", "run", *WORKSPACE],
            env={**os.environ, **env, "DAGSTER_HOME": str(home)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with ended(process):
        yield


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """Start Dagster over an empty lake in a folder; end what was started."""
    home, lake = make_home(folder), folder / "lake"
    port = free_port()
    env = {**os.environ, "DAGSTER_HOME": str(home), "TELEMETRY_LAKE": lake.as_uri()}
    url = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
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
