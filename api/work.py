"""What answering a request takes of its readers, noted where they are called and summed up where it is counted."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from telemetry_pipeline.query.reader import Answer, Buckets

Given = TypeVar("Given", Answer, Buckets)


@dataclass
class Work:
    """What the readers did for one request, in all of its threads.

    Attributes:
        seconds: How long readers of samples took, one after the other.
        rows_scanned: Rows that were decompressed.
        bytes_scanned: Bytes that were decompressed, or that Athena read.
        rows_returned: Samples and buckets that readers gave.
        skipped_objects: Objects that could not be read.
        reads: How many times a reader was called.
    """

    seconds: float = 0.0
    rows_scanned: int = 0
    bytes_scanned: int = 0
    rows_returned: int = 0
    skipped_objects: int = 0
    reads: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, answer: Answer | Buckets, seconds: float) -> None:
        """Note one answer of a reader."""
        if isinstance(answer, Answer):
            returned = sum(len(series.t) for series in answer.series)
        else:
            returned = sum(len(rows.bucket) for rows in answer.rows.values())
        with self._lock:
            self.reads += 1
            self.seconds += seconds
            self.rows_scanned += answer.rows_scanned
            self.bytes_scanned += answer.bytes_scanned
            self.skipped_objects += answer.skipped_objects
            self.rows_returned += returned


_current: ContextVar[Work | None] = ContextVar("work", default=None)


@contextmanager
def noted() -> Iterator[Work]:
    """Note what the readers do for one request; threads that it starts through the server note it, too."""
    work = Work()
    token = _current.set(work)
    try:
        yield work
    finally:
        _current.reset(token)


def note(answer: Given, begun: float) -> Given:
    """Note an answer that was asked for at an instant of `time.perf_counter`, and give it back."""
    if work := _current.get():
        work.add(answer, time.perf_counter() - begun)
    return answer
