"""How one hour of one signal is read from a day's files, whatever their layout, by three readers."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.layouts_days import MINUTE_NS, Day
from benchmarks.layouts_written import Layout, wide
from benchmarks.workload import START_NS

HOUR: Final = (START_NS + 15 * MINUTE_NS, START_NS + 75 * MINUTE_NS)
"""The hour that is asked for: its beginning, and the first instant after it."""


def readers(folder: Path, layout: Layout, day: Day) -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """One hour of the signal that is asked for, through three readers: each gives its times and values."""
    message, signal = day.asked.name
    start, end = HOUR
    is_wide = layout.write is wide
    files = sorted(folder.glob(f"{message}.parquet" if is_wide else "*.parquet"))
    value = signal if is_wide else "value"
    named = "true" if is_wide else f"message_name = '{message}' and signal_name = '{signal}'"
    listed = [str(path) for path in files]
    sql = (
        f'select epoch_ns(timestamp) as t, "{value}" as v from read_parquet(?) where {named} '
        f"and epoch_ns(timestamp) >= {start} and epoch_ns(timestamp) < {end} and v is not null order by t"
    )
    connection = duckdb.connect()
    connection.execute("set threads = 1")

    def by_duckdb() -> tuple[np.ndarray, np.ndarray]:
        found = connection.execute(sql, [listed]).fetchnumpy()
        return np.asarray(found["t"]), np.asarray(found["v"])

    def by_polars() -> tuple[np.ndarray, np.ndarray]:
        rows = pl.scan_parquet(files)
        if not is_wide:
            rows = rows.filter(message_name=message, signal_name=signal)
        time_range = pl.col("timestamp").cast(pl.Int64).is_between(start, end, closed="left")
        found = (
            rows.filter(time_range).select(pl.col("timestamp").cast(pl.Int64), value).drop_nulls().collect()
        )
        return found["timestamp"].to_numpy(), found[value].to_numpy()

    def by_row_groups() -> tuple[np.ndarray, np.ndarray]:
        parts = []
        for path in files:
            file = pq.ParquetFile(path)
            wanted = []
            for number in range(file.num_row_groups):
                group = file.metadata.row_group(number)
                columns = [group.column(at) for at in range(group.num_columns)]
                limits = {column.path_in_schema: column.statistics for column in columns}
                if limits["timestamp"].max_raw < start or limits["timestamp"].min_raw >= end:
                    continue
                name = limits.get("signal_name")
                if is_wide or name is None or name.min <= signal <= name.max:
                    wanted.append(number)
            names = ["timestamp", value] if is_wide else ["timestamp", "message_name", "signal_name", "value"]
            if wanted:
                parts.append(file.read_row_groups(wanted, columns=names, use_threads=False))
        if not parts:
            return np.empty(0, np.int64), np.empty(0)
        found = pa.concat_tables(parts)
        if not is_wide:
            found = found.filter(
                pc.and_(pc.equal(found["message_name"], message), pc.equal(found["signal_name"], signal))
            )
        t = found["timestamp"].cast(pa.int64()).to_numpy()
        inside = (t >= start) & (t < end)
        return t[inside], found[value].to_numpy()[inside]

    return {"row groups": by_row_groups, "polars": by_polars, "duckdb": by_duckdb}
