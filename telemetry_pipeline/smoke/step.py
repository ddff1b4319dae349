"""Steps one after the other: each passes, fails, or is left out because one that it needs did not pass."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from telemetry_pipeline.errors import PermanentError, TelemetryError, first_line

State = Literal["pass", "fail", "left out"]


class Failed(PermanentError):
    """What was looked at is not as it has to be."""


@dataclass(frozen=True)
class Step:
    """One thing to look at.

    Attributes:
        name: What it is called.
        look: Looks, and says what it found; raises where that will not do.
        remedy: What to do when it fails and the error does not say it.
        needs: The steps without which there is nothing to look at.
    """

    name: str
    look: Callable[[], str]
    remedy: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What became of a step.

    Attributes:
        step: Its name.
        state: Whether it passed.
        seconds: How long it took.
        said: What was found, or what was wrong.
        remedy: What to do; empty where it passed.
    """

    step: str
    state: State
    seconds: float
    said: str
    remedy: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def run(steps: Sequence[Step], faults: tuple[type[Exception], ...] = ()) -> Iterator[Outcome]:
    """Look at everything, in order.

    Args:
        steps: What to look at.
        faults: Errors of others that mean that a step failed, beside our own.
    """
    passed: set[str] = set()
    for step in steps:
        missing = [name for name in step.needs if name not in passed]
        if missing:
            yield Outcome(step.name, "left out", 0.0, f"needs {', '.join(missing)}")
            continue
        began = time.monotonic()
        try:
            said = step.look()
        except TelemetryError as error:
            line = f"{error.where}: {error.what}" if error.where else error.what
            yield Outcome(step.name, "fail", _since(began), line, error.remedy or step.remedy)
        except faults as error:
            yield Outcome(step.name, "fail", _since(began), first_line(error), step.remedy)
        else:
            passed.add(step.name)
            yield Outcome(step.name, "pass", _since(began), said)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 2)
