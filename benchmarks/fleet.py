"""A fleet on this machine: `python -m benchmarks.fleet --minutes N --vehicles N --storage sqlite|postgres [--backfill] [--kill]`.

Daemon, webserver and code server run as processes, with their sensors; another process lands an object per vehicle and
minute. The lag of an object is the time from its landing to its receipt, by the file system's times. In the end every
object that landed is looked for, and the lake is verified.
"""

import argparse
import datetime as dt
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.fleet_books import backfill_status, events
from benchmarks.fleet_ends import lag_lines, ledger_notes, wait_for_all
from benchmarks.fleet_faults import Reaper
from benchmarks.fleet_lander import MINUTE_NS, body_of, vehicle_name
from benchmarks.fleet_stack import GROUPS, Fleet, Sampler, running
from benchmarks.measure import Line, Result
from benchmarks.page import print_result
from telemetry_pipeline.lake.layout import DAY_NS, Partition, RawObject
from telemetry_pipeline.lake.parquet import read_raw, write_raw
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.webserver import launch_backfill
from tests.raw_lake import EV_DBC, add_dbc
from tests.servers import ended, wait_until
from tests.stack import BIN, ROOT

NAME: Final = "fleet"
FRAMES: Final = 6_000
BACKFILL_VEHICLES, BACKFILL_DAYS = 50, 30


def make_template(folder: Path) -> Path:
    """One raw object of `FRAMES` frames, as a simulated drive gives them."""
    env = {**os.environ, "TELEMETRY_LAKE": (folder / "template").as_uri()}
    start = dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    command = [
        BIN / "telemetry",
        "simulate",
        "--vehicle",
        "T",
        "--start",
        start.isoformat(),
        "--duration",
        "1m",
    ]
    subprocess.run([*command, "--dbc", str(EV_DBC)], env=env, check=True, capture_output=True)
    (found,) = (folder / "template").rglob("*_raw.parquet")
    path = folder / "template.parquet"
    path.write_bytes(write_raw(read_raw(found.read_bytes(), str(found)).slice(0, FRAMES)))
    return path


def prepare_archive(fleet: Fleet, template: Path) -> list[Partition]:
    """Older days, decoded before the fleet drives: what a backfill decodes again."""
    store = Store.open(fleet.lake.as_uri())
    table = read_raw(template.read_bytes(), str(template))
    today_ns = Partition.containing("T", time.time_ns()).start_ns
    partitions = []
    for number in range(BACKFILL_VEHICLES):
        for day in range(1, BACKFILL_DAYS + 1):
            start_ns = today_ns - day * DAY_NS + 6 * 60 * MINUTE_NS
            raw = RawObject.starting(vehicle_name(number), start_ns)
            store.put(raw.key, body_of(table, vehicle_name(number), start_ns))
            partitions.append(raw.partition)
    wait_until(
        lambda: _waiting(store, partitions) == 0, "the archive to be decoded", seconds=1800.0, pause=2.0
    )
    return partitions


