"""What to do with each arbitration id, compiled once from CAN databases and used for any number of tables.

A plan is immutable and may be shared between threads. Reading database files is `dbc`'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.decode.bits import Field, Scaling
from telemetry_pipeline.decode.dbc import Dbc
from telemetry_pipeline.decode.multiplexer import Branch, branches
from telemetry_pipeline.decode.report import format_id
from telemetry_pipeline.errors import BadDbc

EXTENDED_BIT: Final = 1 << 31
"""Set in a key for an extended id, so that one uint32 names an id of either kind (SocketCAN's CAN_EFF_FLAG)."""

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
        minimum, maximum = _limits(signal)
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


@dataclass(frozen=True)
class Plan:
    """Every message that can be decoded, by arbitration id.

    Attributes:
        digests: Name and SHA-256 of each database, sorted by name.
        messages: The messages, sorted by key; names are unique.
        strict_length: Refuse frames shorter than their message instead of reading the signals they hold.
        warnings: What a person should know about the databases taken together.
        transport: Multi-frame protocols that are reassembled before decoding: isotp, j1939, fastpacket.
    """

    digests: tuple[tuple[str, str], ...]
    messages: tuple[MessagePlan, ...]
    strict_length: bool = False
    warnings: tuple[str, ...] = ()
    transport: tuple[str, ...] = ()

    @cached_property
    def keys(self) -> npt.NDArray[np.uint32]:
        """The messages' keys, ascending, shape (messages,)."""
        return np.array([message.key for message in self.messages], np.uint32)

    @cached_property
    def reach(self) -> int:
        """Bytes of the longest message."""
        return max((message.length for message in self.messages), default=0)

    def lookup(self, keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.intp]:
        """Positions of the messages of some keys, shape (n,); `len(self.messages)` where the id is unknown."""
        if not self.messages:
            return np.zeros(len(keys), np.intp)
        positions = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[positions] == keys, positions, len(self.keys))


def compile_plan(dbcs: Sequence[Dbc], *, strict_length: bool = False, transport: Sequence[str] = ()) -> Plan:
    """Compile databases into one plan. None at all make a plan that knows no id.

    Within one database the last message of an id wins, as in cantools. A name that several ids carry stays with
    the first of them; the others get their id appended, so that no two series are mixed.

    Args:
        dbcs: The databases, in the order in which the first of equal definitions wins.
        strict_length: Refuse frames shorter than their message.
        transport: Multi-frame protocols that are reassembled before decoding.

    Raises:
        BadDbc: Two databases define one (arbitration id, extended) differently.
    """
    owners: dict[int, tuple[MessagePlan, str]] = {}
    for dbc in dbcs:
        own = {message.key: message for message in map(MessagePlan.of, dbc.database.messages)}
        for key, message in own.items():
            taken = owners.setdefault(key, (message, dbc.name))
            if taken[0] != message:
                raise BadDbc(
                    f"id {message.label} is {taken[0].name} in {taken[1]} and {message.name} in {dbc.name}"
                    + (", with different signals" if taken[0].name == message.name else ""),
                    f"{taken[1]}, {dbc.name}",
                    "Remove one of them, or bind each database to its own vehicles and channels",
                )
    messages, warnings = _named_apart([message for message, _ in owners.values()])
    return Plan(
        digests=tuple(sorted((dbc.name, dbc.sha256) for dbc in dbcs)),
        messages=tuple(sorted(messages, key=lambda message: message.key)),
        strict_length=strict_length,
        warnings=tuple(warnings),
        transport=tuple(transport),
    )


def _named_apart(messages: list[MessagePlan]) -> tuple[list[MessagePlan], list[str]]:
    taken: set[str] = set()
    apart: list[MessagePlan] = []
    warnings: list[str] = []
    for message in messages:
        name = message.name
        while name in taken:
            name = f"{name}_{message.label}"
        if name != message.name:
            warnings.append(
                f"message name {message.name} is there twice: id {message.label} is called {name}"
            )
        taken.add(name)
        apart.append(message if name == message.name else replace(message, name=name))
    return apart, warnings


def _limits(signal: Any) -> tuple[float | None, float | None]:  # noqa: ANN401  cantools has no types
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
