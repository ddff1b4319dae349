"""Decode on every core: processes that are started when much waits, and replaced when they die.

An object is in a process's hands only until its outcome is back; what a process had in hand when it died is given to
another one. An object whose processes die twice is the cause, and fails as one that the decoder stumbles over.
"""

import logging
import multiprocessing
import multiprocessing.connection
import os
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, Self

from telemetry_pipeline.drain import DecoderHere
from telemetry_pipeline.errors import Unforeseen
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome

_log: Final = logging.getLogger(__name__)

WORTH_STARTING: Final = 100
"""Objects in one batch that are worth starting processes for: each costs a second or two of CPU."""

WORTH_USING: Final = 8
"""Objects in one batch that are worth giving to processes that run."""

IN_HAND: Final = 2
"""Objects that a process has at once: one in work, one that is there when the first is done."""

DEATHS_MAX: Final = 2
"""Processes that may end over an object before it counts as the cause."""

STUCK_S: Final = 600.0
"""A process that says nothing for so long is ended."""


class _Worker:
    """One process and what it has in hand, oldest first."""

    def __init__(self, command: Sequence[str]) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        with theirs:
            descriptor = theirs.fileno()
            self.process = subprocess.Popen(
                [*command, "--socket", str(descriptor)], pass_fds=[descriptor], stdin=subprocess.DEVNULL
            )
        self.in_hand: deque[RawObject] = deque()
        self.heard = time.monotonic()

    def give(self, raw: RawObject) -> None:
        if not self.in_hand:
            self.heard = time.monotonic()
        self.in_hand.append(raw)
        with suppress(OSError):  # it is gone: its end of the socket says so when it is read
            self.connection.send(raw)

    def end(self) -> None:
        self.connection.close()
        try:
            self.process.wait(5.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class DecoderPool:
    """Decodes in this process while little waits, and in several when much does.

    Args:
        store: The lake.
        endpoint_url: An S3-compatible server that stands in for AWS.
        strict_length: Refuse frames shorter than their message.
        processes: How many processes; default: one per core that this process may use, twice as many for a bucket,
            whose answers take their time.
    """

    batch = 500

    def __init__(
        self,
        store: Store,
        *,
        endpoint_url: str | None = None,
        strict_length: bool = False,
        processes: int | None = None,
    ) -> None:
        cores = len(os.sched_getaffinity(0))
        self._processes = processes or (cores if store.root is not None else 2 * cores)
        self._here = DecoderHere(store, strict_length=strict_length)
        self._command = [sys.executable, "-m", "telemetry_pipeline.decoder_worker", "--lake", store.url]
        self._command += ["--endpoint", endpoint_url] if endpoint_url else []
        self._command += ["--strict-length"] if strict_length else []
        self._workers: list[_Worker] = []

    def decode(self, raws: Sequence[RawObject]) -> Iterable[Outcome]:
        """Decode raw objects of any partitions; one outcome for each, in any order."""
        if len(raws) < (WORTH_USING if self._workers else WORTH_STARTING) or self._processes == 1:
            return self._here.decode(raws)
        return self._decode_there(raws)

    def close(self) -> None:
        """End the processes."""
        workers, self._workers = self._workers, []
        for worker in workers:
            worker.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decode_there(self, raws: Sequence[RawObject]) -> Iterator[Outcome]:
        queue = deque(raws)
        deaths: Counter[RawObject] = Counter()
        while len(self._workers) < self._processes:
            self._workers.append(_Worker(self._command))
        try:
            while queue or any(worker.in_hand for worker in self._workers):
                self._hand_out(queue)
                by_connection: dict[object, _Worker] = {
                    worker.connection: worker for worker in self._workers if worker.in_hand
                }
                for connection in multiprocessing.connection.wait(
                    [worker.connection for worker in self._workers if worker.in_hand], timeout=5.0
                ):
                    worker = by_connection[connection]
                    try:
                        outcome: Outcome = worker.connection.recv()
                    except (EOFError, OSError):
                        yield from self._replace(worker, queue, deaths)
                        continue
                    worker.in_hand.popleft()
                    worker.heard = time.monotonic()
                    self._hand_out(queue)  # before the outcome is looked at: nobody waits for that
                    yield outcome
                for worker in [worker for worker in self._workers if worker.in_hand]:
                    if time.monotonic() - worker.heard > STUCK_S:
                        worker.process.kill()  # its socket ends, and the next round sees that
        finally:
            if any(worker.in_hand for worker in self._workers):
                self.close()  # nobody waits for these answers any more

    def _hand_out(self, queue: "deque[RawObject]") -> None:
        for depth in range(1, IN_HAND + 1):
            for worker in self._workers:
                if queue and len(worker.in_hand) < depth:
                    worker.give(queue.popleft())

    def _replace(
        self, worker: _Worker, queue: "deque[RawObject]", deaths: "Counter[RawObject]"
    ) -> Iterator[Outcome]:
        """Start another process for one that died, and give what it had in hand to the others."""
        suspect = worker.in_hand.popleft()
        queue.extendleft(worker.in_hand)
        worker.in_hand.clear()
        worker.end()
        self._workers[self._workers.index(worker)] = _Worker(self._command)
        deaths[suspect] += 1
        _log.warning(
            "a decoding process ended with %s while it had %s", worker.process.returncode, suspect.key
        )
        if deaths[suspect] < DEATHS_MAX:
            queue.appendleft(suspect)
        else:
            fault = f"its decoding ended {DEATHS_MAX} processes, the last with {worker.process.returncode}"
            remedy = (
                "Look for what ends processes (memory?), else it is a fault of the decoder: please report it"
            )
            yield Outcome(suspect, failed=Unforeseen(fault, suspect.key, remedy))
