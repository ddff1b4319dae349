"""Child processes with a log file each, that all end when we end."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from telemetry_pipeline.errors import PermanentError

_TERM_S: Final = 10.0
_TAIL_LINES: Final = 15


class Processes:
    """Named child processes, each in a process group of its own with its output in `{logs}/{name}.log`."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        """Start a process. Its group is its own, so a Ctrl-C reaches us alone and we end it in order."""
        with (self._logs / f"{name}.log").open("ab") as log:
            self._children[name] = subprocess.Popen(
                command,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, name: str, command: Sequence[str], env: dict[str, str]) -> None:
        """Run a process to its end.

        Raises:
            PermanentError: It failed; the message carries the end of its log.
        """
        self.start(name, command, env)
        if self._children[name].wait():
            self.check()
        del self._children[name]

    def check(self) -> None:
        """See that all of them still run.

        Raises:
            PermanentError: One has ended; the message carries the end of its log.
        """
        for name, child in self._children.items():
            if (code := child.poll()) is not None:
                log = self._logs / f"{name}.log"
                tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL_LINES:])
                raise PermanentError(
                    f"{name} ended with exit code {code}", str(log), f"Its last words:\n{tail}"
                )

    def stop(self) -> None:
        """End all of them, last started first: SIGTERM, and SIGKILL for those still there ten seconds later."""
        for child in reversed(self._children.values()):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + _TERM_S
        for child in self._children.values():
            with suppress(subprocess.TimeoutExpired):
                child.wait(max(0.0, deadline - time.monotonic()))
        for child in self._children.values():
            _signal_group(child, signal.SIGKILL)  # grandchildren that outlived their parent, too
            child.wait()
        self._children.clear()


def free_port(wanted: int) -> int:
    """The wanted TCP port of loopback, or the next one that nobody listens on."""
    for port in range(wanted, wanted + 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise PermanentError(
        f"no free port from {wanted} to {wanted + 199}", "127.0.0.1", "End what listens there"
    )


def _signal_group(child: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)
