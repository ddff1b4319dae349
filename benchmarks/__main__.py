"""Run the benchmarks and print their tables; `--write` also puts them into docs/benchmarks.md."""

import argparse
import gc
from pathlib import Path
from typing import Final

import pyarrow as pa

from benchmarks import decode, import_log, memory, pipeline, query
from benchmarks.page import print_result, write_page

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"

_BENCHMARKS: Final = {module.NAME: module.run for module in (decode, pipeline, memory, query, import_log)}


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of: {', '.join(_BENCHMARKS)}")
    parser.add_argument("--frames", type=int, default=5_000_000, help="frames of the long drive")
    parser.add_argument("--rounds", type=int, default=5, help="the best of so many")
    parser.add_argument("--write", action="store_true", help=f"put the tables into {PAGE.name}")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(_BENCHMARKS):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    if asked.write and asked.names:
        parser.error("the page holds all benchmarks: --write goes without names")
    pa.set_cpu_count(1)
    gc.freeze()  # what the libraries are made of is no garbage: every round begins with a collection
    results = []
    for name, run in _BENCHMARKS.items():
        if not asked.names or name in asked.names:
            results.append(run(asked.frames, asked.rounds))
            print_result(results[-1])
    gc.unfreeze()  # libraries complain of what is left at the end of a process
    if asked.write:
        write_page(PAGE, results)


if __name__ == "__main__":
    main()
