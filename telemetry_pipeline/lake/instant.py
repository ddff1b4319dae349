"""Instants as text, ISO 8601 with a zone, to and from int64 nanoseconds since the epoch, UTC; and UTC days."""

import datetime as dt
import re
from typing import Final

from telemetry_pipeline.errors import BadSetting

MIN_NS: Final = -(2**63)
MAX_NS: Final = 2**63 - 1
"""What int64 nanoseconds reach: the years 1677 to 2262."""

_FRACTION: Final = re.compile(r"(?:(?<=[^+-]\d\d:\d\d:\d\d)|(?<=[^\d+-]\d{6}))[.,](\d{1,9})\d*", re.ASCII)
"""The fraction of a second: Python's own reading stops at microseconds."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def parse_instant(text: str) -> int:
    """Read an ISO 8601 instant such as `2026-11-22T08:00:00Z`.

    A time without a zone is refused rather than guessed. Nine digits of a second are kept, further ones cut.

    Raises:
        BadSetting: It is not an instant, names no zone, or lies outside the years 1677 to 2262.
    """
    fraction = _FRACTION.search(text)
    whole = text if fraction is None else text[: fraction.start()] + text[fraction.end() :]
    wrong = BadSetting(f"{text!r} is not an instant", remedy="Use ISO 8601: 2026-11-22T08:00:00Z")
    if "." in whole or "," in whole:  # of a minute or an hour: Python would take it for one of a second
        raise wrong
    try:
        instant = dt.datetime.fromisoformat(whole.strip())
    except ValueError as error:
        raise wrong from error
    if instant.tzinfo is None:
        raise BadSetting(
            f"{text!r} names no time zone", remedy="Append Z for UTC, or an offset such as +01:00"
        )
    seconds = (instant - _EPOCH) // dt.timedelta(seconds=1)
    ns = seconds * 1_000_000_000 + (int(fraction[1].ljust(9, "0")) if fraction else 0)
    if not MIN_NS <= ns <= MAX_NS:
        raise BadSetting(f"{text!r} is out of reach", remedy="Use a time between the years 1678 and 2261")
    return ns


def format_instant(ns: int) -> str:
    """Write an instant as ISO 8601 with a Z: milliseconds, and further digits only where they are not zero."""
    seconds, rest = divmod(ns, 1_000_000_000)
    digits = f"{rest:09d}"
    while len(digits) > 3 and digits.endswith("000"):
        digits = digits[:-3]
    return f"{_EPOCH + dt.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}.{digits}Z"


def parse_day(text: str) -> dt.date:
    """Read a UTC day such as `2026-11-22`.

    Raises:
        BadSetting: It is not a day.
    """
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadSetting(f"{text!r} is not a day", remedy="Use YYYY-MM-DD") from error
