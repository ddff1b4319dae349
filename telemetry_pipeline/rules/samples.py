"""The rows of single signals of a decoded object, found by the report in its footer: what rules read again."""

import json
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from telemetry_pipeline.decode.signals import SignalStats
from telemetry_pipeline.errors import BadRaw
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.signal_list import listed
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.condition import Condition
from telemetry_pipeline.rules.interval import Series
from telemetry_pipeline.rules.rows import COLUMNS, Rows
from telemetry_pipeline.rules.rule import VehicleRules
from telemetry_pipeline.rules.watch import Watch

_FIELDS: Final = (
    *("message", "signal", "unit", "rows", "first_ns", "last_ns"),
    *("minimum", "maximum", "total", "nonfinite"),
)


def signals_of(file: pq.ParquetFile, where: str) -> tuple[SignalStats, ...]:
    """The statistics of an open decoded object's signals, in the order of its rows.

    Raises:
        BadRaw: Its footer has no report that describes its rows.
    """
    try:
        entries = listed(json.loads(parquet.read_footer(file)["report"])["signals"])
        # a report may say more than is known here
        signals = tuple(
            SignalStats(**{name: entry[name] for name in _FIELDS if name in entry}) for entry in entries
        )
        rows = sum(stats.rows for stats in signals)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadRaw("its footer has no report of its signals", where, "Decode it again") from error
    if rows != file.metadata.num_rows:
        raise BadRaw(
            f"its report is of {rows} rows, it has {file.metadata.num_rows}", where, "Decode it again"
        )
    return signals


def watch_object(file: pq.ParquetFile, rules: VehicleRules, where: str) -> Watch:
    """Evaluate rules over an open decoded object; only the row groups that they look at are read.

    Raises:
        BadRaw: Its footer has no report that describes its rows.
        pyarrow.ArrowException: Its pages cannot be read.
    """
    watch = Watch(rules, signals_of(file, where))
    for number, start, end in _groups(file):
        if watch.wants(start, end):
            watch.look(start, file.read_row_group(number, columns=_present(file), use_threads=False))
    return watch


def contradicts(store: Store, key: str, series: Series, first_ns: int, last_ns: int) -> bool:
    """Whether a decoded object has a sample of a series in [first_ns, last_ns] for which its condition does not hold.

    Raises:
        BadRaw: It cannot be read.
        NotFound: It is gone.
    """
    condition = Condition.parse(series.condition)
    with store.open_file(key) as source:
        file = parquet.open_object(source, key)
        found = _run_of(signals_of(file, key), series.message, series.signal)
        if found is None:
            return False
        stats, run_start = found
        if stats.last_ns < first_ns or stats.first_ns > last_ns:
            return False
        for number, start, end in _groups(file):
            low, high = max(start, run_start), min(end, run_start + stats.rows)
            if low < high:
                table = file.read_row_group(number, columns=_present(file), use_threads=False)
                rows = Rows.of(table).part(low - start, high - start)
                for channel, times, values in rows.by_channel():
                    against = (times >= first_ns) & (times <= last_ns) & ~np.isnan(values)
                    if channel == series.channel and (against & ~condition.holds(values)).any():
                        return True
    return False


def _run_of(signals: Sequence[SignalStats], message: str, signal: str) -> tuple[SignalStats, int] | None:
    start = 0
    for stats in signals:
        if (stats.message, stats.signal) == (message, signal):
            return stats, start
        start += stats.rows
    return None


def _groups(file: pq.ParquetFile) -> Iterator[tuple[int, int, int]]:
    """The row groups with the numbers of their first row and of the first row after them."""
    start = 0
    for number in range(file.num_row_groups):
        end = start + file.metadata.row_group(number).num_rows
        yield number, start, end
        start = end


def _present(file: pq.ParquetFile) -> list[str]:
    return [name for name in COLUMNS if name in file.schema_arrow.names]
