"""Looks at the agent every so often, in a thread of its own, and tells whoever wants to know."""

import logging
import threading
from collections.abc import Callable, Sequence

from edge_agent.health import Health

log = logging.getLogger("edge_agent")


class Monitor:
    """Hands a snapshot to each outlet every `period_s` seconds, and once more at the end.

    An outlet that fails is told of once in a row; the others are served.

    Args:
        sample: Takes the snapshot.
        period_s: How often.
        outlets: Who wants it.
    """

    def __init__(
        self, sample: Callable[[], Health], period_s: float, outlets: Sequence[Callable[[Health], None]]
    ) -> None:
        self.failures = 0
        self._sample = sample
        self._period_s = period_s
        self._outlets = outlets
        self._failing: set[int] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="health", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Tell of the end, and end; for at most `grace_s` seconds."""
        self._stopping.set()
        self._thread.join(grace_s)

    def _run(self) -> None:
        while not self._stopping.wait(self._period_s):
            self._tell()
        self._tell()

    def _tell(self) -> None:
        try:
            health = self._sample()
        except OSError as error:
            self._fail(-1, error)
            return
        self._failing.discard(-1)
        for number, outlet in enumerate(self._outlets):
            try:
                outlet(health)
            except Exception as error:  # nobody's trouble with health may end the telling of it
                self._fail(number, error)
            else:
                self._failing.discard(number)

    def _fail(self, number: int, error: Exception) -> None:
        self.failures += 1
        if number not in self._failing:
            self._failing.add(number)
            log.warning("health is not told everywhere (%s: %s)", type(error).__name__, error)
