"""Durations as text, to and from int64 nanoseconds."""

import re
from decimal import Decimal
from typing import Final

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.instant import MAX_NS

_UNIT_NS: Final = {
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def parse_duration(text: str) -> int:
    """Read `90s`, `10m`, `1.5h`, `1h30m` or `250ms` as nanoseconds.

    Raises:
        BadSetting: It is not a duration, it is zero, or int64 nanoseconds do not hold it.
    """
    compact = text.strip().lower()
    if not _DURATION.fullmatch(compact):
        raise BadSetting(
            f"{text!r} is not a duration", remedy="Use a number and a unit: 500ms, 90s, 10m, 1h30m, 2d"
        )
    total = int(sum(Decimal(number) * _UNIT_NS[unit] for number, unit in _PART.findall(compact)))
    if total == 0:
        raise BadSetting(f"{text!r} is no time at all", remedy="Use a duration above zero")
    if total > MAX_NS:
        raise BadSetting(f"{text!r} is out of reach", remedy="Use a duration of at most 292 years")
    return total


def format_duration(ns: int) -> str:
    """Write a duration as a person would: `1h30m`, `10s`, `250ms`, `1.5s`; zero is `0s`."""
    parts = []
    rest = ns
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _UNIT_NS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if rest and rest < _UNIT_NS["s"] and not parts:
        parts.append(f"{_plain(rest, _UNIT_NS['ms'])}ms")
    elif rest or not parts:
        parts.append(f"{_plain(rest, _UNIT_NS['s'])}s")
    return "".join(parts)


def _plain(ns: int, unit_ns: int) -> str:
    text = f"{Decimal(ns) / unit_ns:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
