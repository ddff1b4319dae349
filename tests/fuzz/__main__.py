"""Fuzz the doors that take what others made: `python -m tests.fuzz [--cases N] [--seed S] [--case N] [parquet|dbc|journal|api …]`.

Prints for every target how many cases were run and how they ended; 1 if one of them was a flaw.
"""

import argparse
import sys

from tests.fuzz.campaign import NAMES, Campaign, run


def main() -> int:
    """Run what was asked for; the status of the process."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description="Damaged input for every door.")
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], help="all of them unless named")
    parser.add_argument("--cases", type=int, default=20_000, help="cases of each target")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other cases")
    parser.add_argument("--case", type=int, help="this case alone, to look at it again")
    asked = parser.parse_args()
    first, cases = (0, asked.cases) if asked.case is None else (asked.case, asked.case + 1)
    flaws = 0
    for target in asked.targets or NAMES:
        done = run(target, cases, seed=asked.seed, first=first, told=_progress)
        print(f"\r{done}", flush=True)
        for case, flaw in done.flaws.items():
            print(
                f"\n--- python -m tests.fuzz {target} --seed {asked.seed} --case {case}\n{flaw}", flush=True
            )
        flaws += len(done.flaws)
    return 1 if flaws else 0


def _progress(campaign: Campaign) -> None:
    if sys.stderr.isatty():
        print(f"\r{campaign.target}: {campaign.outcomes.total():,} cases", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
