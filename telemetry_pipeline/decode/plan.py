"""What to do with each arbitration id, compiled once from CAN databases and used for any number of tables.

A plan is immutable and may be shared between threads. Reading database files is `dbc`'s business.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from telemetry_pipeline.decode.dbc import Dbc
from telemetry_pipeline.decode.lookup import Lookup
from telemetry_pipeline.decode.match import (
    IdTable,
    Match,
    Scope,
    channels_overlap,
    newest,
    parameter_group,
    stated_match,
)
from telemetry_pipeline.decode.message_plan import MessagePlan
from telemetry_pipeline.errors import BadDbc


@dataclass(frozen=True)
class Source:
    """A database as a binding uses it.

    Attributes:
        dbc: The database.
        match: How ids find its messages; None for what the database itself states.
        channels: Globs of the channels it decodes; none at all for every channel.
        since: On a channel that several sources decode, only those with the largest count.
        transport: Multi-frame protocols that are reassembled on these channels before decoding.
    """

    dbc: Dbc
    match: Match | None = None
    channels: tuple[str, ...] = ()
    since: int = 0
    transport: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Every message that can be decoded, by arbitration id and channel.

    Attributes:
        messages: The messages, sorted by key; names are unique.
        strict_length: Refuse frames shorter than their message instead of reading the signals they hold.
        warnings: What a person should know about the databases taken together.
        scopes: Which ids mean which message, on which channels.
    """

    messages: tuple[MessagePlan, ...]
    strict_length: bool = False
    warnings: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    _tables: dict[tuple[int, ...], IdTable] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    _finders: dict[int, Lookup] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def digests(self) -> tuple[tuple[str, str], ...]:
        """Name and SHA-256 of each database, sorted by name."""
        return tuple(sorted({(scope.name, scope.sha256) for scope in self.scopes}))

    @property
    def transport(self) -> tuple[str, ...]:
        """Multi-frame protocols that are reassembled on any channel, sorted: isotp, j1939, fastpacket."""
        return tuple(sorted({name for scope in self.scopes for name in scope.transport}))

    @cached_property
    def by_channel(self) -> bool:
        """Whether channels differ in what an id means on them."""
        return any(scope.channels for scope in self.scopes)

    @cached_property
    def reach(self) -> int:
        """Bytes of the longest message."""
        return max((message.length for message in self.messages), default=0)

    def on(self, channel: str) -> IdTable:
        """The ids that mean something on a channel; the same table for channels of the same meaning."""
        chosen = newest(self.scopes, channel)
        return self._tables.setdefault(chosen, IdTable(tuple(self.scopes[number] for number in chosen)))

    def finder(self, channel: str) -> Lookup:
        """How the messages of many rows of a channel are found."""
        table = self.on(channel)
        if id(table) not in self._finders:
            self._finders[id(table)] = Lookup(table, len(self.messages))
        return self._finders[id(table)]


def compile_plan(
    dbcs: Sequence[Dbc | Source],
    *,
    strict_length: bool = False,
    match: Match | str | None = None,
    transport: Sequence[str] = (),
) -> Plan:
    """Compile databases into one plan. None at all make a plan that knows no id.

    Within one database the last message of an id wins, as in cantools, and the first of a parameter group. A name
    that several ids carry stays with the first of them; the others get their id appended, so that no two series
    are mixed.

    Args:
        dbcs: The databases, in the order in which the first of equal definitions wins.
        strict_length: Refuse frames shorter than their message.
        match: How ids find the messages of a plain `Dbc`: "exact", "pgn", or None for what the database states.
        transport: Multi-frame protocols that are reassembled before decoding, for every plain `Dbc`.

    Raises:
        BadDbc: On one channel two databases define one id differently.
    """
    rule = None if match is None else Match(match)
    sources = [
        item if isinstance(item, Source) else Source(item, rule, transport=tuple(transport)) for item in dbcs
    ]
    compiled = {
        id(dbc): [MessagePlan.of(message) for message in dbc.database.messages]
        for dbc in {id(source.dbc): source.dbc for source in sources}.values()
    }
    warnings: list[str] = []
    claims = [_claims(source, compiled[id(source.dbc)], warnings) for source in sources]
    for number, (source, own) in enumerate(zip(sources, claims, strict=True)):
        for other, theirs in zip(sources[:number], claims[:number], strict=True):
            if other.since == source.since and channels_overlap(other.channels, source.channels):
                _refuse_conflict((other, theirs), (source, own))
    used = list(dict.fromkeys(message for own in claims for message in own.messages()))
    messages, renamed = _named_apart(used)
    order = sorted(range(len(messages)), key=lambda number: (messages[number].key, messages[number].name))
    positions = dict(zip((used[number] for number in order), range(len(order)), strict=True))
    return Plan(
        messages=tuple(messages[number] for number in order),
        strict_length=strict_length,
        warnings=tuple(dict.fromkeys(warnings + renamed)),
        scopes=tuple(own.scope(source, positions) for source, own in zip(sources, claims, strict=True)),
    )


