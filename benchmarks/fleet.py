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
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.fleet_faults import Reaper
from benchmarks.fleet_lander import MINUTE_NS, body_of, vehicle_name
from benchmarks.fleet_stack import GROUPS, Fleet, Sampler, running
from benchmarks.measure import Line, Result, at_most
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
LAG_TARGET_S: Final = 120.0
AFTER_S: Final = 600.0
BACKFILL_VEHICLES, BACKFILL_DAYS = 50, 30


@dataclass(frozen=True)
class End:
    """What became of an object: how long it took, and as what it ended ("" if nobody dealt with it)."""

    kind: str
    ended: str
    lag_s: float


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


def wait_for_all(fleet: Fleet, book: list[dict[str, Any]]) -> list[End]:
    """What became of every object, once all are dealt with or the patience is over."""
    deadline = time.monotonic() + AFTER_S
    while True:
        ends = [end_of(fleet.lake, entry) for entry in book]
        if all(end.ended for end in ends) or time.monotonic() > deadline:
            return ends
        time.sleep(1.0)


def end_of(lake: Path, entry: dict[str, Any]) -> End:
    """How an object of the journal ended."""
    raw = RawObject.parse(entry["key"])
    landed = (lake / raw.key).stat().st_mtime
    found = [
        (name, (lake / key).stat().st_mtime)
        for name, key in (("decoded", raw.decoded_key), ("quarantined", raw.quarantine_key))
        if (lake / key).exists()
    ]
    name = "+".join(name for name, _ in found)
    return End(entry["kind"], name, max((at for _, at in found), default=landed) - landed)


def lag_lines(ends: list[End]) -> list[Line]:
    """Percentiles of the lag, for what landed into today and for what landed into older days."""
    lines = []
    for kind in ("live", "late", "corrupt"):
        lags = np.array([end.lag_s for end in ends if end.kind == kind and end.ended])
        if not len(lags):
            continue
        p50, p95, p99 = np.percentile(lags, (50, 95, 99))
        took = f"p50 {p50:.1f} s, p95 {p95:.1f} s, p99 {p99:.1f} s, max {lags.max():.1f} s"
        target: dict[str, Any] = at_most(float(p95), LAG_TARGET_S, "s") if kind == "live" else {}
        lines.append(Line(f"lag of {len(lags):,} {kind} objects", took, **target))
    return lines


def memory_lines(samples: list[tuple[float, int]]) -> list[Line]:
    """Resident memory of everything but the lander, in the four quarters of the time."""
    quarters = np.array_split(np.array([size for _, size in samples]) / 1e6, 4)
    means = [float(part.mean()) for part in quarters if len(part)]
    return [Line("memory by quarters", ", ".join(f"{mean:,.0f}" for mean in means) + " MB", "mean of each")]


def ledger_notes(ends: list[End]) -> list[str]:
    """Every object, by what it was and how it ended; what should not be is said."""
    counts = Counter((end.kind, end.ended or "NOT DEALT WITH") for end in ends)
    expected = {"live": "decoded", "late": "decoded", "corrupt": "quarantined"}
    wrong = sum(count for (kind, how), count in counts.items() if expected[kind] != how)
    book = ", ".join(f"{count:,} {kind} {how}" for (kind, how), count in sorted(counts.items()))
    return [f"ledger: {book}; {wrong} not as they should be"]


def events(fleet: Fleet) -> str:
    """What Dagster's storage holds, as the UI would count it."""
    program = (
        "import json, dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    key, cursor, count = dg.AssetKey('decoded_signals'), None, 0\n"
        "    while True:\n"
        "        found = instance.fetch_materializations(key, limit=1000, cursor=cursor)\n"
        "        count, cursor = count + len(found.records), found.cursor\n"
        "        if not found.has_more: break\n"
        "    runs = instance.get_runs()\n"
        "    by = {}\n"
        "    for run in runs:\n"
        "        name = f'{run.job_name} {run.status.value}'\n"
        "        by[name] = by.get(name, 0) + 1\n"
        "    partitions = len(instance.get_materialized_partitions(key))\n"
        "    print(json.dumps({'materializations': count, 'partitions': partitions, 'runs': by}))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], env=fleet.env, capture_output=True, text=True, check=True
    )
    return answer.stdout.splitlines()[-1]


def backfill_status(fleet: Fleet, backfill_id: str) -> str:
    """How a backfill ended, once it has."""
    program = (
        "import sys, dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    found = instance.get_backfill(sys.argv[1])\n"
        "    print(found.status.value, found.backfill_end_timestamp and found.backfill_end_timestamp - found.backfill_timestamp)\n"
    )

    def status() -> str:
        command = [sys.executable, "-c", program, backfill_id]
        answer = subprocess.run(command, env=fleet.env, capture_output=True, text=True, check=True)
        words = answer.stdout.splitlines()[-1]
        return "" if words.startswith(("REQUESTED", "COMPLETING")) else words

    return str(wait_until(status, "the backfill to end", seconds=3600.0, pause=5.0))


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
