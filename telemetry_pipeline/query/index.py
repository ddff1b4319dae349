"""What one decoded object holds, known without reading its rows: the decode report in its footer says it.

The rows are sorted by message, signal and time, so a signal is one run of rows and the report's row counts, added
up, are the runs' offsets. An object without a usable report (another writer's) is scanned once instead.
"""

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet, schema
from telemetry_pipeline.lake.layout import Partition
from telemetry_pipeline.lake.signal_list import listed
from telemetry_pipeline.query.reader import SESSION_PAUSE_NS, SignalName

if TYPE_CHECKING:
    import polars as pl

_READ_ERRORS: Final = (pa.ArrowException, OSError, ValueError)
_NAMES: Final = ["message_name", "signal_name"]


class Run(NamedTuple):
    """One signal of one object: a tuple, for of a day that is not compacted there are tens of thousands.

    Attributes:
        unit: The signal's unit.
        offset: Its first row, or None where its rows are scattered or out of order.
        rows: How many rows it has.
        first_ns: Its earliest sample.
        last_ns: Its latest sample.
        minimum: Smallest finite value, None when there is none.
        maximum: Largest finite value, None when there is none.
        total: Sum of the finite values, NaN when it is beyond float64.
        finite: How many values are finite.
    """

    unit: str
    offset: int | None
    rows: int
    first_ns: int
    last_ns: int
    minimum: float | None
    maximum: float | None
    total: float
    finite: int

    @property
    def mean(self) -> float | None:
        """Mean of the finite values, None when there is none or their sum is beyond float64."""
        return self.total / self.finite if self.finite and math.isfinite(self.total) else None

    def plus(self, later: "Run") -> "Run":
        """The totals of both, under the later one's unit; the rows are not together any more."""
        low, high = later.minimum, later.maximum
        if low is None or (self.minimum is not None and self.minimum < low):
            low = self.minimum
        if high is None or (self.maximum is not None and self.maximum > high):
            high = self.maximum
        return Run(
            later.unit,
            None,
            self.rows + later.rows,
            min(self.first_ns, later.first_ns),
            max(self.last_ns, later.last_ns),
            low,
            high,
            self.total + later.total,
            self.finite + later.finite,
        )


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time in which `frames` decoded frames were recorded, both ends included."""

    first_ns: int
    last_ns: int
    frames: int


@dataclass(frozen=True, slots=True)
class ObjectIndex:
    """One decoded object.

    Attributes:
        frames: CAN frames it was made from, decodable or not.
        messages: Decoded frames by message.
        runs: Its signals.
        spans: When it recorded, within its partition's day; pauses above `SESSION_PAUSE_NS` lie between spans.
    """

    frames: int
    messages: Mapping[str, int]
    runs: Mapping[SignalName, Run]
    spans: tuple[Span, ...]

    def within(self, names: Iterable[SignalName], start_ns: int, end_ns: int) -> dict[SignalName, Run]:
        """Those of some signals that may have rows in [start_ns, end_ns)."""
        return {
            name: run
            for name in names
            if (run := self.runs.get(name)) is not None and run.last_ns >= start_ns and run.first_ns < end_ns
        }


def index_object(file: pq.ParquetFile, partition: Partition, where: str) -> ObjectIndex:
    """Index an open decoded object.

    Args:
        file: The object.
        partition: Where it lies: rows of other days, left by a wrong clock, do not count as recording time.
        where: Its key, for messages.

    Raises:
        BadRaw: It has no report, and its columns are not those of a decoded object or cannot be read.
    """
    footer = _footer(file)
    report = _report(footer, file.metadata.num_rows)
    if report is not None:
        frames, messages, runs = report
    else:
        frames, messages, runs = _scanned(file, where)
    spans = _known_spans(footer) if runs else ()
    if spans is None:
        spans = tuple(_spans(file, partition, messages, runs, where))
    return ObjectIndex(frames, messages, runs, spans)


def to_ns(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """A timestamp column of any unit as int64 nanoseconds."""
    values = column.cast(schema.TIMESTAMP).cast(pa.int64()).to_numpy()
    return np.asarray(values, dtype=np.int64)


def _footer(file: pq.ParquetFile) -> Mapping[str, str]:
    """The entries of an object's footer, none where another writer's are no text."""
    try:
        return parquet.read_footer(file)
    except ValueError:
        return {}


def _report(footer: Mapping[str, str], rows: int) -> tuple[int, dict[str, int], dict[SignalName, Run]] | None:
    """The footer's report, or None when there is none that describes these rows."""
    try:
        report = json.loads(footer["report"])
        messages = {sys.intern(name): int(count) for name, count in report["messages"].items()}
        runs: dict[SignalName, Run] = {}
        offset = 0
        entries = listed(report["signals"])
        for entry in entries:
            run = _run_of(entry, offset)
            runs[sys.intern(entry["message"]), sys.intern(entry["signal"])] = run
            offset += run.rows
        frames = int(report["rows"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    described = offset == rows and len(runs) == len(entries)
    return (frames, messages, runs) if described else None


def _run_of(entry: Mapping[str, Any], offset: int) -> Run:
    rows = int(entry["rows"])
    finite = rows - int(entry.get("nonfinite", 0))
    return Run(
        sys.intern(entry["unit"]),
        offset,
        rows,
        int(entry["first_ns"]),
        int(entry["last_ns"]),
        float(entry["minimum"]) if finite else None,
        float(entry["maximum"]) if finite else None,
        0.0 if not finite else math.nan if entry["total"] is None else float(entry["total"]),
        finite,
    )


def _scanned(file: pq.ParquetFile, where: str) -> tuple[int, dict[str, int], dict[SignalName, Run]]:
    """The same, from the rows themselves."""
    import polars as pl  # noqa: PLC0415  slow to import; an object with a report needs none

    names = file.schema_arrow.names
    wanted = ["timestamp", *_NAMES, "value", "unit"]
    if missing := [name for name in wanted if name not in names]:
        raise BadRaw(f"columns {', '.join(missing)} are missing", where)
    try:
        rows = _frame(file, wanted + (["channel"] if "channel" in names else []))
        finite = pl.col("value").filter(pl.col("value").is_finite())
        groups = rows.group_by(_NAMES, maintain_order=True).agg(
            pl.col("unit").last().fill_null(""),
            pl.col("row").min().alias("first_row"),
            pl.col("row").max().alias("last_row"),
            pl.len().alias("rows"),
            pl.col("timestamp").min().alias("first_ns"),
            pl.col("timestamp").max().alias("last_ns"),
            (pl.col("timestamp").diff().min().fill_null(0) >= 0).alias("in_order"),
            finite.min().alias("minimum"),
            finite.max().alias("maximum"),
            finite.sum().alias("total"),
            finite.len().alias("finite"),
        )
    except (pl.exceptions.PolarsError, *_READ_ERRORS) as error:
        raise BadRaw(f"its data cannot be read ({str(error).partition(chr(10))[0]})", where) from error
    runs: dict[SignalName, Run] = {}
    for group in groups.iter_rows(named=True):
        together = group["last_row"] - group["first_row"] + 1 == group["rows"]
        runs[sys.intern(group["message_name"]), sys.intern(group["signal_name"])] = Run(
            sys.intern(group["unit"]),
            group["first_row"] if together and group["in_order"] else None,
            *(
                group[name]
                for name in ("rows", "first_ns", "last_ns", "minimum", "maximum", "total", "finite")
            ),
        )
    # a frame's signals share its time, so the distinct times of a message are its frames
    stamps = [name for name in ("message_name", "timestamp", "channel") if name in rows.columns]
    counts = rows.select(stamps).unique().group_by("message_name").len()
    messages = {sys.intern(name): count for name, count in counts.iter_rows()}
    return sum(messages.values()), messages, runs


def _spans(
    file: pq.ParquetFile,
    partition: Partition,
    messages: Mapping[str, int],
    runs: Mapping[SignalName, Run],
    where: str,
) -> Iterator[Span]:
    first, last = min(run.first_ns for run in runs.values()), max(run.last_ns for run in runs.values())
    if last - first <= SESSION_PAUSE_NS and partition.start_ns <= first and last < partition.end_ns:
        yield Span(first, last, sum(messages.values()))
        return
    import polars as pl  # noqa: PLC0415  slow to import; an object with a report needs none

    try:  # long enough to hide a pause, or reaching into other days: only the rows can tell
        frame = _frame(file, ["timestamp", "message_name"])
    except (pl.exceptions.PolarsError, *_READ_ERRORS) as error:
        raise BadRaw(f"its data cannot be read ({str(error).partition(chr(10))[0]})", where) from error
    inside = pl.col("timestamp").is_between(partition.start_ns, partition.end_ns, closed="left")
    times = frame.filter(inside).unique()["timestamp"].sort().to_numpy()
    if not len(times):
        return
    cuts = np.flatnonzero(np.diff(times) > SESSION_PAUSE_NS) + 1
    for stretch in np.split(times, cuts):
        yield Span(int(stretch[0]), int(stretch[-1]), len(stretch))


def _known_spans(footer: Mapping[str, str]) -> tuple[Span, ...] | None:
    """The stretches that the footer of a series object names; None where there are none."""
    try:
        return tuple(Span(*(int(number) for number in span)) for span in json.loads(footer["spans"]))
    except (KeyError, TypeError, ValueError):
        return None


def _frame(file: pq.ParquetFile, columns: list[str]) -> "pl.DataFrame":
    """Columns of a whole object with each row's number, times as int64; rows without a time or name are left out."""
    import polars as pl  # noqa: PLC0415  slow to import; an object with a report needs none

    table = file.read(columns=columns)
    frame = pl.DataFrame(
        {
            name: pl.Series(
                name, column.cast(schema.TIMESTAMP).cast(pa.int64()) if name == "timestamp" else column
            )
            for name, column in zip(columns, table.columns, strict=True)
        }
    )
    keys = [name for name in ("timestamp", *_NAMES) if name in columns]
    return (
        frame.with_columns(pl.selectors.categorical().cast(pl.String)).with_row_index("row").drop_nulls(keys)
    )
