"""How a vehicle-day might lie in the lake for reading: bytes, files, and what one signal costs, layout by layout.

    python -m benchmarks.layouts [--frames N]

Two days: the synthetic car of 80 messages, and two hours of the simulated EV powertrain. What it printed is the table of
docs/adr/0008-series-objects.md; `make bench` does not run it.
"""

import argparse
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.workload import START_NS, load_car, make_frames
from edge_agent.database import BUNDLED, read_database
from edge_agent.simulate import Simulator
from telemetry_pipeline.decode.dbc import load_dbc
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.lake import schema
from telemetry_pipeline.lake.decoded_file import row_group_sizes, write_decoded
from telemetry_pipeline.lake.series_file import Labels, SeriesWriter, SignalRows

_MINUTE_NS: Final = 60_000_000_000
_MINUTES: Final = 120
_HOUR_NS: Final = 60 * _MINUTE_NS
_NAMES: Final = [field.name for field in schema.DECODED if pa.types.is_dictionary(field.type)]


@dataclass(frozen=True)
class Day:
    """A decoded day, whole and by signal, and the signal that is asked for: the one with most rows."""

    name: str
    table: pa.Table
    signals: list[SignalRows]

    @property
    def asked(self) -> SignalRows:
        return max(self.signals, key=lambda rows: (len(rows.t), rows.name))


@dataclass(frozen=True)
class Layout:
    """One way to write a day: files by name."""

    name: str
    write: Callable[[Day], dict[str, bytes]]


def car(frames: int) -> Day:
    return _day("80 messages, 643 signals", make_frames(frames, slower=10), compile_plan([load_car()]))


def powertrain() -> Day:
    body, database = read_database(BUNDLED)
    simulator = Simulator(database.database, "EV", 0, START_NS)
    minutes = [
        simulator.frames(START_NS + at * _MINUTE_NS, START_NS + (at + 1) * _MINUTE_NS)
        for at in range(_MINUTES)
    ]
    return _day(
        "EV powertrain, 17 signals, 2 h", pa.concat_tables(minutes), compile_plan([load_dbc(body, "ev.dbc")])
    )


def _day(name: str, frames: pa.Table, plan: Plan) -> Day:
    decoded = decode_frames(frames, plan)
    signals, start = [], 0
    for entry in decoded.report.signals:
        part = decoded.table.slice(start, entry.rows)
        start += entry.rows
        t, v = part["timestamp"].cast(pa.int64()).to_numpy(), part["value"].to_numpy()
        unit, channel = Labels((entry.unit,)), Labels((part["channel"][0].as_py(),))
        signals.append(SignalRows((entry.message, entry.signal), t, v, unit, channel))
    return Day(name, decoded.table, signals)


def minutes(day: Day) -> dict[str, bytes]:
    """As it is decoded: an object a minute."""
    t = day.table["timestamp"].cast(pa.int64()).to_numpy()
    number = (t - START_NS) // _MINUTE_NS
    files = {}
    for minute in range(int(number.max()) + 1):
        part = day.table.filter(pa.array(number == minute))
        runs = (
            pl.from_arrow(part.select(["message_name", "signal_name"]))
            .group_by(pl.all(), maintain_order=True)
            .len()
        )
        files[f"{minute:04d}"] = write_decoded(part, runs["len"], {})
    return files


def sorted_day(
    *, level: int = 1, value: str = "PLAIN", group: int | None = None
) -> Callable[[Day], dict[str, bytes]]:
    """The report's layout C: one table, every column in every row group."""

    def write(day: Day) -> dict[str, bytes]:
        sink = io.BytesIO()
        sizes = row_group_sizes(len(rows.t) for rows in day.signals)
        if group:
            sizes = [
                min(group, len(rows.t) - at) for rows in day.signals for at in range(0, len(rows.t), group)
            ]
        with pq.ParquetWriter(
            sink,
            schema.DECODED,
            compression="zstd",
            compression_level=level,
            store_schema=False,
            use_dictionary=[*_NAMES, *(["value"] if value == "DICTIONARY" else [])],
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"}
            | ({} if value == "DICTIONARY" else {"value": value}),
            write_statistics=["timestamp", "message_name", "signal_name"],
        ) as writer:
            at = 0
            for size in sizes:
                writer.write_table(day.table.slice(at, size), row_group_size=size)
                at += size
        return {"day": sink.getvalue()}

    return write


def shared(day: Day) -> dict[str, bytes]:
    """What we write: the same rows, equal times written once."""
    sink = io.BytesIO()
    writer = SeriesWriter(sink, "V")
    for rows in day.signals:
        writer.add(rows)
    writer.close({})
    return {"day": sink.getvalue()}