@dataclass(frozen=True)
class _Claims:
    """The messages that a source decodes, by key and by parameter group."""

    exact: dict[int, MessagePlan]
    groups: dict[int, MessagePlan]

    @cached_property
    def exact_groups(self) -> dict[int, MessagePlan]:
        """The extended messages of `exact` by parameter group."""
        return {parameter_group(m.arbitration_id): m for m in self.exact.values() if m.extended}

    def messages(self) -> list[MessagePlan]:
        return [*self.exact.values(), *self.groups.values()]

    def scope(self, source: Source, positions: dict[MessagePlan, int]) -> Scope:
        return Scope(
            name=source.dbc.name,
            sha256=source.dbc.sha256,
            match=source.match,
            channels=source.channels,
            since=source.since,
            exact={key: positions[message] for key, message in self.exact.items()},
            groups={key: positions[message] for key, message in self.groups.items()},
            transport=source.transport,
        )


def _claims(source: Source, messages: list[MessagePlan], warnings: list[str]) -> _Claims:
    """The messages of a source by id and group, and in `warnings` those that get none.

    A binding that says pgn means that senders do not differ. Where the database itself says so and yet has several
    messages of one group, each keeps its own id, and the first gets the rest.
    """
    claims = _Claims({}, {})
    without_group = 0
    for message, definition in zip(messages, source.dbc.database.messages, strict=True):
        rule = source.match or stated_match(definition, source.dbc.database)
        if rule is Match.EXACT:
            claims.exact[message.key] = message
        elif message.extended:
            group = parameter_group(message.arbitration_id)
            first = claims.groups.setdefault(group, message)
            if first is not message:
                only = "" if source.match else f", but for the id of {message.name}"
                warnings.append(
                    f"{source.dbc.name}: messages {first.name} and {message.name} have one parameter group; "
                    f"{first.name} decodes it{only}"
                )
                if not source.match:
                    claims.exact[message.key] = message
        else:
            without_group += 1
    if without_group:
        warnings.append(
            f"{source.dbc.name}: {without_group} messages with standard ids have no parameter group and are not matched"
        )
    return claims


def _refuse_conflict(one: tuple[Source, _Claims], other: tuple[Source, _Claims]) -> None:
    (source, own), (rival, theirs) = one, other
    if source.dbc is rival.dbc:
        return
    for mine, yours, same_rule in (
        (own.exact, theirs.exact, True),
        (own.groups, theirs.groups, True),
        (own.exact_groups, theirs.groups, False),
        (own.groups, theirs.exact_groups, False),
    ):
        for key in sorted(mine.keys() & yours.keys()):
            left, right = mine[key], yours[key]
            if left == right and same_rule:
                continue
            raise BadDbc(
                f"id {left.label} is {left.name} in {source.dbc.name} and {right.name} in {rival.dbc.name}"
                + (", with different signals" if left.name == right.name and left != right else ""),
                f"{source.dbc.name}, {rival.dbc.name}",
                "Remove one of them, or bind each database to its own vehicles and channels",
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