def measure(
    vehicles: int, minutes: float, storage: str, *, backfill: bool, kill: bool, folder: Path
) -> Result:
    """Run a fleet for some minutes and say what came of it."""
    template = make_template(folder)
    journal = folder / "journal.jsonl"
    with Sampler() as sampler, running(folder, storage, sampler) as fleet:
        store = Store.open(fleet.lake.as_uri())
        add_dbc(store)
        archive = prepare_archive(fleet, template) if backfill else []
        sampler.usage.cpu.clear()
        sampler.usage.memory.clear()
        begun = time.monotonic()
        command = [
            sys.executable,
            "-m",
            "benchmarks.fleet_lander",
            fleet.lake.as_uri(),
            str(template),
            str(journal),
        ]
        lander = subprocess.Popen(
            [*command, "--vehicles", str(vehicles), "--minutes", str(minutes)],
            cwd=ROOT,
            env=fleet.env,
            start_new_session=True,
        )
        with ended(lander), Reaper(fleet) if kill else nullcontext() as reaper:
            sampler.roots["lander"] = lander.pid
            launched = ""
            while lander.poll() is None:
                time.sleep(1.0)
                if archive and not launched and time.monotonic() - begun > min(60.0, minutes * 30.0):
                    launched = launch_backfill(fleet.dagster, archive, "the archive again")
        landed_s = time.monotonic() - begun
        book = [json.loads(line) for line in journal.read_text().splitlines()]
        ends = wait_for_all(fleet, book)
        through_s = time.monotonic() - begun
        backfilled = backfill_status(fleet, launched) if launched else ""
        usage = sampler.usage
        verified = subprocess.run(
            [BIN / "telemetry", "verify", "--json"],
            env=fleet.env,
            capture_output=True,
            text=True,
            check=False,
        )
        told = events(fleet)
    result = Result(
        NAME,
        f"{vehicles:,} vehicles, an object of {FRAMES:,} frames a minute each, for {minutes:g} minutes; {storage}"
        + (f"; a backfill of {len(archive):,} partitions meanwhile" if backfill else ""),
    )
    result.lines += lag_lines(ends)
    result.lines.append(
        Line("objects landed", f"{len(book):,}", f"{len(book) / landed_s * 60:,.0f} a minute")
    )
    result.lines.append(
        Line("dealt with", f"{through_s:.0f} s", f"{len(book) / through_s * 60:,.0f} a minute")
    )
    for group in GROUPS:
        if cpu := usage.cpu.get(group):
            share = f"{cpu / through_s:.2f} cores"
            result.lines.append(
                Line(f"CPU: {group}", f"{cpu:.1f} s", share, f"{usage.peak[group] / 1e6:,.0f} MB at most")
            )
    work = sum(cpu for group, cpu in usage.cpu.items() if group != "lander")
    result.lines.append(Line("CPU per object", f"{work / len(book) * 1000:.0f} ms", "all but the lander"))
    result.lines += memory_lines(usage.memory)
    result.notes += ledger_notes(ends)
    result.notes.append(f"events: {told}")
    if reaper:
        result.notes.append("killed: " + ", ".join(f"{n} × {name}" for name, n in reaper.killed.items()))
    if backfilled:
        result.notes.append(f"backfill: {backfilled}")
    behind = max(entry["behind_s"] for entry in book)
    result.notes.append(f"the lander was at most {behind:.1f} s behind its own clock")
    result.notes.append(f"telemetry verify: exit code {verified.returncode}")
    if verified.returncode:
        result.notes.append(verified.stdout[-2000:] + verified.stderr[-2000:])
    return result


def memory_lines(samples: list[tuple[float, int]]) -> list[Line]:
    """Resident memory of everything but the lander, in the four quarters of the time."""
    quarters = np.array_split(np.array([size for _, size in samples]) / 1e6, 4)
    means = [float(part.mean()) for part in quarters if len(part)]
    return [Line("memory by quarters", ", ".join(f"{mean:,.0f}" for mean in means) + " MB", "mean of each")]


def _waiting(store: Store, partitions: list[Partition]) -> int:
    return sum(next(iter(store.list_objects(p.prefix("decoded"))), None) is None for p in partitions)


def main() -> None:
    """Run a fleet and print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--vehicles", type=int, default=1000)
    parser.add_argument("--storage", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument(
        "--backfill", action="store_true", help="decode 30 days of 50 vehicles again meanwhile"
    )
    parser.add_argument("--kill", action="store_true", help="kill -9 processes at random moments")
    parser.add_argument("--folder", type=Path, help="where the lake is made; default: the temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave the lake and the logs behind")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="fleet-", dir=asked.folder))
    try:
        print_result(
            measure(
                asked.vehicles,
                asked.minutes,
                asked.storage,
                backfill=asked.backfill,
                kill=asked.kill,
                folder=folder,
            )
        )
    finally:
        if asked.keep:
            print(f"  left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
