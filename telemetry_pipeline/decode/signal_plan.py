"""How one signal is read: its bits, scaling, limits and place among the multiplexers, compiled from a database's signal.

Which signals a message has is `message_plan`'s business.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Self

from telemetry_pipeline.decode.bits import Field, Scaling
from telemetry_pipeline.decode.lanes import Lanes
from telemetry_pipeline.decode.multiplexer import Branch


@dataclass(frozen=True, slots=True)
class SignalPlan:
    """How to read one signal.

    Attributes:
        name: Its name.
        unit: Its unit, "" when it has none.
        field: Its bits.
        scaling: Its scale and offset; None when the signal can never be read, see `fault`.
        fault: Why it can never be read, or "".
        minimum: The smallest value that the database allows, or None.
        maximum: The largest, or None.
        parent: Position of its multiplexer among the message's signals, or None.
        ids: The multiplexer's values under which it lives.
        known: For a multiplexer, the values that exist; else None.
    """

    name: str
    unit: str
    field: Field
    scaling: Scaling | None
    fault: str
    minimum: float | None
    maximum: float | None
    parent: int | None
    ids: tuple[int, ...]
    known: tuple[int, ...] | None

    @property
    def bytes_needed(self) -> int:
        """Bytes that a frame must have to hold the signal; 0 when it can never be read."""
        return 0 if self.fault else (self.field.end_bit + 7) // 8

    @classmethod
    def of(cls, branch: Branch, payload_length: int) -> Self:
        """Compile one signal of a message of `payload_length` bytes."""
        signal = branch.signal
        conversion = signal.conversion
        bits = Field.at(
            start=signal.start,
            length=signal.length,
            big_endian=signal.byte_order == "big_endian",
            signed=signal.is_signed,
            is_float=conversion.is_float,
        )
        fault = bits.fault(payload_length) or ""
        scaling = None
        if not fault:
            try:
                scaling = Scaling.of(conversion.scale, conversion.offset, bits)
            except OverflowError:
                fault = "its values leave float64"
        minimum, maximum = limits_of(signal)
        return cls(
            name=signal.name,
            unit=signal.unit or "",
            field=bits,
            scaling=scaling,
            fault=fault,
            minimum=minimum,
            maximum=maximum,
            parent=branch.parent,
            ids=branch.ids,
            known=branch.known,
        )


class Branches(NamedTuple):
    """The signals of a message, those of the same frames together.

    Attributes:
        leads: One of each kind.
        signals: All of them in the order of the decoded table, each with the number of its kind.
    """

    leads: tuple[SignalPlan, ...]
    signals: tuple[tuple[SignalPlan, int], ...]

    @classmethod
    def of(cls, signals: Sequence[SignalPlan], kind: Callable[[SignalPlan], Hashable]) -> Self:
        """Sort some signals by kind."""
        leads: dict[Hashable, SignalPlan] = {}
        for signal in signals:
            leads.setdefault(kind(signal), signal)
        numbers = {key: number for number, key in enumerate(leads)}
        return cls(tuple(leads.values()), tuple((signal, numbers[kind(signal)]) for signal in signals))


@dataclass(frozen=True, eq=False)
class Reading:
    """How some signals of a message are read together; two of them are the same only if they are one object.

    Attributes:
        message: The message's name.
        signals: The signals; all can be read.
    """

    message: str
    signals: tuple[SignalPlan, ...]

    @cached_property
    def lanes(self) -> Lanes:
        """Their arithmetic."""
        return Lanes.of(
            [(signal.field, signal.scaling) for signal in self.signals if signal.scaling is not None]
        )


def limits_of(signal: Any) -> tuple[float | None, float | None]:  # noqa: ANN401  cantools has no types
    """The smallest and the largest value that a database allows a signal, None where it names none."""
    try:
        minimum = None if signal.minimum is None else float(signal.minimum)
        maximum = None if signal.maximum is None else float(signal.maximum)
    except OverflowError:
        return None, None
    if minimum is not None and maximum is not None and minimum > maximum:
        return None, None  # limits the wrong way round say nothing
    return minimum, maximum
