"""Many cases of one target, each judged, whatever it does to the process that it runs in."""

import json
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = ("parquet", "dbc", "journal", "api")
FLAWS_MAX: Final = 20
SILENCE_S: Final = 300.0
"""Time without a case's end after which its process hangs in something that takes no processor time."""


@dataclass
class Campaign:
    """What became of the cases.

    Attributes:
        target: What was run.
        seed: What decided every case, with its number.
        outcomes: Cases by how they ended; their sum is the number of cases.
        flaws: By case, what went wrong.
        mb: The most that one case took, in MB.
        seconds: How long it took.
    """

    target: str
    seed: int
    outcomes: Counter[str] = field(default_factory=Counter)
    flaws: dict[int, str] = field(default_factory=dict)
    mb: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        ended = ", ".join(f"{count:,} {outcome}" for outcome, count in self.outcomes.most_common())
        return (
            f"{self.target}: {self.outcomes.total():,} cases (seed {self.seed}) in {self.seconds:.0f} s: {ended}; "
            f"at most {self.mb} MB for one; {len(self.flaws)} flaws"
        )


def run(
    target: str,
    cases: int,
    *,
    seed: int = 0,
    first: int = 0,
    told: Callable[[Campaign], None] = lambda _: None,
) -> Campaign:
    """Run the cases from `first` up to `cases`; a process that dies takes one case with it, and another goes on.

    Args:
        target: Its name.
        cases: The number behind the last case.
        seed: Another seed gives other cases.
        first: The first case.
        told: Called now and then with what is known so far.
    """
    campaign = Campaign(target, seed)
    begun = time.monotonic()
    while first < cases and len(campaign.flaws) < FLAWS_MAX:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            first = _run_process(campaign, Path(folder), cases, first, told)
        campaign.seconds = time.monotonic() - begun
    return campaign


def _run_process(
    campaign: Campaign, folder: Path, cases: int, first: int, told: Callable[[Campaign], None]
) -> int:
    """Run cases in one process until all are done or it dies; gives the number of the next case."""
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.child",
        campaign.target,
        str(campaign.seed),
        str(cases),
        str(first),
    ]
    words = folder / "stderr"
    with words.open("wb") as stderr:
        process = subprocess.Popen(
            [*command, str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    reader = Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    ready = False
    try:
        while first < cases:
            try:
                line = lines.get(timeout=SILENCE_S)
            except Empty:
                process.send_signal(signal.SIGABRT)  # its last words are where it stands
                line = ""
            if not line:
                status = process.wait(60)
                said = words.read_text(errors="replace")[-3_000:]
                if not ready:
                    raise RuntimeError(
                        f"the process of {campaign.target} ended with {status} at once:\n{said}"
                    )
                campaign.outcomes["flaw"] += 1
                campaign.flaws[first] = f"its process ended: {_end(status)}\n{said}"
                return first + 1
            ready = True
            first = _note(campaign, json.loads(line), first)
            if campaign.outcomes.total() % 1_000 == 0:
                told(campaign)
            if len(campaign.flaws) >= FLAWS_MAX:
                break
        return first
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _note(campaign: Campaign, said: dict[str, Any], first: int) -> int:
    """Take what a process says; gives the number of the next case."""
    if "ready" in said:
        return first
    assert said["case"] == first, (said, first)
    campaign.outcomes[said["outcome"]] += 1
    campaign.mb = max(campaign.mb, said["mb"])
    if said["flaw"]:
        campaign.flaws[first] = said["flaw"]
    return first + 1


def _read(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    for line in process.stdout or ():
        lines.put(line)
    lines.put("")


def _end(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"
