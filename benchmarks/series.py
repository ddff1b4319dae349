"""A vehicle-day of many decoded objects becomes a series object and an overview, beside plainly copying its rows.

python -m benchmarks.series
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Line, Result, at_most, per_second
from benchmarks.page import print_result
from benchmarks.workload import ARROW_DECODED, START_NS, VEHICLE, load_car, make_frames
from telemetry_pipeline.decode.frames import decode_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake import decoded_file, layout, parquet, schema
from telemetry_pipeline.lake.layout import DecodedObject, Partition, stem_of
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.series.compact import compact_day

NAME: Final = "series"

_OBJECT_FRAMES: Final = 100_000
_OBJECT_NS: Final = 30_000_000_000
"""About as long as so many frames take at the bus's 3,600 a second."""
_TARGET_MB: Final = 2_000
_DAY: Final = Partition.containing(VEHICLE, START_NS)


def run(frames: int, rounds: int) -> Result:
    """Compact a day of `frames` frames, in objects of at most 100,000; a fresh process each round."""
    with tempfile.TemporaryDirectory() as folder:
        url = Path(folder).as_uri()
        rows = make_day(Store.open(url), frames)
        took, peak = {}, {}
        for _ in range(min(rounds, 3)):
            for who in ("ours", "limit"):
                seconds, peak_kb = _measured(url, who)
                took[who] = min(took.get(who, seconds), seconds)
                peak[who] = peak_kb / 1000
    return Result(
        NAME,
        f"{rows:,} rows of one day in {-(-frames // _OBJECT_FRAMES)} decoded objects become one series object and three "
        "tiers of overview (`compact_day`). The limit reads the same objects and writes the same rows into one file, in "
        "the order in which they come. CPU time of a fresh process each. Ratio: our time over the limit's.",
        [
            Line(
                "ours",
                f"{took['ours']:.2f} CPU s",
                per_second(rows, took["ours"], "rows"),
                f"{took['ours'] / took['limit']:.2f} ×",
            ),
            Line("… limit", f"{took['limit']:.2f} CPU s", per_second(rows, took["limit"], "rows")),
            Line("peak memory", **at_most(peak["ours"], _TARGET_MB, "MB")),
        ],
    )


def make_day(store: Store, frames: int) -> int:
    """Write the decoded objects of a day: one object's rows again and again, each time later. Returns the rows."""
    drive = make_frames(min(frames, _OBJECT_FRAMES))
    decoded = decode_frames(drive, compile_plan([load_car()]))
    runs = [signal.rows for signal in decoded.report.signals]
    rows = 0
    times = decoded.table["timestamp"].cast(pa.int64()).to_numpy()
    for number in range(-(-frames // _OBJECT_FRAMES)):
        later = number * _OBJECT_NS
        report = decoded.report.to_dict()
        for entry in report["signals"]:
            entry["first_ns"] += later
            entry["last_ns"] += later
        table = decoded.table.set_column(
            0, schema.DECODED.field(0), pa.array(times + later).cast(schema.TIMESTAMP)
        )
        body = decoded_file.write_decoded(table, runs, {"report": json.dumps(report)})
        store.put(DecodedObject(_DAY, stem_of(START_NS + later)).key, body)
        rows += len(times)
    return rows


def _measured(url: str, who: str) -> tuple[float, int]:
    """CPU seconds and peak resident kilobytes of a fresh process."""
    command = [sys.executable, "-m", "benchmarks.series", url, who]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1])
    seconds, peak = said.stdout.split()
    return float(seconds), int(peak)


def _copy(store: Store) -> None:
    infos = sorted(store.list_objects(_DAY.prefix(layout.DECODED)), key=lambda info: info.key)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.parquet"
        writer = None
        for info in infos:
            table = parquet.open_object(store.get(info.key), info.key).read(use_threads=False)
            if writer is None:
                writer = pq.ParquetWriter(path, table.schema, **ARROW_DECODED)
            writer.write_table(table, row_group_size=decoded_file.ROW_GROUP_MAX)
        if writer is not None:
            writer.close()


def main(url: str, who: str) -> None:
    """Do the work of one contender; print its CPU seconds and this process's peak in kilobytes."""
    pa.set_cpu_count(1)
    store = Store.open(url)
    for zone in (layout.SERIES, "overview"):
        for info in list(store.list_objects(zone)) if who == "ours" else []:
            store.delete(info.key)
    begun = time.process_time()
    if who == "ours":
        compact_day(store, _DAY)
    else:
        _copy(store)
    seconds = time.process_time() - begun
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")
    )
    print(seconds, int(line.split()[1]))


if __name__ == "__main__":
    if sys.argv[1:]:
        main(*sys.argv[1:])
    else:
        print_result(run(3_000_000, 3))
