"""What one decoded object says of its vehicle's day: its footer's counts, moments of its signals, speed and odometer.

Moments are count, mean and sum of squared deviations: they merge without losing digits, sums of squares do not.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.decode.report import Report
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.fleet.names import METRES, METRES_PER_SECOND, odometer_rank, speed_rank
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.signal_list import listed
from telemetry_pipeline.query.index import ObjectIndex, Run, Span, index_object, to_ns
from telemetry_pipeline.query.reader import SignalName

_RULES: Final = ((speed_rank, METRES_PER_SECOND), (odometer_rank, METRES))


@dataclass(frozen=True, slots=True)
class Moments:
    """Finite values of one signal: how many, their mean, and the sum of their squared deviations from it."""

    count: int
    mean: float
    squares: float

    def plus(self, other: "Moments") -> "Moments":
        """The moments of both sets of values."""
        count = self.count + other.count
        if not count:
            return self
        apart = other.mean - self.mean
        return Moments(
            count,
            self.mean + apart * other.count / count,
            self.squares + other.squares + apart * apart * self.count * other.count / count,
        )

    @property
    def std(self) -> float | None:
        """The standard deviation of the population, None without values or beyond float64."""
        variance = self.squares / self.count if self.count else math.nan
        return math.sqrt(variance) if math.isfinite(variance) else None


@dataclass(frozen=True)
class Samples:
    """Speeds in m/s, or an odometer's metres: how well the signal suits, its name, and its values in SI units."""

    rank: int
    name: SignalName
    times: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class ObjectFacts:
    """One decoded object.

    Attributes:
        total: The accounting of the whole raw object, None when this is not its receipt.
        out_of_range: Values outside the database's limits, by signal; an object of another writer does not say.
        runs: Its signals' counts, limits and times.
        moments: Their means and deviations.
        spans: When it recorded, within the day.
        speed: The signal in it that tells the vehicle's speed best, if one does.
        odometer: The one that is the odometer, if one is.
    """

    total: Report | None
    out_of_range: dict[SignalName, int]
    runs: dict[SignalName, Run]
    moments: dict[SignalName, Moments]
    spans: tuple[Span, ...]
    speed: Samples | None
    odometer: Samples | None


def read_facts(body: bytes, partition: Partition, where: str) -> ObjectFacts:
    """Read a decoded object.

    Args:
        body: Its bytes.
        partition: Where it lies.
        where: Its key, for messages.

    Raises:
        BadRaw: It cannot be read.
    """
    file = parquet.open_object(body, where)
    index = index_object(file, partition, where)
    try:
        footer = parquet.read_footer(file)
        signals = listed(json.loads(footer.get("report", "{}")).get("signals", []))
        out_of_range = {
            (item["message"], item["signal"]): int(item.get("out_of_range", 0)) for item in signals
        }
        total = Report.from_dict(json.loads(footer["total"])) if "total" in footer else None
        rows = _Rows(file, index)
        moments = {name: _moments(rows.values(name)) for name in index.runs}
        chosen = [_samples(rows, index, rank, units) for rank, units in _RULES]
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
        raise BadRaw(
            f"its account or rows cannot be read ({type(error).__name__}: {error})", where
        ) from error
    return ObjectFacts(total, out_of_range, dict(index.runs), moments, index.spans, chosen[0], chosen[1])


class _Rows:
    """The values, and where asked for the times, of an object's signals."""

    def __init__(self, file: pq.ParquetFile, index: ObjectIndex) -> None:
        self._file = file
        self._index = index
        self._columns: dict[str, NDArray[Any]] = {}
        self._scattered = any(run.offset is None for run in index.runs.values())

    def values(self, name: SignalName) -> NDArray[np.float64]:
        return self._column("value")[self._of(name)].astype(np.float64, copy=False)

    def times(self, name: SignalName) -> NDArray[np.int64]:
        return self._column("timestamp")[self._of(name)]

    def _of(self, name: SignalName) -> slice | NDArray[np.bool_]:
        run = self._index.runs[name]
        if not self._scattered and run.offset is not None:
            return slice(run.offset, run.offset + run.rows)
        matches: NDArray[np.bool_] = (self._column("message_name") == name[0]) & (
            self._column("signal_name") == name[1]
        )
        return matches

    def _column(self, name: str) -> NDArray[Any]:
        if name not in self._columns:
            column = self._file.read(columns=[name]).column(0)
            self._columns[name] = to_ns(column) if name == "timestamp" else column.to_numpy()
        return self._columns[name]


def _moments(values: NDArray[np.float64]) -> Moments:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return Moments(0, 0.0, 0.0)
    with np.errstate(all="ignore"):  # values near the end of float64 have no deviation within it
        mean = float(finite.mean())
        apart = finite - mean
        return Moments(len(finite), mean, float(np.dot(apart, apart)))


def _samples(
    rows: _Rows, index: ObjectIndex, rank_of: Callable[[str, str], int | None], units: dict[str, float]
) -> Samples | None:
    """The signal that suits best by name and unit, in SI units."""
    ranks = {name: rank_of(name[1], run.unit) for name, run in index.runs.items()}
    best = min(((rank, name) for name, rank in ranks.items() if rank is not None), default=None)
    if best is None:
        return None
    rank, name = best
    factor = units[index.runs[name].unit.strip().lower()]
    return Samples(rank, name, rows.times(name), rows.values(name) * factor)
