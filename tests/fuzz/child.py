"""The process in which cases run: what kills, hangs or fills it is seen by `campaign`, which started it.

Run it as `python -m tests.fuzz.child TARGET SEED CASES FIRST FOLDER`; it writes a line of JSON for every case.
"""

import faulthandler
import importlib
import json
import logging
import resource
import signal
import sys
import traceback
import warnings
from pathlib import Path
from typing import Final

from tests.fuzz import target as limits
from tests.fuzz.target import Target, random_of

_HEAP_MAX: Final = 6 << 30
"""Where an allocation fails, so that a case that wants everything does not take the machine with it."""


def target_of(name: str) -> Target:
    """A target by its name; what another one needs is not loaded."""
    module = importlib.import_module(f"tests.fuzz.{name}_target")
    found: Target = getattr(module, f"{name.capitalize()}Target")()
    return found


def main(name: str, seed: int, cases: int, first: int, folder: Path) -> None:
    """Run cases from `first` on; every line that is written says what became of one."""
    faulthandler.enable()
    # where it stands when its time is over is on stderr, and then it ends, even within a call that holds everything
    faulthandler.register(signal.SIGPROF, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_HEAP_MAX, _HEAP_MAX))
    logging.disable()
    warnings.simplefilter("ignore")
    target = target_of(name)
    target.prepare(folder)
    print(json.dumps({"ready": first}), flush=True)
    for number in range(first, cases):
        print(json.dumps(_case(target, name, seed, number)), flush=True)
    target.close()


def _case(target: Target, name: str, seed: int, number: int) -> dict[str, object]:
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak is this case's
    signal.setitimer(signal.ITIMER_PROF, limits.CPU_S)
    flaw = ""
    try:
        outcome = target.run(random_of(name, seed, number))
    except Exception:  # what a door lets out is what is looked for
        outcome, flaw = "flaw", traceback.format_exc()
    signal.setitimer(signal.ITIMER_PROF, 0)
    used = (_resident("VmHWM") - before) // 1024
    if used > limits.MEMORY_MB and not flaw:
        outcome, flaw = "flaw", f"it took {used} MB"
    return {"case": number, "outcome": outcome, "flaw": flaw, "mb": used}


def _resident(name: str) -> int:
    """A line of this process's state, in kB."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise OSError(f"there is no {name} here")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), Path(sys.argv[5]))
