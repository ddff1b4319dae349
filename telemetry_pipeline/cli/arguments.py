"""How a person writes a duration or an instant on the command line, turned into int64 nanoseconds."""

import datetime as dt
import re
from decimal import Decimal
from typing import Final

from telemetry_pipeline.errors import BadSetting

_UNIT_NS: Final = {
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_DURATION: Final = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_FRACTION: Final = re.compile(r"(?<=:\d\d)[.,](\d{1,9})(?!\d)")
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


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


def parse_instant(text: str) -> int:
    """Read an ISO 8601 instant such as `2026-11-22T08:00:00Z` as nanoseconds since the epoch, UTC.

    A time without a zone is refused rather than guessed. Up to nine digits of a second are kept.

    Raises:
        BadSetting: It is not an instant, or it names no zone.
    """
    fraction = _FRACTION.search(text)
    whole = text if fraction is None else text[: fraction.start()] + text[fraction.end() :]
    try:
        instant = dt.datetime.fromisoformat(whole.strip())
    except ValueError as error:
        raise BadSetting(
            f"{text!r} is not an instant", remedy="Use ISO 8601: 2026-11-22T08:00:00Z"
        ) from error
    if instant.tzinfo is None:
        raise BadSetting(
            f"{text!r} names no time zone", remedy="Append Z for UTC, or an offset such as +01:00"
        )
    seconds = (instant - _EPOCH) // dt.timedelta(seconds=1)
    return seconds * 1_000_000_000 + (int(fraction[1].ljust(9, "0")) if fraction else 0)
