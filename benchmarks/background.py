"""What goes on beside a measurement: a thread that works for as long as a block runs, and ends with it."""

import threading
from abc import ABC, abstractmethod
from typing import Self


class Background(ABC):
    """A thread of its own: begins with the block, is told when the block ends, and has ended when it is left.

    What ended it before is raised when the block is left: a measurement without its other half is none.
    """

    def __init__(self) -> None:
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._guarded, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._over.set()
        self._thread.join()
        if kind is None and self._failure is not None:
            raise self._failure

    def _guarded(self) -> None:
        try:
            self._run()
        except BaseException as failure:  # raised again where the block is left
            self._failure = failure

    @abstractmethod
    def _run(self) -> None:
        """Work until `_over` is set; whoever waits, waits for that."""
