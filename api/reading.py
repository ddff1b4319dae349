"""The reads that one question takes, and what they add up to. What becomes of what is read is not known here."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.query.cache import WeightedCache
from telemetry_pipeline.query.reader import Buckets, Series, SignalName, SignalReader
from telemetry_pipeline.series.tiers import S_NS

Times = NDArray[np.int64]
T = TypeVar("T")

BATCH_BUCKETS: Final = 500_000
"""Buckets that are held at a time: about 120 bytes each."""

_REMEMBERED: Final = 1_000_000


def batches(weights: Mapping[SignalName, int], most: int = BATCH_BUCKETS) -> Iterator[list[SignalName]]:
    """Signals in their order, in batches of a weight: what is read at a time is held; a heavier one comes alone."""
    batch: list[SignalName] = []
    held = 0
    for name, weight in weights.items():
        if batch and held + weight > most:
            yield batch
            batch, held = [], 0
        batch.append(name)
        held += weight
    if batch:
        yield batch


class Memory:
    """What looks at samples have found, for the next question: it is little, and the looks are most of what it costs.

    A look is known by the stretch it was at and by how many samples that had: where a late object has brought more,
    it is taken again. Safe to use from several threads.
    """

    def __init__(self) -> None:
        self._found: WeightedCache[Hashable, tuple[Any]] = WeightedCache(_REMEMBERED)

    def recall(self, key: Hashable, find: Callable[[], T]) -> T:
        """What was found under a key, found now if it was not before."""
        if (known := self._found.get(key)) is None:
            known = (find(),)
            self._found.put(key, known, 1 + (known[0].size if isinstance(known[0], np.ndarray) else 0))
        found: T = known[0]
        return found


class Reading:
    """Reads for one question.

    Args:
        reader: Where from.
        vehicle_id: The vehicle.
        span: The question's range.
        memory: What earlier questions found.
    """

    def __init__(
        self, reader: SignalReader, vehicle_id: str, span: tuple[int, int], memory: Memory | None = None
    ) -> None:
        self._reader = reader
        self._memory = memory or Memory()
        self.vehicle_id: Final = vehicle_id
        self.span: Final = span
        self.rows_scanned = 0
        self.bytes_scanned = 0
        self.skipped_objects = 0

    @cached_property
    def recorded(self) -> Times:
        """When the vehicle recorded in the range, looked up at most once and only if a signal needs it."""
        return self._reader.recorded(self.vehicle_id, *self.span)

    def counts(self, names: Sequence[SignalName]) -> dict[SignalName, int]:
        """About how many samples each signal has in the range (see `SignalReader.count`)."""
        return dict(self._reader.count(self.vehicle_id, names, *self.span))

    def samples(self, names: Sequence[SignalName]) -> list[Series]:
        """All samples of the range."""
        answer = self._reader.read(self.vehicle_id, names, *self.span)
        self._add(answer.rows_scanned, answer.bytes_scanned, answer.skipped_objects)
        return answer.series

    def samples_within(self, name: SignalName, first_ns: int, last_ns: int) -> Series:
        """All samples of one signal from an instant to another, both included: a few minutes."""
        answer = self._reader.look(self.vehicle_id, [name], first_ns, last_ns + 1)
        self._add(answer.rows_scanned, answer.bytes_scanned, answer.skipped_objects)
        (series,) = answer.series
        return series

    def buckets(self, names: Sequence[SignalName], width_ns: int) -> Buckets:
        """The range in buckets."""
        found = self._reader.buckets(self.vehicle_id, names, *self.span, width_ns)
        self._add(found.rows_scanned, found.bytes_scanned, found.skipped_objects)
        return found

    def bucket_weights(self, names: Sequence[SignalName], tier: int) -> dict[SignalName, int]:
        """How many buckets of a tier each signal has at most."""
        return dict.fromkeys(names, (self.span[1] - self.span[0]) // (tier * S_NS) + 2)

    def look(self, name: SignalName) -> "Look":
        """A look at the samples of one signal."""
        return Look(self, name, self._memory)

    def _add(self, rows: int, size: int, skipped: int) -> None:
        self.rows_scanned += rows
        self.bytes_scanned += size
        # reads of one range meet the same broken objects
        self.skipped_objects = max(self.skipped_objects, skipped)


class Look:
    """Looks at samples of one signal where its buckets do not say enough."""

    def __init__(self, reading: Reading, name: SignalName, memory: Memory) -> None:
        self._reading = reading
        self._name = name
        self._memory = memory

    def find(self, first_ns: int, last_ns: int, count: int, find: Callable[[Times], T], *what: Hashable) -> T:
        """Find something in the times of a stretch's samples, or remember it.

        Args:
            first_ns: The first of its samples.
            last_ns: The last of them.
            count: How many there are.
            find: Finds it.
            what: What is looked for: the same words mean the same `find`.
        """
        key = (self._reading.vehicle_id, self._name, first_ns, last_ns, count, *what)

        def look() -> T:
            return find(self._reading.samples_within(self._name, first_ns, last_ns).t)

        return self._memory.recall(key, look)
