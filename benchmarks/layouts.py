"""How a vehicle-day might lie in the lake for reading: bytes, files, and what one signal costs, layout by layout.

    python -m benchmarks.layouts [--frames N]

Two days: the synthetic car of 80 messages, and two hours of the simulated EV powertrain. What it printed is the table of
docs/adr/0008-series-objects.md; `make bench` does not run it.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.layouts_days import Day, car, powertrain
from benchmarks.layouts_read import HOUR, readers
from benchmarks.layouts_written import LAYOUTS


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    """CPU milliseconds, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        best = min(best, time.process_time() - begun)
    return 1000 * best


def measure(day: Day) -> None:
    """Print the table of one day."""
    rows = day.table.num_rows
    print(f"\n{day.name}: {rows:,} rows; one hour of {'.'.join(day.asked.name)}")
    print(
        "| layout | B/row | MB | files | row groups | footers kB | write M rows/CPU s | row groups | polars | duckdb (CPU ms) |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    t, v = day.asked.t, day.asked.v
    inside = (t >= HOUR[0]) & (t < HOUR[1])
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
            for who, read in readers(folder, layout, day).items():
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
    """Measure both days."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layouts", description=__doc__)
    parser.add_argument("--frames", type=int, default=2_600_000, help="frames of the synthetic car")
    asked = parser.parse_args()
    pa.set_cpu_count(1)
    measure(car(asked.frames))
    measure(powertrain())


if __name__ == "__main__":
    main()
