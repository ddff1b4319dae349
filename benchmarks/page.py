"""Results as text: on the terminal, and as the page docs/benchmarks.md."""

import datetime as dt
import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.measure import Line, Result

_HEAD: Final = ("", "took", "rate", "ratio", "target", "")
_LIBRARIES: Final = ("numpy", "pyarrow", "cantools", "asammdf")
_INTRODUCTION: Final = """# Benchmarks

Made by `make bench ARGS=--write`; do not edit. One command, one run, everybody side by side on the same frames; that
they give the same values is checked before anything is timed.

Times are CPU time (user and system) of one thread, best of several rounds in which the contenders take turns. On a
machine that others use as well, wall time would tell about them. Memory bandwidth and caches are shared all the same:
ratios are steadier than seconds.
"""


def print_result(result: Result) -> None:
    """One benchmark's table, for a terminal."""
    print(f"\n{result.name}: {result.text}\n")
    rows = [_HEAD, *(_cells(line) for line in result.lines)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for note in result.notes:
        print(f"  {note}")


def write_page(path: Path, results: Sequence[Result], introduction: str = _INTRODUCTION) -> None:
    """Benchmarks as a Markdown page, with the machine and the versions they ran on."""
    parts = [introduction, f"{_machine()}\n"]
    for result in results:
        parts.append(f"## {result.name}\n\n{result.text}\n")
        table = [_HEAD, ("---",) * len(_HEAD), *(_cells(line) for line in result.lines)]
        parts.append("".join(f"| {' | '.join(row)} |\n" for row in table))
        if result.notes:
            parts.append("".join(f"- {note}\n" for note in result.notes))
    path.write_text("\n".join(parts))


def _cells(line: Line) -> tuple[str, ...]:
    met = {True: "met", False: "missed", None: ""}[line.met]
    return (line.who, line.took, line.rate, line.ratio, line.target, met)


def _machine() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, {_processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, {versions}; load average at the end {load}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
