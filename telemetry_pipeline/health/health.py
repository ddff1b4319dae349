"""The counts of one partition that its checks need, small enough to be kept for every partition.

Where they are kept is `book`'s business, what is too much `judge`'s.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from telemetry_pipeline.process import Tally

Span = tuple[int, int]
"""Two instants in nanoseconds: where a stretch of frames begins and ends."""

LISTED_MAX: Final = 20
"""Objects that are listed one by one; the others are counted."""

BESIDE_NS: Final = 60_000_000_000
"""Stretches of frames that are no further apart are one."""


@dataclass(frozen=True)
class Health:
    """What is known of a partition.

    Attributes:
        objects: Raw objects that were decoded.
        rows: Their frames.
        unknown_id: Frames that no database knows.
        decode_error: Frames that gave no value.
        outside_day: Frames that lie further from their object's day than its neighbours.
        values: Decoded values.
        out_of_range: Values outside the database's limits.
        quarantined: How many objects were set aside.
        reasons: Why, by raw key; at most `LISTED_MAX`.
        wrong: Objects whose account does not add up, with what is wrong; at most `LISTED_MAX`.
        misshapen: Decoded objects whose columns are not the lake's, with what is wrong; at most `LISTED_MAX`.
        spans: When there were frames, in order and apart.
    """

    objects: int = 0
    rows: int = 0
    unknown_id: int = 0
    decode_error: int = 0
    outside_day: int = 0
    values: int = 0
    out_of_range: int = 0
    quarantined: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)
    misshapen: Mapping[str, str] = field(default_factory=dict)
    spans: tuple[Span, ...] = ()

    @classmethod
    def of_tally(cls, tally: Tally) -> "Health":
        """What one batch adds to a partition."""
        report = tally.report
        return cls(
            objects=tally.decoded,
            rows=report.rows,
            unknown_id=report.unknown_id,
            decode_error=report.decode_error,
            outside_day=report.outside_day,
            values=report.values,
            out_of_range=sum(signal.out_of_range for signal in report.signals),
            quarantined=len(tally.quarantined),
            reasons=_first(tally.quarantined),
            wrong=_first(dict.fromkeys(tally.wrong, "its report does not add up")),
            spans=joined(tally.spans),
        )

    def __add__(self, other: "Health") -> "Health":
        counts = {name: getattr(self, name) + getattr(other, name) for name in _COUNTS}
        again = len(self.reasons.keys() & other.reasons.keys())  # set aside a second time
        counts["quarantined"] -= again
        return replace(
            self,
            **counts,
            reasons=_first({**self.reasons, **other.reasons}),
            wrong=_first({**self.wrong, **other.wrong}),
            misshapen=_first({**self.misshapen, **other.misshapen}),
            spans=joined([*self.spans, *other.spans]),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, without those that say nothing."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Health":
        """What `to_dict` gave."""
        spans = tuple((int(start), int(end)) for start, end in plain.get("spans", ()))
        return cls(**{**plain, "spans": spans})


_COUNTS: Final = (
    "objects",
    "rows",
    "unknown_id",
    "decode_error",
    "outside_day",
    "values",
    "out_of_range",
    "quarantined",
)


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same stretches in order, with those that overlap or lie beside each other as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start - found[-1][1] <= BESIDE_NS:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _first(listed: Mapping[str, str]) -> dict[str, str]:
    return dict(list(listed.items())[:LISTED_MAX])
