"""How one message is read: its signals' bits, scaling, limits and multiplexing, compiled from a database's message.

Which message an arbitration id means is `plan`'s business.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, NamedTuple, Self

from telemetry_pipeline.decode.bits import Field, Scaling
from telemetry_pipeline.decode.lanes import Lanes
from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.multiplexer import Branch, branches
from telemetry_pipeline.decode.report import format_id

_EXACT_BITS: Final = 53


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


@dataclass(frozen=True)
class MessagePlan:
    """How to read one message.

    Attributes:
        name: Its name; unique within a plan.
        arbitration_id: Its id without flag bits.
        extended: Whether the id has 29 bits.
        length: Payload bytes that it has.
        signals: Its signals, multiplexers before what hangs on them.
        refusal: Why none of its frames can be decoded, or "".
        oracle: The cantools message, for the rare ones that only cantools itself decodes as cantools does: a signal
            name that is there twice, a multiplexer beyond float64's integers. Else None.
    """

    name: str
    arbitration_id: int
    extended: bool
    length: int
    signals: tuple[SignalPlan, ...]
    refusal: str = ""
    oracle: Any = field(default=None, compare=False, repr=False)
    _readings: dict[tuple[str, ...], "Reading"] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    @property
    def key(self) -> int:
        """The arbitration id with `EXTENDED_BIT` for an extended one."""
        return self.arbitration_id | (EXTENDED_BIT if self.extended else 0)

    @property
    def label(self) -> str:
        """The arbitration id for people."""
        return format_id(self.arbitration_id, self.extended)

    @cached_property
    def is_multiplexed(self) -> bool:
        """Whether a frame's content decides which signals it has."""
        return any(signal.known is not None for signal in self.signals)

    @cached_property
    def by_name(self) -> tuple[SignalPlan, ...]:
        """Its signals in the order of the decoded table."""
        return tuple(sorted(self.signals, key=lambda signal: signal.name))

    @cached_property
    def readable(self) -> tuple[SignalPlan, ...]:
        """Its signals that can be read, in the order of the decoded table."""
        return tuple(signal for signal in self.by_name if not signal.fault)

    @cached_property
    def unreadable(self) -> tuple[SignalPlan, ...]:
        """Its signals that can never be read."""
        return tuple(signal for signal in self.signals if signal.fault)

    @cached_property
    def multiplexers(self) -> tuple[tuple[int, SignalPlan, tuple[int, ...]], ...]:
        """Those of its signals that can be read and decide which others there are: position, signal, known values."""
        return tuple(
            (position, signal, signal.known)
            for position, signal in enumerate(self.signals)
            if signal.known is not None and not signal.fault
        )

    @cached_property
    def roots(self) -> tuple[SignalPlan, ...]:
        """Its signals that hang on no multiplexer."""
        return tuple(signal for signal in self.signals if signal.parent is None)

    @cached_property
    def branches(self) -> "Branches":
        """Its signals by the whole frames that carry them."""
        return Branches.of(self.by_name, lambda signal: (signal.parent, signal.ids))

    @cached_property
    def branches_of_short(self) -> "Branches":
        """Its signals by the frames that carry them when frames may be cut short."""
        return Branches.of(self.by_name, lambda signal: (signal.parent, signal.ids, signal.bytes_needed))

    @cached_property
    def carried_always(self) -> tuple[tuple[SignalPlan, None], ...]:
        """The readable signals of a plain message, all of which all frames carry."""
        return tuple((signal, None) for signal in self.readable)

    @cached_property
    def is_plain(self) -> bool:
        """Whether every whole frame has every readable signal, of which there is one if there are signals at all."""
        always = all(signal.parent is None and signal.known is None for signal in self.signals)
        return always and self.oracle is None and (bool(self.readable) or not self.signals)

    def reading(self, names: tuple[str, ...]) -> "Reading":
        """How to read some of its readable signals together; the same object for the same signals."""
        if names not in self._readings:
            by_name = {signal.name: signal for signal in self.readable}
            self._readings[names] = Reading(self.name, tuple([by_name[name] for name in names]))
        return self._readings[names]

    @cached_property
    def reading_always(self) -> "Reading":
        """How to read all of them together."""
        return self.reading(tuple([signal.name for signal in self.readable]))

    def lanes(self, names: tuple[str, ...]) -> Lanes:
        """The lanes of `reading`."""
        return self.reading(names).lanes

    @classmethod
    def of(cls, message: Any) -> Self:  # noqa: ANN401  cantools has no types
        """Compile one cantools message."""
        tree = () if message.is_container else branches(message.signals)
        signals = tuple(SignalPlan.of(branch, message.length) for branch in tree)
        names = {signal.name for signal in signals}
        by_cantools = len(names) < len(signals) or any(_beyond_float(signal) for signal in signals)
        return cls(
            name=message.name,
            arbitration_id=message.frame_id,
            extended=message.is_extended_frame,
            length=message.length,
            signals=signals,
            refusal="container messages are not decoded" if message.is_container else "",
            oracle=message if by_cantools else None,
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


def _beyond_float(signal: SignalPlan) -> bool:
    if signal.known is None or signal.scaling is None or signal.field.is_float:
        return False
    scaling = signal.scaling
    reach = (1 << signal.field.length) * abs(scaling.scale) + abs(scaling.offset)
    return reach >= 1 << _EXACT_BITS or any(abs(value) >= 1 << _EXACT_BITS for value in signal.known)
