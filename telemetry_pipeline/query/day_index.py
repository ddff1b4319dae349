"""The objects of one day as one table: which of them hold samples of a signal in a range, without asking each.

A day that is not compacted yet has an object a minute, and every question of it would look at all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.lake.store import ObjectInfo
from telemetry_pipeline.query.index import ObjectIndex, Run
from telemetry_pipeline.query.reader import SignalName


@dataclass(frozen=True, slots=True)
class _Runs:
    """Where one signal is: the numbers of objects, and the first and last times of its samples in each, int64."""

    numbers: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass(eq=False)
class DayIndex:
    """What is in the objects of a day.

    Attributes:
        objects: The objects.
        indexes: What is in each; None where it cannot be read.
    """

    objects: Sequence[ObjectInfo]
    indexes: Sequence[ObjectIndex | None]
    _runs: dict[SignalName, _Runs] = field(default_factory=dict, repr=False)

    @cached_property
    def skipped(self) -> int:
        """How many objects cannot be read."""
        return sum(index is None for index in self.indexes)

    def unit(self, name: SignalName) -> str | None:
        """The unit of a signal, of differing ones the last object's; None where no object has it."""
        numbers = self._of(name).numbers
        if not len(numbers):
            return None
        index = self.indexes[int(numbers[-1])]
        return None if index is None else index.runs[name].unit

    def jobs(
        self, names: Iterable[SignalName], start_ns: int, end_ns: int
    ) -> list[tuple[ObjectInfo, dict[SignalName, Run]]]:
        """The objects that may have samples of some signals in [start_ns, end_ns), and which of the signals."""
        found: dict[int, dict[SignalName, Run]] = {}
        for name in names:
            runs = self._of(name)
            for number in runs.numbers[(runs.last >= start_ns) & (runs.first < end_ns)].tolist():
                index = self.indexes[number]
                if index is not None:
                    found.setdefault(number, {})[name] = index.runs[name]
        return [(self.objects[number], found[number]) for number in sorted(found)]

    def _of(self, name: SignalName) -> _Runs:
        if (known := self._runs.get(name)) is None:
            rows = [
                (number, run.first_ns, run.last_ns)
                for number, index in enumerate(self.indexes)
                if index is not None and (run := index.runs.get(name)) is not None
            ]
            numbers, first, last = np.array(rows, dtype=np.int64).reshape(-1, 3).T
            known = self._runs[name] = _Runs(numbers, first, last)
        return known
