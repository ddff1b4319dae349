"""How time is taken and how a result is said.

The figure is CPU time of this process, user and system, with one thread: on a shared machine wall time says who else
was there. Contenders take turns and the best of several rounds counts, so that all of them meet the same machine.
"""

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Line:
    """One contender of a benchmark.

    Attributes:
        who: Who does the work.
        took: What it took, with its unit.
        rate: How much it does a second, with its unit.
        ratio: How it compares; said in the benchmark's text.
        target: What the ratio, or what it took, should be.
        met: Whether it is; None without a target.
    """

    who: str
    took: str = ""
    rate: str = ""
    ratio: str = ""
    target: str = ""
    met: bool | None = None


@dataclass
class Result:
    """What one benchmark found."""

    name: str
    text: str
    lines: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


WHOLE: Final = 1_000_000
"""Frames from which a run is a measurement; a shorter one is for whoever only wants to see it run."""


def race(contenders: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """CPU seconds of each contender: the best of some rounds in which they take turns."""
    best = dict.fromkeys(contenders, float("inf"))
    for _ in range(rounds):
        for name, run in contenders.items():
            gc.collect()
            begun = time.process_time()
            result = run()
            best[name] = min(best[name], time.process_time() - begun)
            del result
    return best


def at_least(ratio: float, target: float, unit: str = "×") -> dict[str, object]:
    """The fields of a `Line` for a ratio that should not be smaller."""
    return {"ratio": f"{ratio:.2f} {unit}", "target": f"≥ {target:g} {unit}", "met": ratio >= target}


def at_most(ratio: float, target: float, unit: str = "×") -> dict[str, object]:
    """The fields of a `Line` for a ratio that should not be larger."""
    return {"ratio": f"{ratio:.2f} {unit}", "target": f"≤ {target:g} {unit}", "met": ratio <= target}


def per_second(count: float, seconds: float, unit: str) -> str:
    """A rate in three digits, with thousands or millions spelled k or M."""
    rate = count / seconds
    for size, prefix in ((1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.3g} {prefix} {unit}/s"
    return f"{rate:.3g} {unit}/s"
