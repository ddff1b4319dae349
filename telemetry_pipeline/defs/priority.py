"""Which run yields the processor to which: live decoding comes before everything that can wait."""

import multiprocessing
import os
import sys
from typing import Final

STEP_BACK: Final = 10


def step_back() -> None:
    """Lower the priority of this run's process; one that is not a run's own, such as a test's, keeps its own."""
    if multiprocessing.parent_process() is not None or "execute_run" in sys.argv:
        os.nice(STEP_BACK)
