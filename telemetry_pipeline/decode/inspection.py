"""What a person wants to know about a CAN database before it decodes anything: what is in it and what is wrong with it.

Only looks; loading is `dbc`'s business, and how a finding is shown the caller's.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from telemetry_pipeline.decode.dbc import Dbc
from telemetry_pipeline.decode.match import Match, stated_match, stated_protocol
from telemetry_pipeline.decode.message_plan import MessagePlan
from telemetry_pipeline.decode.multiplexer import Branch, branches
from telemetry_pipeline.decode.plan import compile_plan
from telemetry_pipeline.decode.signal_plan import SignalPlan

UNREACHABLE = "hangs on no value of a multiplexer"


@dataclass(frozen=True)
class Inspection:
    """What is in a database.

    Attributes:
        messages: How many messages it defines.
        extended: How many of them have 29-bit ids.
        signals: How many signals it defines.
        longest: Bytes of its longest message.
        match: Messages by match rule, as the database's attributes state it.
        multiplexed: Messages with multiplexers.
        multiplexers: Multiplexers in them.
        levels: How deep multiplexers hang on multiplexers; 0 without any.
        not_decoded: (message, signal, why) of every signal that is never decoded.
        overlaps: (message, signal, signal, shared bits) of signals of one frame that share bits.
        warnings: What else a person should know, one line each.
    """

    messages: int
    extended: int
    signals: int
    longest: int
    match: dict[str, int]
    multiplexed: int
    multiplexers: int
    levels: int
    not_decoded: tuple[tuple[str, str, str], ...]
    overlaps: tuple[tuple[str, str, str, int], ...]
    warnings: tuple[str, ...]


def inspect(dbc: Dbc) -> Inspection:
    """Look into a database.

    Raises:
        BadDbc: It cannot be compiled.
    """
    plan = compile_plan([dbc])
    defined = dbc.database.messages
    trees = [() if message.is_container else branches(message.signals) for message in defined]
    not_decoded: list[tuple[str, str, str]] = []
    overlaps: list[tuple[str, str, str, int]] = []
    for message, tree in zip(defined, trees, strict=True):
        compiled = MessagePlan.of(message)
        not_decoded += _not_decoded(message, compiled)
        overlaps += [(message.name, *found) for found in _overlaps(compiled, tree)]
    rules = Counter(stated_match(message, dbc.database).value for message in defined)
    told = {f"message {message}, signal {signal}: {why}" for message, signal, why in not_decoded}
    known = [item for item in dbc.warnings if item.removesuffix(", so it is not decoded") not in told]
    slow = [
        f"message {message.name}: decoded by cantools itself, frame by frame, which is slow"
        for message in plan.messages
        if message.oracle is not None
    ]
    return Inspection(
        messages=len(defined),
        extended=sum(message.is_extended_frame for message in defined),
        signals=sum(len(message.signals) for message in defined),
        longest=max((message.length for message in defined), default=0),
        match=dict(sorted(rules.items())),
        multiplexed=sum(any(branch.known for branch in tree) for tree in trees),
        multiplexers=sum(branch.known is not None for tree in trees for branch in tree),
        levels=max((_levels(tree) for tree in trees), default=0),
        not_decoded=tuple(not_decoded),
        overlaps=tuple(overlaps),
        warnings=(*known, *plan.warnings, *slow, *_hints(dbc, plan.messages)),
    )


def _not_decoded(message: Any, compiled: MessagePlan) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401
    reached = {signal.name: signal.fault for signal in compiled.signals}
    for signal in message.signals:
        if why := compiled.refusal or reached.get(signal.name, UNREACHABLE):
            yield message.name, signal.name, why


def _overlaps(message: MessagePlan, tree: Sequence[Branch]) -> Iterator[tuple[str, str, int]]:
    """Pairs of readable signals that share bits and can be in one frame."""
    bits = [0 if signal.fault else _bits(signal) for signal in message.signals]
    if sum(mask.bit_count() for mask in bits) <= 8 * message.length and not message.is_multiplexed:
        union = 0
        for mask in bits:
            union |= mask
        if union.bit_count() == sum(mask.bit_count() for mask in bits):
            return
    paths = [_path(tree, number) for number in range(len(tree))]
    for one, other in combinations(range(len(bits)), 2):
        if (shared := bits[one] & bits[other]) and all(
            paths[one][parent] & paths[other][parent] for parent in paths[one].keys() & paths[other].keys()
        ):
            yield message.signals[one].name, message.signals[other].name, shared.bit_count()


def _bits(signal: SignalPlan) -> int:
    """The bits of a signal in the order of transmission, as one integer."""
    field = signal.field
    if field.big_endian:
        return ((1 << field.length) - 1) << field.first_bit
    mask = 0
    for bit in range(field.first_bit, field.end_bit):
        mask |= 1 << (8 * (bit // 8) + 7 - bit % 8)
    return mask


def _path(tree: Sequence[Branch], number: int) -> dict[int, set[int]]:
    """Under which values of which multiplexers a signal lives."""
    path: dict[int, set[int]] = {}
    while (parent := tree[number].parent) is not None:
        path[parent] = set(tree[number].ids)
        number = parent
    return path


def _levels(tree: Sequence[Branch]) -> int:
    return max((len(_path(tree, number)) for number in range(len(tree))), default=0)


def _hints(dbc: Dbc, messages: Sequence[MessagePlan]) -> Iterator[str]:
    extended = [message for message in messages if message.extended]
    sources = {message.arbitration_id & 0xFF for message in extended}
    silent = not stated_protocol(dbc.database) and all(
        stated_match(message, dbc.database) is Match.EXACT for message in dbc.database.messages
    )
    if silent and len(extended) > 2 and len(sources) == 1:
        yield (
            f"every extended id ends in {sources.pop():02X}, as one source address would: "
            "if these are J1939 or NMEA 2000 messages, bind them with match: pgn"
        )
