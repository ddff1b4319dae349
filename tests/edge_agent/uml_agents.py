"""Agents for scenes in the guest: processes of their own, forked from one that has loaded all that an agent needs.

A guest takes five seconds of a core to load it, and a tenth of one to fork. What an agent does from its settings on is what
`edge-agent` does.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path

from edge_agent import recorder
from edge_agent.__main__ import main
from tests.edge_agent.bare_agent import NoPandas


@cache
def _forks() -> ForkServerContext:
    """Where agents are forked: started with the first of them."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__])
    return found


class AgentProcess:
    """An agent that runs, asked as a `subprocess.Popen` is.

    Args:
        arguments: Of `edge-agent`.
        env: Variables beside this process's.
        log: The file for what it says.
        held_bytes: How much it keeps in memory of what a disk does not take; what the agent keeps lasts minutes of a full
            bus, which a scene cannot wait for.
    """

    def __init__(
        self, arguments: Sequence[object], env: Mapping[str, str], log: Path, *, held_bytes: int | None = None
    ) -> None:
        self.log = log
        log.touch()
        words = [str(argument) for argument in arguments]
        self._process = _forks().Process(target=_be_agent, args=(words, dict(env), log, held_bytes))
        self._process.start()

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for its end; its exit code, or None when it has not ended."""
        self._process.join(timeout)
        return self._process.exitcode

    def kill(self) -> None:
        """End it as a cut of power would."""
        self._process.kill()

    def send_signal(self, number: signal.Signals) -> None:
        """Have a signal reach it."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)


def _be_agent(arguments: list[str], env: dict[str, str], log: Path, held_bytes: int | None) -> None:
    with log.open("wb") as file:
        os.dup2(file.fileno(), sys.stderr.fileno())
    os.environ.update(env)
    sys.argv = ["edge-agent", *arguments]
    sys.meta_path.insert(0, NoPandas())  # type: ignore[arg-type]
    if held_bytes is not None:
        recorder.HELD_BYTES_MOST = held_bytes
    main()
