"""A candump log becomes raw frames. No target: it is here so that a change shows."""

import tempfile
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks.measure import Line, Result, per_second, race
from benchmarks.workload import VEHICLE, make_frames
from telemetry_pipeline.formats.reader import read_log

NAME: Final = "import"

_FRAMES: Final = 500_000


def run(frames: int, rounds: int) -> Result:
    """Read a log of at most half a million frames."""
    drive = make_frames(min(frames, _FRAMES))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "drive.log"
        log.write_text(_candump(drive))
        size = log.stat().st_size
        read = pa.concat_tables(read_log(log, vehicle_id=VEHICLE))
        same = read["data"].equals(drive["data"]) and read["arb_id"].equals(drive["arb_id"])
        took = race({"import": lambda: list(read_log(log, vehicle_id=VEHICLE))}, min(rounds, 3))["import"]
    rate = f"{per_second(drive.num_rows, took, 'frames')}, {size / took / 1e6:.3g} MB/s in"
    return Result(
        NAME,
        "A candump log in memory as raw frames. Informative: there is no other side.",
        [Line(f"candump, {drive.num_rows:,} frames", f"{took:.3f} CPU s", rate)],
        [] if same else ["FRAMES DIFFER FROM THOSE OF THE LOG"],
    )


def _candump(drive: pa.Table) -> str:
    rows = zip(
        drive["timestamp"].cast(pa.int64()).to_pylist(),
        drive["arb_id"].to_pylist(),
        drive["is_extended_id"].to_pylist(),
        drive["data"].to_pylist(),
        strict=True,
    )
    return "".join(
        f"({time // 1_000_000_000}.{time // 1000 % 1_000_000:06d}) can0 "
        f"{arbitration_id:0{8 if extended else 3}X}#{data.hex().upper()}\n"
        for time, arbitration_id, extended, data in rows
    )
