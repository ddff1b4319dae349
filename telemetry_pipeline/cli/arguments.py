"""How a person writes a duration or an instant on the command line, turned into int64 nanoseconds."""

import datetime as dt
import re
from decimal import Decimal
from typing import Final

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.instant import parse_instant

__all__ = ["parse_day", "parse_duration", "parse_instant"]

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
        BadSetting: It is not a duration, or it is zero.
    """
    compact = text.strip().lower()
    if not _DURATION.fullmatch(compact):
        raise BadSetting(
            f"{text!r} is not a duration", remedy="Use a number and a unit: 500ms, 90s, 10m, 1h30m, 2d"
        )
    total = int(sum(Decimal(number) * _UNIT_NS[unit] for number, unit in _PART.findall(compact)))
    if total == 0:
        raise BadSetting(f"{text!r} is no time at all", remedy="Use a duration above zero")
    return total


def parse_day(text: str) -> dt.date:
    """Read `2026-11-22`, a UTC day.

    Raises:
        BadSetting: It is not a day.
    """
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadSetting(f"{text!r} is not a day", remedy="Use YYYY-MM-DD") from error
