"""How one message is read: its signals, and which frames carry them, compiled from a database's message.

Which message an arbitration id means is `plan`'s business.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Self

from telemetry_pipeline.decode.lanes import Lanes
from telemetry_pipeline.decode.match import EXTENDED_BIT
from telemetry_pipeline.decode.multiplexer import branches
from telemetry_pipeline.decode.report import format_id
from telemetry_pipeline.decode.signal_plan import Branches, Reading, SignalPlan

_EXACT_BITS: Final = 53


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


def _beyond_float(signal: SignalPlan) -> bool:
    if signal.known is None or signal.scaling is None or signal.field.is_float:
        return False
    scaling = signal.scaling
    reach = (1 << signal.field.length) * abs(scaling.scale) + abs(scaling.offset)
    return reach >= 1 << _EXACT_BITS or any(abs(value) >= 1 << _EXACT_BITS for value in signal.known)
