"""What became of a fleet's objects: how each ended, how long it took, and what should not be."""

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.fleet_stack import Fleet
from benchmarks.measure import Line, at_most
from telemetry_pipeline.lake.layout import RawObject

LAG_TARGET_S: Final = 120.0
AFTER_S: Final = 600.0
"""How long the last objects may take."""


@dataclass(frozen=True)
class End:
    """What became of an object: how long it took, and as what it ended ("" if nobody dealt with it)."""

    kind: str
    ended: str
    lag_s: float


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


def ledger_notes(ends: list[End]) -> list[str]:
    """Every object, by what it was and how it ended; what should not be is said."""
    counts = Counter((end.kind, end.ended or "NOT DEALT WITH") for end in ends)
    expected = {"live": "decoded", "late": "decoded", "corrupt": "quarantined"}
    wrong = sum(count for (kind, how), count in counts.items() if expected[kind] != how)
    book = ", ".join(f"{count:,} {kind} {how}" for (kind, how), count in sorted(counts.items()))
    return [f"ledger: {book}; {wrong} not as they should be"]
