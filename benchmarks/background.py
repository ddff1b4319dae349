"""What goes on beside a measurement: a thread that works for as long as a block runs, and ends with it."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Background(ABC):
    """A thread of its own: begins with the block, is told when the block ends, and has ended when it is left."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @abstractmethod
    def _run(self) -> None:
        """Work until `_over` is set; whoever waits, waits for that."""
