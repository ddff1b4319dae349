"""What the values of each signal were like: column by column, for an object has hundreds of signals.

Where the account is kept is others' business.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, NamedTuple, overload

from telemetry_pipeline.lake.signal_list import AT, UNUSUAL, listed, unusual_of

_ORDINARY: Final = 9
"""Fields of a signal's statistics that it always has."""


class SignalStats(NamedTuple):
    """What the values of one signal were like.

    Attributes:
        message: The message's name.
        signal: The signal's name.
        unit: Its unit, "" when it has none.
        rows: Values, as many as the decoded table has rows of this signal.
        first_ns: Time of the first value in nanoseconds since 1970 UTC.
        last_ns: Time of the last value.
        minimum: Smallest finite value, or None when no value is finite.
        maximum: Largest finite value, or None.
        total: Sum of the finite values, or None when there is none or the sum leaves float64.
        nonfinite: Values that are NaN or infinite.
        out_of_range: Finite values outside the database's minimum and maximum.
        first_out_of_range_ns: Time of the first of those, or None.
        worst_out_of_range: The one furthest outside, or None.
    """

    message: str
    signal: str
    unit: str
    rows: int
    first_ns: int
    last_ns: int
    minimum: float | None
    maximum: float | None
    total: float | None
    nonfinite: int = 0
    out_of_range: int = 0
    first_out_of_range_ns: int | None = None
    worst_out_of_range: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values by name. What counts the values that stand out is left out where there are none."""
        plain = dict(zip(FIELDS[:_ORDINARY], self[:_ORDINARY], strict=True))
        if self.nonfinite or self.out_of_range:
            plain |= zip(FIELDS[_ORDINARY:], self[_ORDINARY:], strict=True)
        return plain


FIELDS: Final = SignalStats._fields


class Columns(NamedTuple):
    """The fields of `SignalStats` that a signal always has, each for all signals."""

    message: Sequence[str] = ()
    signal: Sequence[str] = ()
    unit: Sequence[str] = ()
    rows: Sequence[int] = ()
    first_ns: Sequence[int] = ()
    last_ns: Sequence[int] = ()
    minimum: Sequence[float | None] = ()
    maximum: Sequence[float | None] = ()
    total: Sequence[float | None] = ()


class Unusual(NamedTuple):
    """The other fields of `SignalStats`, for a signal with values that stand out."""

    nonfinite: int = 0
    out_of_range: int = 0
    first_out_of_range_ns: int | None = None
    worst_out_of_range: float | None = None


@dataclass(frozen=True, eq=False)
class Signals(Sequence[SignalStats]):
    """The statistics of several signals; a sequence of `SignalStats`, which are made when they are asked for.

    Attributes:
        columns: Those of all signals.
        unusual: The other fields of the signals that have values that stand out, by position.
    """

    columns: Columns = field(default_factory=Columns)
    unusual: Mapping[int, Unusual] = field(default_factory=dict)

    @classmethod
    def of(cls, signals: Sequence[SignalStats]) -> "Signals":
        """The same statistics in columns."""
        if isinstance(signals, Signals):
            return signals
        if not signals:
            return cls()
        unusual = {
            at: Unusual(*stats[_ORDINARY:])
            for at, stats in enumerate(signals)
            if stats.nonfinite or stats.out_of_range
        }
        return cls(Columns(*list(zip(*signals, strict=True))[:_ORDINARY]), unusual)

    @classmethod
    def joined(cls, parts: Sequence["Signals"]) -> "Signals":
        """Those of several parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        unusual: dict[int, Unusual] = {}
        start = 0
        for part in parts:
            unusual |= {start + at: counts for at, counts in part.unusual.items()}
            start += len(part)
        columns = zip(*(part.columns for part in parts), strict=True)
        return cls(Columns(*(list(chain.from_iterable(column)) for column in columns)), unusual)

    @classmethod
    def parse(cls, plain: object) -> "Signals":
        """Those that `to_columns` gave, or a list of `SignalStats.to_dict`.

        Raises:
            ValueError: It is neither.
            TypeError: Likewise.
        """
        if not isinstance(plain, dict):
            return cls.of([SignalStats(**entry) for entry in listed(plain)])
        columns = Columns(**{name: column for name, column in plain.items() if name != UNUSUAL})
        lengths = {len(column) if isinstance(column, list) else None for column in columns}
        if len(lengths) != 1 or None in lengths:
            raise ValueError("its signals are not lists of one length")
        more = unusual_of(plain, len(columns.rows))
        return cls(columns, {at: Unusual(**fields) for at, fields in more.items()})

    def to_columns(self) -> dict[str, Any]:
        """Each field's values by its name, and under `UNUSUAL` what is more to say of some of them; see `listed`."""
        plain: dict[str, Any] = self.columns._asdict()
        if self.unusual:
            plain[UNUSUAL] = [{AT: at, **more._asdict()} for at, more in self.unusual.items()]
        return plain

    def __len__(self) -> int:
        return len(self.columns.rows)

    def __iter__(self) -> Iterator[SignalStats]:
        for at, plain in enumerate(zip(*self.columns, strict=True)):
            yield SignalStats(*plain, *self.unusual.get(at, ()))

    @overload
    def __getitem__(self, at: int) -> SignalStats: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[SignalStats]: ...

    def __getitem__(self, at: int | slice) -> SignalStats | Sequence[SignalStats]:
        return tuple(self)[at]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and tuple(self) == tuple(other)

    __hash__ = None  # type: ignore[assignment]  # of lists


def merge_signals(parts: Iterable[Sequence[SignalStats]]) -> Sequence[SignalStats]:
    """One account of each signal of several parts, of each of which there may be a part of a signal.

    In the order of the decoded table, as each part is.
    """
    filled = [part for part in parts if part]
    if len(filled) == 1:
        return filled[0]
    found: dict[tuple[str, str], SignalStats] = {}
    for stats in chain.from_iterable(filled):
        key = stats[:2]
        found[key] = _joined(found[key], stats) if key in found else stats
    return tuple(found[key] for key in sorted(found))


def _joined(one: SignalStats, other: SignalStats) -> SignalStats:
    out_of_range = [stats for stats in (one, other) if stats.out_of_range]
    return SignalStats(
        message=one.message,
        signal=one.signal,
        unit=one.unit or other.unit,
        rows=one.rows + other.rows,
        first_ns=min(one.first_ns, other.first_ns),
        last_ns=max(one.last_ns, other.last_ns),
        minimum=min((s.minimum for s in (one, other) if s.minimum is not None), default=None),
        maximum=max((s.maximum for s in (one, other) if s.maximum is not None), default=None),
        total=_summed(one.total, other.total),
        nonfinite=one.nonfinite + other.nonfinite,
        out_of_range=one.out_of_range + other.out_of_range,
        first_out_of_range_ns=min((s.first_out_of_range_ns or 0 for s in out_of_range), default=None),
        # without the limits at hand the larger magnitude stands for the worse one
        worst_out_of_range=max((s.worst_out_of_range or 0.0 for s in out_of_range), key=abs, default=None),
    )


def _summed(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    total = one + other
    return total if abs(total) < float("inf") else None
