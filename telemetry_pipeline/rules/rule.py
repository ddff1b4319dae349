"""The rules of a lake, and those that concern one vehicle or one signal."""

import fnmatch
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from telemetry_pipeline.lake.duration import format_duration
from telemetry_pipeline.rules.condition import Condition

SEVERITIES: Final = ("info", "warning", "critical")
"""From the least to the most severe."""

MAX_HOLE_NS: Final = 10_000_000_000
"""The longest silence within one interval, unless the rule says otherwise."""


@dataclass(frozen=True)
class Rule:
    """A condition on a signal that is an event once it has held for long enough.

    Attributes:
        name: Its name, unique among the rules.
        signal: `Message.Signal`, or `Signal` of any message; globs.
        condition: What has to hold.
        duration_ns: From the first to the last sample at least, in nanoseconds; 0: one sample is enough.
        max_hole_ns: A silence of the signal above this ends an interval.
        severity: One of `SEVERITIES`.
        vehicles: Globs of vehicle ids.
        description: For people.
    """

    name: str
    signal: str
    condition: Condition
    duration_ns: int = 0
    max_hole_ns: int = MAX_HOLE_NS
    severity: str = "warning"
    vehicles: tuple[str, ...] = ("*",)
    description: str = ""

    def concerns(self, vehicle_id: str) -> bool:
        """Whether it is evaluated for a vehicle."""
        return any(fnmatch.fnmatchcase(vehicle_id, glob) for glob in self.vehicles)

    def watches(self, message: str, signal: str) -> bool:
        """Whether it is about a signal; the names of some databases have dots of their own."""
        of_message, dot, of_signal = self.signal.partition(".")
        if dot and fnmatch.fnmatchcase(message, of_message) and fnmatch.fnmatchcase(signal, of_signal):
            return True
        return fnmatch.fnmatchcase(signal, self.signal)

    def meaning(self) -> str:
        """What it says, as a sentence for people."""
        lasting = f" for {format_duration(self.duration_ns)} or longer" if self.duration_ns else ", even once"
        return (
            f"{self.severity} when {self.signal} {self.condition}{lasting}, "
            f"on vehicles {', '.join(self.vehicles)}; a silence above {format_duration(self.max_hole_ns)} ends it"
        )


@dataclass(frozen=True)
class VehicleRules:
    """The rules that concern one vehicle.

    Attributes:
        rules: The rules, in the order of the file.
        digest: SHA-256 over what they say: it changes when one of them does, not with a comment or another's rule.
    """

    rules: tuple[Rule, ...] = ()
    digest: str = ""
    _watching: dict[tuple[str, str], tuple[Rule, ...]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @classmethod
    def of(cls, rules: Sequence[Rule]) -> "VehicleRules":
        """These rules, with their digest."""
        said = [
            [r.name, r.signal, str(r.condition), r.duration_ns, r.max_hole_ns, r.severity, r.description]
            for r in rules
        ]
        return cls(tuple(rules), hashlib.sha256(json.dumps(said).encode()).hexdigest())

    def on(self, message: str, signal: str) -> tuple[Rule, ...]:
        """Those that are about a signal."""
        name = (message, signal)
        if (found := self._watching.get(name)) is None:
            found = tuple(rule for rule in self.rules if rule.watches(message, signal))
            self._watching[name] = found
        return found


NO_RULES: Final = VehicleRules()


class Rules:
    """All rules of a lake; safe to share between threads.

    Args:
        rules: The rules, in the order of the file.
    """

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self._by_choice: dict[tuple[Rule, ...], VehicleRules] = {(): NO_RULES}
        self._by_vehicle: dict[str, VehicleRules] = {}

    def of(self, vehicle_id: str) -> VehicleRules:
        """The rules that concern a vehicle; `NO_RULES` when there are none."""
        if (found := self._by_vehicle.get(vehicle_id)) is None:
            chosen = tuple(rule for rule in self.rules if rule.concerns(vehicle_id))
            found = self._by_choice.setdefault(chosen, VehicleRules.of(chosen))
            self._by_vehicle[vehicle_id] = found
        return found
