"""The counts of a partition against the thresholds of its vehicle: which checks find something, in words.

What a check is called and how bad its findings are is said here once.
"""

import datetime as dt
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from telemetry_pipeline.health.health import Health, Span
from telemetry_pipeline.lake.duration import format_duration
from telemetry_pipeline.thresholds import Limits

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Check:
    """One question that is asked of every partition.

    Attributes:
        description: What passes.
        find: What is wrong with a partition, "" when nothing is.
        severe: A fault of ours or of the store, where others are of a vehicle or a database.
    """

    description: str
    find: Callable[[Health, Limits], str]
    severe: bool = False


def findings(health: Health, limits: Limits) -> dict[str, str]:
    """What is wrong with a partition, by check; checks that find nothing are left out."""
    return {name: said for name, check in CHECKS.items() if (said := check.find(health, limits))}


def gaps(spans: tuple[Span, ...], longest_ns: int) -> list[Span]:
    """The silences between stretches of frames that last longer than allowed."""
    return [
        (before[1], after[0])
        for before, after in itertools.pairwise(spans)
        if after[0] - before[1] > longest_ns
    ]


def _share(part: str, whole: str, what: str) -> Callable[[Health, Limits], str]:
    def find(health: Health, limits: Limits) -> str:
        count, of = getattr(health, part), getattr(health, whole)
        limit = getattr(limits, f"{part}_share")
        if not of or count / of <= limit:
            return ""
        return f"{count / of:.2%} of {of:,} {whole} {what}, more than {limit:.2%}"

    return find


def _gaps(health: Health, limits: Limits) -> str:
    found = gaps(health.spans, limits.gap)
    if not found:
        return ""
    start, end = max(found, key=lambda span: span[1] - span[0])
    longest = format_duration((end - start) // 1_000_000_000 * 1_000_000_000)
    allowed = format_duration(limits.gap)
    return f"{len(found)} silences of more than {allowed}, the longest {longest} from {_clock(start)}"


def _clock(ns: int) -> str:
    return f"{_EPOCH + dt.timedelta(microseconds=ns // 1000):%H:%M:%S}"


def _listed(name: str, what: str) -> Callable[[Health, Limits], str]:
    def find(health: Health, limits: Limits) -> str:  # noqa: ARG001  nothing is allowed here
        listed = getattr(health, name)
        if not listed:
            return ""
        key, why = next(iter(listed.items()))
        return f"{len(listed)} {what}: {key}: {why}"

    return find


def _quarantine(health: Health, limits: Limits) -> str:  # noqa: ARG001  nothing is allowed here
    if not health.quarantined:
        return ""
    why = next(iter(health.reasons.values()), "")
    return f"{health.quarantined} raw objects could not be read: {why}"


CHECKS: Final[dict[str, Check]] = {
    "accounting": Check(
        "Every row in is counted once.", _listed("wrong", "objects do not add up"), severe=True
    ),
    "schema": Check(
        "Every decoded object has the lake's columns.",
        _listed("misshapen", "objects have other columns"),
        severe=True,
    ),
    "quarantine": Check("Every raw object could be read.", _quarantine),
    "unknown_id_share": Check(
        "The databases know the ids.", _share("unknown_id", "rows", "have an unknown id")
    ),
    "decode_error_share": Check(
        "Frames fit their messages.", _share("decode_error", "rows", "could not be decoded")
    ),
    "out_of_range_share": Check(
        "Values lie within their limits.", _share("out_of_range", "values", "lie outside their limits")
    ),
    "outside_day": Check("Clocks are set.", _share("outside_day", "rows", "lie outside their day")),
    "gaps": Check("The day has no long silence.", _gaps),
}
"""By name, in the order in which they are shown."""
