"""A thread that works in rounds until it is told to end, and then does one more. What it does is not known here."""

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Protocol


class Steady(Protocol):
    """Time that only goes on, and how one waits for it to."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait until the event is set, for so many seconds at most."""
        ...


class MachineTime:
    """The time of this machine."""

    def now(self) -> float:
        """See `Steady`."""
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> None:
        """See `Steady`."""
        event.wait(seconds)


MACHINE: Final = MachineTime()


@dataclass(frozen=True)
class Pause:
    """How long a worker rests until its next round, in seconds, and whether news ends that before."""

    seconds: float
    ends_with_news: bool = True


class Worker(ABC):
    """Does rounds in a thread of its own.

    Args:
        name: What the thread is called.
        steady: The time in which it rests.
    """

    def __init__(self, name: str, steady: Steady = MACHINE) -> None:
        self._steady = steady
        self._news = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def _round(self, *, final: bool) -> Pause:
        """Do what there is to do; how long to rest. `final`: there is no round after this."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._news.set()

    def stop(self, grace_s: float) -> bool:
        """Have it do its last round, for at most `grace_s` seconds; whether the thread has ended."""
        self._ending.set()
        self._news.set()
        self._thread.join(grace_s)
        return not self._thread.is_alive()

    def _rest(self, seconds: float) -> None:
        """Rest within a round, unless the end has come."""
        self._steady.wait(self._ending, seconds)

    def _run(self) -> None:
        while True:
            final = self._ending.is_set()
            self._news.clear()
            pause = self._round(final=final)
            if final:
                return
            # set before `clear` it would be forgotten
            if not self._ending.is_set():
                self._steady.wait(self._news if pause.ends_with_news else self._ending, pause.seconds)
