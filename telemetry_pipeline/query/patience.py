"""Whether anybody still waits for an answer, and how long: what a slow question looks at while it runs.

A door says so for the thread that answers; a question asked elsewhere waits as long as its own limits allow.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from telemetry_pipeline.errors import TransientError


class Patience:
    """How long one asker waits. Safe to use from several threads.

    Args:
        seconds: At most so long from now; None for ever.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._until = None if seconds is None else time.monotonic() + seconds
        self._gone = threading.Event()

    def leave(self) -> None:
        """Say that nobody waits any more."""
        self._gone.set()

    @property
    def gone(self) -> bool:
        """Whether nobody waits any more."""
        return self._gone.is_set()

    def insist(self) -> None:
        """End a question that nobody waits for.

        Raises:
            TransientError: Nobody does.
        """
        if self.gone:
            raise nobody_waits()

    def left(self, most: float) -> float:
        """Seconds that are left, at most `most`; 0 when there are none."""
        if self.gone:
            return 0.0
        return most if self._until is None else max(0.0, min(most, self._until - time.monotonic()))


_ENDLESS = Patience()
_current: ContextVar[Patience] = ContextVar("patience", default=_ENDLESS)


def current() -> Patience:
    """The patience of whoever this thread or task answers."""
    return _current.get()


@contextmanager
def waiting(patience: Patience) -> Iterator[Patience]:
    """Answer with this patience; threads that are started with a copy of the context have it, too."""
    token = _current.set(patience)
    try:
        yield patience
    finally:
        _current.reset(token)


def nobody_waits(where: str = "") -> TransientError:
    """The error that ends a question whose asker has gone."""
    return TransientError("nobody waits for the answer any more", where)
