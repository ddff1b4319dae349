"""The demo's Dagster: its home, its books, and one code server that daemon and webserver share.

Which processes there are and how each is told where the others are; who watches and ends them is `processes`' business.
"""

import shutil
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telemetry_pipeline.cli.processes import Processes
from telemetry_pipeline.shipped import shipped

_BIN: Final = Path(sys.executable).parent
_HOST: Final = "127.0.0.1"
_INSTANCE: Final = Path(__file__).parents[1] / "defs" / "dagster.yaml"


@dataclass(frozen=True)
class DemoDagster:
    """Where Dagster keeps its books, and the ports of its webserver and of its code server."""

    home: Path
    port: int
    code_port: int

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{_HOST}:{self.port}"

    def env(self) -> dict[str, str]:
        """What makes a process part of it."""
        return {
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_CODE_HOST": _HOST,
            "DAGSTER_CODE_PORT": str(self.code_port),
            "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS": "1",
            "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR": "1",
        }

    def make_home(self) -> None:
        """Make its folder, with the instance of one machine."""
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_INSTANCE, self.home / "dagster.yaml")

    def start_code(self, processes: Processes, env: dict[str, str]) -> None:
        """Start the process that holds the definitions and starts the runs. It reads libraries for seconds.

        Daemon and webserver would each start one of their own, and the daemon another one every minute.
        """
        command = [str(_BIN / "dagster"), "api", "grpc", "-h", _HOST, "-p", str(self.code_port)]
        processes.start("dagster-code", [*command, "-m", "telemetry_pipeline.definitions"], env)

    def make_books(self, processes: Processes, env: dict[str, str]) -> None:
        """Make the database, or bring it up to date: of two processes that find none, one would lose."""
        processes.run("dagster-instance", [str(_BIN / "dagster"), "instance", "migrate"], env)

    def code_answers(self) -> bool:
        """Whether the definitions can be asked for: who asks earlier asks again only after a while."""
        with suppress(OSError), socket.create_connection((_HOST, self.code_port), timeout=5.0):
            return True
        return False

    def start(self, processes: Processes, env: dict[str, str]) -> None:
        """Start daemon and webserver."""
        workspace = ["-w", str(shipped("deploy/instance/workspace.yaml"))]
        processes.start("dagster-daemon", [str(_BIN / "dagster-daemon"), "run", *workspace], env)
        webserver = [str(_BIN / "dagster-webserver"), *workspace, "-h", _HOST, "-p", str(self.port)]
        processes.start("dagster-webserver", webserver, env)