def wide(day: Day) -> dict[str, bytes]:
    """A file for each message: its times, and a column for each of its signals, null where a frame has it not."""
    files = {}
    for message, group in _by_message(day):
        times = np.unique(np.concatenate([rows.t for rows in group]))
        columns = {"timestamp": pa.array(times).cast(schema.TIMESTAMP)}
        for rows in group:
            if len(rows.t) == len(times):
                columns[rows.name[1]] = pa.array(rows.v)
            else:
                values, mask = np.zeros(len(times)), np.ones(len(times), np.bool_)
                at = np.searchsorted(times, rows.t)
                values[at], mask[at] = rows.v, False
                columns[rows.name[1]] = pa.array(values, mask=mask)
        sink = io.BytesIO()
        pq.write_table(
            pa.table(columns),
            sink,
            compression="zstd",
            compression_level=3,
            store_schema=False,
            row_group_size=131_072,
            use_dictionary=False,
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
        )
        files[message] = sink.getvalue()
    return files


def _by_message(day: Day) -> Iterator[tuple[str, list[SignalRows]]]:
    found: dict[str, list[SignalRows]] = {}
    for rows in day.signals:
        found.setdefault(rows.name[0], []).append(rows)
    yield from found.items()


LAYOUTS: Final = (
    Layout("an object a minute, as decoded", minutes),
    Layout("C: sorted day, zstd 1", sorted_day()),
    Layout("C, zstd 3", sorted_day(level=3)),
    Layout("C, zstd 9", sorted_day(level=9)),
    Layout("C, values as BYTE_STREAM_SPLIT", sorted_day(value="BYTE_STREAM_SPLIT")),
    Layout("C, values as dictionary", sorted_day(value="DICTIONARY")),
    Layout("C, a row group a signal, zstd 3", sorted_day(level=3, group=131_072)),
    Layout("C, equal times written once", shared),
    Layout("wide, a file a message", wide),
)


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    """CPU milliseconds, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return 1000 * best


def _readers(
    folder: Path, layout: Layout, day: Day
) -> dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]]:
    """One hour of one signal through three readers."""
    message, signal = day.asked.name
    start, end = START_NS + _HOUR_NS // 4, START_NS + _HOUR_NS // 4 + _HOUR_NS
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
        found = pa.concat_tables(parts)
        if not is_wide:
            import pyarrow.compute as pc  # noqa: PLC0415

            found = found.filter(
                pc.and_(pc.equal(found["message_name"], message), pc.equal(found["signal_name"], signal))
            )
        t = found["timestamp"].cast(pa.int64()).to_numpy()
        inside = (t >= start) & (t < end)
        return t[inside], found[value].to_numpy()[inside]

    return {"row groups": by_row_groups, "polars": by_polars, "duckdb": by_duckdb}


def measure(day: Day) -> None:
    rows = day.table.num_rows
    print(f"\n{day.name}: {rows:,} rows; one hour of {'.'.join(day.asked.name)}")
    print(
        "| layout | B/row | MB | files | row groups | footers kB | write M rows/CPU s | row groups | polars | duckdb (CPU ms) |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    t, v = day.asked.t, day.asked.v
    inside = (t >= START_NS + _HOUR_NS // 4) & (t < START_NS + _HOUR_NS // 4 + _HOUR_NS)
    for layout in LAYOUTS:
        begun = time.process_time()
        files = layout.write(day)
        took = time.process_time() - begun
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for stem, body in files.items():
                (folder / f"{stem}.parquet").write_bytes(body)
            metas = [pq.read_metadata(path) for path in folder.iterdir()]
            times = []
            for who, read in _readers(folder, layout, day).items():
                found_t, found_v = read()
                if not (np.array_equal(found_t, t[inside]) and np.array_equal(found_v, v[inside])):
                    print(f"  {layout.name}, {who}: THE ROWS DIFFER")
                times.append(f"{_best(read):.1f}")
        size = sum(len(body) for body in files.values())
        groups, footers = sum(m.num_row_groups for m in metas), sum(m.serialized_size for m in metas)
        print(
            f"| {layout.name} | {size / rows:.2f} | {size / 1e6:.1f} | {len(files)} | {groups} | {footers / 1e3:.0f} | "
            f"{rows / took / 1e6:.1f} | {' | '.join(times)} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layouts", description=__doc__)
    parser.add_argument("--frames", type=int, default=2_600_000, help="frames of the synthetic car")
    asked = parser.parse_args()
    pa.set_cpu_count(1)
    measure(car(asked.frames))
    measure(powertrain())


if __name__ == "__main__":
    main()
