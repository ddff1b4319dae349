"""Which findings stand, whom they were told to, and what is still to be told: small enough to be a cursor.

Everything is told at least once to every target. A target that does not take a message is asked again later, for as
long as it takes; what was found and resolved meanwhile is told then.
"""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FINDINGS_MAX: Final = 150
"""Findings that are tracked one by one; the others are told as a number."""

UNTOLD_MAX: Final = 200
"""Resolved findings that wait for a target; of more than these only the number is told."""

TEXT_MAX: Final = 160
FIRST_PAUSE_S: Final = 30.0
LONGEST_PAUSE_S: Final = 900.0

_MORE: Final = "more"
_OPENED, _RESOLVED = 1, 2


@dataclass
class _Finding:
    """A finding: its newest words, when it came and went, and what each target was told last (1 opened, 2 resolved)."""

    text: str
    opened: float
    resolved: float | None = None
    told: dict[str, int] = field(default_factory=dict)


@dataclass
class _Target:
    """A target that did not take its last messages: since when, how many, and when it is asked again."""

    failing_since: float
    failures: int
    again: float


@dataclass(frozen=True)
class Message:
    """What one target is to be told now.

    Attributes:
        opened: New findings: id, text and when.
        resolved: Findings that are gone: id, text, when they came and when they went.
        standing: How many stand now.
        dropped: Resolved findings that waited too long among too many, and are only counted.
    """

    opened: tuple[dict[str, str], ...]
    resolved: tuple[dict[str, str], ...]
    standing: int
    dropped: int = 0

    @property
    def summary(self) -> str:
        """One line for people."""
        parts = [(len(self.opened), "new"), (len(self.resolved), "resolved"), (self.dropped, "not listed")]
        said = ", ".join(f"{number} {what}" for number, what in parts if number)
        return f"{said}; {self.standing} stand"


class Tracker:
    """The state of the alerts.

    Args:
        state: What `dump` gave, None for a beginning.
        targets: The names of those who are told.
    """

    def __init__(self, state: str | None, targets: Iterable[str]) -> None:
        self._targets = tuple(targets)
        self._findings: dict[str, _Finding] = {}
        self._failing: dict[str, _Target] = {}
        self._dropped: dict[str, int] = {}
        try:
            plain = json.loads(state or "{}")
            for name, (text, opened, resolved, told) in plain.get("findings", {}).items():
                self._findings[name] = _Finding(text, opened, resolved, told)
            for name, item in plain.get("failing", {}).items():
                self._failing[name] = _Target(*item)
            self._dropped = dict(plain.get("dropped", {}))
        except (ValueError, TypeError, AttributeError):
            self._findings, self._failing, self._dropped = {}, {}, {}

    def observe(self, found: Mapping[str, str], now: float, *, unknown: Collection[str] = ()) -> None:
        """Take in what is found now.

        Args:
            found: Text by id.
            now: Seconds since 1970.
            unknown: Beginnings of ids of which nothing can be said now: what stood of them stands.
        """
        kept = dict(found)
        for name, item in self._findings.items():
            if item.resolved is None and name != _MORE and name.startswith(tuple(unknown)):
                kept.setdefault(name, item.text)
        known = [name for name in kept if name in self._findings]
        chosen = [*known, *sorted(name for name in kept if name not in self._findings)][:FINDINGS_MAX]
        now_found = {name: kept[name] for name in chosen}
        if more := len(kept) - len(chosen):
            now_found[_MORE] = f"{more} more findings, which are not told one by one: see the checks"
        for name, text in now_found.items():
            item = self._findings.setdefault(name, _Finding("", now))
            item.text = text[:TEXT_MAX]
            if item.resolved is not None:
                # back before everybody has heard that it was gone: they need not hear of it
                told = {target: stage for target, stage in item.told.items() if stage == _OPENED}
                item.opened, item.resolved, item.told = now, None, told
        for name, item in self._findings.items():
            if name not in now_found and item.resolved is None:
                item.resolved = now
        self._forget()

    def message_for(self, target: str, now: float) -> Message | None:
        """What a target is to be told now; None when there is nothing, or when it is not asked again yet."""
        failing = self._failing.get(target)
        if failing is not None and now < failing.again:
            return None
        opened = [
            {"id": name, "text": item.text, "at": _iso(item.opened)}
            for name, item in self._findings.items()
            if item.resolved is None and target not in item.told
        ]
        resolved = [
            {"id": name, "text": item.text, "at": _iso(item.opened), "resolved_at": _iso(item.resolved)}
            for name, item in self._findings.items()
            if item.resolved is not None and item.told.get(target) != _RESOLVED
        ]
        dropped = self._dropped.get(target, 0)
        standing = sum(item.resolved is None for item in self._findings.values())
        return (
            Message(tuple(opened), tuple(resolved), standing, dropped)
            if opened or resolved or dropped
            else None
        )

    def delivered(self, target: str, message: Message) -> None:
        """A target has taken a message."""
        for told, stage in ((message.opened, _OPENED), (message.resolved, _RESOLVED)):
            for item in told:
                self._findings[item["id"]].told[target] = stage
        self._dropped.pop(target, None)
        self._failing.pop(target, None)
        self._forget()

    def failed(self, target: str, now: float) -> str:
        """A target has not taken a message; what to say about it."""
        before = self._failing.get(target)
        failures = before.failures + 1 if before else 1
        pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10))
        since = before.failing_since if before else now
        self._failing[target] = _Target(since, failures, now + pause)
        return f"{target} takes no alerts since {_iso(since)}, {failures} times asked; again in {pause:.0f} s"

    def waiting(self) -> dict[str, float]:
        """The targets that are not asked again yet, and when they are."""
        return {name: item.again for name, item in self._failing.items() if name in self._targets}

    def dump(self) -> str:
        """The state as text, bounded by what is tracked at most."""
        plain: dict[str, Any] = {
            "findings": {
                name: (item.text, round(item.opened), item.resolved and round(item.resolved), item.told)
                for name, item in self._findings.items()
            }
        }
        if self._failing:
            plain["failing"] = {
                name: (item.failing_since, item.failures, item.again) for name, item in self._failing.items()
            }
        if self._dropped:
            plain["dropped"] = self._dropped
        return json.dumps(plain, separators=(",", ":"))

    def _forget(self) -> None:
        """Let go of what everybody has heard the end of, and of the oldest where too many wait."""
        for name, item in list(self._findings.items()):
            item.told = {target: stage for target, stage in item.told.items() if target in self._targets}
            if item.resolved is not None and all(item.told.get(t) == _RESOLVED for t in self._targets):
                del self._findings[name]
        gone = [name for name, item in self._findings.items() if item.resolved is not None]
        gone.sort(key=lambda name: self._findings[name].resolved or 0.0)
        for name in gone[: max(0, len(gone) - UNTOLD_MAX)]:
            for target in self._targets:
                if self._findings[name].told.get(target) != _RESOLVED:
                    self._dropped[target] = self._dropped.get(target, 0) + 1
            del self._findings[name]


def _iso(at: float | None) -> str:
    return dt.datetime.fromtimestamp(at or 0.0, dt.UTC).isoformat(timespec="seconds")
