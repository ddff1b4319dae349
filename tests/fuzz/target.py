"""What a target of the fuzzing is, and how one of its cases ends. Nothing here knows Parquet, DBC, journals or HTTP.

A case is a pure function of a seed and its number, so that every one of them can be looked at again.
"""

from pathlib import Path
from random import Random
from typing import Protocol

CPU_S = 20.0
"""Processor time that one case may take; a case takes a few thousandths of it."""

MEMORY_MB = 512
"""What one case may take beyond what the process had before it."""


class Flaw(Exception):
    """A property that does not hold: a fault of the program, not of its input."""


class Target(Protocol):
    """A door of the program that takes what others made."""

    def prepare(self, folder: Path) -> None:
        """Make what all cases share; the folder is this target's own and goes away afterwards."""

    def run(self, random: Random) -> str:
        """Give the door one damaged input; say in a word how it ended.

        Raises:
            Flaw: A property does not hold. Every other exception is one that the program let out, which is a flaw, too.
        """

    def close(self) -> None:
        """End what was started."""


def random_of(target: str, seed: int, number: int) -> Random:
    """What decides everything about one case."""
    return Random(f"{target}/{seed}/{number}")
