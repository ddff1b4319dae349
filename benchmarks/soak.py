"""Everything together under fire: `python -m benchmarks.soak --minutes N`; ten minutes by default, an hour by `--minutes 60`.

Vehicles with real agents, an S3 server, Dagster on PostgreSQL, the service and its callers run on this machine while one
fault follows the other. In the end the vehicles stop, what waits is decoded, what is stale is decoded again, and the
ledger has to balance; the exit code says whether it does.
"""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.fleet import make_template, memory_lines
from benchmarks.fleet_stack import Sampler
from benchmarks.measure import Line, Result
from benchmarks.page import print_result
from benchmarks.soak_clients import Clients
from benchmarks.soak_faults import Faults
from benchmarks.soak_lag import Lag
from benchmarks.soak_ledger import Ledger, balance
from benchmarks.soak_settle import settle, stop_vehicles
from benchmarks.soak_town import Town, Watch, town
from telemetry_pipeline.lake.parquet import read_raw
from tests.raw_lake import add_dbc

NAME: Final = "soak"
VEHICLES: Final = 4
PAUSE_S: Final = 15.0


def soak(folder: Path, minutes: float, vehicles: int, pause_s: float) -> tuple[Result, bool]:
    """Run it, and say what came of it and whether the ledger balances."""
    template = read_raw(make_template(folder).read_bytes(), "template")
    with Sampler() as sampler, town(folder, vehicles, sampler) as here:
        add_dbc(here.store)
        begun = time.monotonic()
        with Watch(here), Lag(here, here.vehicles) as lag:
            with Clients(here) as clients, Faults(here, template, pause_s) as faults:
                _say(f"everything runs; faults for {minutes:g} minutes, logs in {folder}")
                time.sleep(minutes * 60)
            _say("the faults are over; ending the vehicles")
            driven_s = time.monotonic() - begun
            problems = stop_vehicles(here)
            calm = time.monotonic()
            _say("waiting until nothing waits and nothing is stale")
            problems += settle(here)
        settled_s = time.monotonic() - calm
        _say("comparing books and lake")
        book = balance(here, faults.landed)
        book.problems += problems + faults.broken + _unexpected(clients, faults)
        taken_s = time.monotonic() - begun
    result = Result(
        NAME,
        f"{vehicles} vehicles with an agent each, an S3 server, Dagster on PostgreSQL, the service and its callers on "
        f"one machine for {minutes:g} minutes, with {pause_s:g} s between two faults.",
    )
    asked = sum(clients.answers.values())
    result.lines += _ledger_lines(book)
    result.lines += [
        Line("load held", f"{book.sent / driven_s:,.0f} frames/s", f"{asked / driven_s:.1f} questions/s"),
        Line(
            "faults survived", f"{len(faults.happened)}", f"{here.restarts.total()} processes started again"
        ),
        _lag_line(lag),
        Line("settled", f"{settled_s:.0f} s", "from the last frame to nothing waiting, nothing stale"),
        _answers(clients),
        *memory_lines(sampler.usage.memory),
        *_cpu_lines(sampler, taken_s),
    ]
    result.notes += _notes(book, faults, here)
    return result, book.balances


def _notes(book: Ledger, faults: Faults, here: Town) -> list[str]:
    counted = Counter(faults.happened)
    notes = ["faults: " + ", ".join(f"{count} × {name}" for name, count in counted.items())]
    if faults.missed:
        notes.append("found nothing to strike: " + ", ".join(faults.missed))
    if not here.full_disk:
        notes.append("no full disk: this user may not mount a file system")
    if not here.clock:
        notes.append("no clock steps: there is no C compiler")
    rows = ", ".join(f"{count:,} {name}" for name, count in book.rows.items())
    objects = ", ".join(f"{count:,} {name}" for name, count in book.objects.items())
    by_hand = ", ".join(f"{len(keys)} {kind}" for kind, keys in faults.landed.items())
    notes += [f"rows: {rows}", f"objects: {objects}; of them put there by hand: {by_hand}"]
    return notes + [f"NOT AS IT SHOULD BE: {what}" for what in book.problems]


def _unexpected(clients: Clients, faults: Faults) -> list[str]:
    """Answers that no outage of the store explains."""
    return [
        what
        for when, what in clients.failures
        if not any(began - 5 <= when <= ended + 15 for began, ended in faults.outages)
    ][:10]


def _lag_line(lag: Lag) -> Line:
    p50, p95, most = np.percentile(lag.waited_s or [0.0], [50, 95, 100])
    took = f"p50 {p50:.0f} s, p95 {p95:.0f} s, max {most:.0f} s"
    return Line(f"lag of {len(lag.waited_s):,} of {lag.landed:,} objects", took, "faults included")


def _cpu_lines(sampler: Sampler, taken_s: float) -> list[Line]:
    usage = sampler.usage
    return [
        Line(
            f"CPU: {group}",
            f"{cpu:.1f} s",
            f"{cpu / taken_s:.2f} cores, {usage.peak[group] / 1e6:,.0f} MB at most",
        )
        for group, cpu in usage.cpu.items()
    ]


def _say(what: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


def _ledger_lines(book: Ledger) -> list[Line]:
    return [
        Line("frames handed over by the buses", f"{book.sent:,}", f"in {book.lives} lives of agents"),
        Line(
            "… that must be in the lake",
            f"{book.kept:,}",
            "a second before a kill, or all before a clean end",
        ),
        Line("… that are there", f"{book.there:,}"),
        Line("missing", f"{book.missing:,}", target="0", met=not book.missing),
        Line("there twice", f"{book.twice:,}", target="0", met=not book.twice),
        Line("never sent", f"{book.strangers:,}", target="0", met=not book.strangers),
        Line(
            "telemetry verify, accounts, answers",
            f"{len(book.problems)} problems",
            target="0",
            met=not book.problems,
        ),
    ]


def _answers(clients: Clients) -> Line:
    counts = ", ".join(f"{count:,} × {status}" for status, count in clients.answers.most_common())
    p50, p95 = np.percentile(clients.took_s or [0.0], [50, 95])
    return Line("answers to callers", counts, f"p50 {p50 * 1e3:.0f} ms, p95 {p95 * 1e3:.0f} ms")


def main() -> int:
    """Run a soak and print what came of it; 0 when the ledger balances."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--vehicles", type=int, default=VEHICLES)
    parser.add_argument("--pause", type=float, default=PAUSE_S, help="seconds without a fault between two")
    parser.add_argument("--folder", type=Path, help="where everything lies; default: the temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave logs, spools and books behind")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=asked.folder))
    try:
        result, balances = soak(folder, asked.minutes, asked.vehicles, asked.pause)
        print_result(result)
        print("\n  the ledger balances" if balances else "\n  THE LEDGER DOES NOT BALANCE")
    finally:
        if asked.keep:
            print(f"  left in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0 if balances else 1


if __name__ == "__main__":
    sys.exit(main())
