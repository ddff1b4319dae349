"""What the footer of a series object says about each signal, summed up while its rows are written."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.series_file import SignalRows

if TYPE_CHECKING:
    from telemetry_pipeline.query.reader import SignalName

_REGULAR: Final = 3


@dataclass
class _Total:
    unit: str
    rows: int
    first_ns: int
    last_ns: int
    minimum: float
    maximum: float
    total: float
    finite: int
    interval_ns: int
    regular: int


class Totals:
    """Counts signals in the order of their rows.

    Args:
        partition: The day; rows with times of another day are counted.
    """

    def __init__(self, partition: Partition) -> None:
        self._partition = partition
        self._totals: dict[SignalName, _Total] = {}
        self._outside: list[tuple[int, int, int]] = []
        self._t: NDArray[np.int64] = np.empty(0, np.int64)
        self._interval = (0, 0)

    def add(self, signal: SignalRows) -> None:
        """Count the next rows of a signal."""
        t, v = signal.t, signal.v
        finite = v[mask] if not (mask := np.isfinite(v)).all() else v
        with np.errstate(over="ignore"):
            total = float(finite.sum())
        unit = signal.unit.names[0 if signal.unit.codes is None else int(signal.unit.codes[-1])]
        interval, regular = self._intervals(t)
        now = _Total(
            unit,
            len(t),
            int(t[0]),
            int(t[-1]),
            float(finite.min()) if len(finite) else np.inf,
            float(finite.max()) if len(finite) else -np.inf,
            total,
            len(finite),
            interval,
            regular,
        )
        before = self._totals.get(signal.name)
        self._totals[signal.name] = now if before is None else _plus(before, now)
        first, stop = np.searchsorted(t, [self._partition.start_ns, self._partition.end_ns])
        for part in (t[:first], t[stop:]):
            if len(part):
                self._outside.append((len(part), int(part[0]), int(part[-1])))

    def signals(self) -> list[dict[str, Any]]:
        """One entry per signal, as in a decode report; with the usual interval between its samples.

        `interval_ns` is their median, of a signal that was added in stretches that of its longest; `regular` is how
        many intervals are at most three times as long.
        """
        return [
            {
                "message": message,
                "signal": signal,
                "unit": item.unit,
                "rows": item.rows,
                "first_ns": item.first_ns,
                "last_ns": item.last_ns,
                "minimum": item.minimum if item.finite else None,
                "maximum": item.maximum if item.finite else None,
                "total": item.total if item.finite and np.isfinite(item.total) else None,
                "nonfinite": item.rows - item.finite,
                "interval_ns": item.interval_ns,
                "regular": item.regular,
            }
            for (message, signal), item in self._totals.items()
        ]

    def outside(self) -> dict[str, int] | None:
        """Rows whose time is not in the day (a clock was wrong), with their first and last time; None: there are none."""
        if not self._outside:
            return None
        rows, first, last = zip(*self._outside, strict=True)
        return {"rows": sum(rows), "first_ns": min(first), "last_ns": max(last)}

    def _intervals(self, t: NDArray[np.int64]) -> tuple[int, int]:
        if not np.array_equal(t, self._t):  # the signals of a message have the same times
            intervals = np.diff(t)
            median = int(np.median(intervals)) if len(intervals) else 0
            self._interval = (median, int(np.count_nonzero(intervals <= _REGULAR * median)))
            self._t = t
        return self._interval


def _plus(one: _Total, other: _Total) -> _Total:
    interval = max((one.rows, one.interval_ns), (other.rows, other.interval_ns))[1]
    return _Total(
        other.unit,
        one.rows + other.rows,
        one.first_ns,
        other.last_ns,
        min(one.minimum, other.minimum),
        max(one.maximum, other.maximum),
        one.total + other.total,
        one.finite + other.finite,
        interval,
        one.regular + other.regular,
    )
