"""How a person writes a duration or an instant on the command line, turned into int64 nanoseconds."""

import datetime as dt

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.instant import parse_instant

__all__ = ["parse_day", "parse_duration", "parse_instant"]


def parse_day(text: str) -> dt.date:
    """Read `2026-11-22`, a UTC day.

    Raises:
        BadSetting: It is not a day.
    """
    try:
        return dt.date.fromisoformat(text.strip())
    except ValueError as error:
        raise BadSetting(f"{text!r} is not a day", remedy="Use YYYY-MM-DD") from error
