"""How much memory one large raw object takes: a process of its own decodes it and says its peak."""

import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.measure import Line, Result, at_most
from benchmarks.workload import VEHICLE, load_car, make_frames
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.lake import parquet
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import process_object

NAME: Final = "memory"

_SHARE: Final = 0.2
"""Of the long drive: a million frames of five, a raw object of 10 MB."""

_TARGET_MB: Final = 300


def run(frames: int, rounds: int) -> Result:
    """Peak memory for one object, whatever the rounds: a process has only one peak."""
    del rounds
    drive = make_frames(int(frames * _SHARE))
    result = Result(
        NAME, "Peak resident memory of a fresh process that reads, decodes and writes one raw object."
    )
    with tempfile.TemporaryDirectory() as folder:
        raw = RawObject.starting(VEHICLE, drive["timestamp"][0].value)
        body = parquet.write_raw(drive)
        Store.open(Path(folder).as_uri()).put(raw.key, body)
        command = [sys.executable, "-m", "benchmarks.memory", Path(folder).as_uri(), raw.key]
        said = subprocess.run(
            command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[1]
        )
    before, peak = (int(number) / 1000 for number in said.stdout.split())
    result.lines = [
        Line(f"{len(body) / 1e6:.1f} MB, {drive.num_rows:,} frames", **at_most(peak, _TARGET_MB, "MB")),
        Line("… before it begins", ratio=f"{before:.2f} MB"),
    ]
    return result


def _peak_kb() -> int:
    """Peak resident memory of this process itself; `ru_maxrss` would begin with that of the process it came from."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1])


def main(url: str, key: str) -> None:
    """Process one object and print the peak in kilobytes, before and after."""
    store, plan = Store.open(url), compile_plan([load_car()])
    before = _peak_kb()
    outcome = process_object(store, RawObject.parse(key), plan)
    if outcome.report is None:
        raise SystemExit(f"{key} was not decoded: {outcome.quarantined}")
    print(before, _peak_kb())


if __name__ == "__main__":
    main(*sys.argv[1:])
