"""Which CAN databases decode which vehicle: the lake's `dbc/` folder and its `bindings.yaml`, compiled per vehicle.

What a database says is `decode.dbc`'s business, how ids find messages `decode.match`'s; this file only chooses.

Without `dbc/bindings.yaml` every database in `dbc/` decodes every vehicle. With it, a vehicle is decoded by the
databases of the entries whose globs match it; every key but the first two may be left out:

    bindings:
      - vehicles: ["EV_*"]          # globs of vehicle ids
        dbc: [ev_powertrain.dbc]    # names of databases
        channel: can0               # a glob, or a list of them
        match: pgn                  # exact or pgn, whatever the database itself states
        valid_from: 2026-03-01      # the first UTC day
        transport: [isotp]          # what is reassembled before decoding: isotp, j1939, fastpacket

On each channel of a vehicle's day the entries with the newest `valid_from` up to that day count, all others do not.
"""

import datetime as dt
import fnmatch
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import yaml

from telemetry_pipeline.decode.dbc import FORMATS, Dbc, load_dbc
from telemetry_pipeline.decode.match import Match
from telemetry_pipeline.decode.plan import Plan, Source, compile_plan
from telemetry_pipeline.decode.transport.carriers import Transport
from telemetry_pipeline.errors import BadDbc, BadSetting, TelemetryError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.parse import parse_rules
from telemetry_pipeline.rules.rule import NO_RULES, Rules, VehicleRules

_log: Final = logging.getLogger(__name__)

TRANSPORTS: Final = tuple(str(protocol) for protocol in Transport)
"""Multi-frame protocols that a binding may ask for: ISO-TP, J1939 TP, NMEA 2000 fast packet."""

_KEYS: Final = ("vehicles", "dbc", "channel", "match", "valid_from", "transport")


@dataclass(frozen=True)
class Binding:
    """Vehicles by glob, and the databases that decode them.

    Attributes:
        vehicles: Globs of vehicle ids.
        dbc: Names of databases.
        channels: Globs of channel names; none at all for every channel.
        match: How ids find messages; None for what each database itself states.
        valid_from: The first UTC day it counts; None for all days.
        transport: Which of `TRANSPORTS` are reassembled before decoding.
    """

    vehicles: tuple[str, ...]
    dbc: tuple[str, ...]
    channels: tuple[str, ...] = ()
    match: Match | None = None
    valid_from: dt.date | None = None
    transport: tuple[str, ...] = ()

    def matches(self, vehicle_id: str) -> bool:
        """Whether one of the globs matches."""
        return any(fnmatch.fnmatchcase(vehicle_id, glob) for glob in self.vehicles)

    def holds_on(self, day: dt.date) -> bool:
        """Whether it counts on a UTC day, unless a newer one does."""
        return self.valid_from is None or self.valid_from <= day

    def replaces(self, other: "Binding") -> bool:
        """Whether nothing of the other counts on a day on which both hold."""
        newer = (self.valid_from or dt.date.min) > (other.valid_from or dt.date.min)
        return newer and (
            not self.channels or (bool(other.channels) and {*other.channels} <= {*self.channels})
        )


class Databases:
    """The databases of a lake as they were when it was made; plans are compiled once per set of bindings.

    Args:
        dbcs: The databases that loaded, by name.
        broken: Why the others did not, by name.
        bindings: The entries of bindings.yaml, None when there is none, or why it cannot be used.
        where: The lake, for messages.
        strict_length: Refuse frames shorter than their message.
        rules: The rules of rules.yaml, None when there is none, or why it cannot be used.
    """

    def __init__(
        self,
        dbcs: dict[str, Dbc],
        broken: dict[str, TelemetryError],
        bindings: list[Binding] | BadSetting | None,
        where: str,
        *,
        strict_length: bool = False,
        rules: Rules | BadSetting | None = None,
    ) -> None:
        self.rules = rules if rules is not None else Rules()
        self.dbcs = dbcs
        self.broken = broken
        self._bindings = bindings
        self._where = where
        self._strict_length = strict_length
        self._plans: dict[tuple[Binding, ...], Plan | TelemetryError] = {}

    @classmethod
    def load(cls, store: Store, *, strict_length: bool = False) -> "Databases":
        """Read every database of a lake and its bindings. What does not load is kept as an error for those it binds."""
        dbcs: dict[str, Dbc] = {}
        broken: dict[str, TelemetryError] = {}
        bindings: list[Binding] | BadSetting | None = None
        rules: Rules | BadSetting | None = None
        for info in sorted(store.list_objects(layout.DBC), key=lambda info: info.key):
            name = info.key.removeprefix(layout.DBC)
            if info.key == layout.BINDINGS:
                try:
                    bindings = parse_bindings(store.get(info.key), info.key)
                except BadSetting as error:
                    bindings = error
            elif info.key == layout.RULES:
                try:
                    rules = Rules(parse_rules(store.get(info.key), info.key))
                except BadSetting as error:
                    rules = error
                    _log.error("no rule is evaluated: %s", error)
            elif name.lower().endswith(tuple(FORMATS)):
                try:
                    dbcs[name] = load_dbc(store.get(info.key), name)
                except BadDbc as error:
                    broken[name] = error
        return cls(dbcs, broken, bindings, store.url, strict_length=strict_length, rules=rules)

    def plan_for(self, vehicle_id: str, day: dt.date | None = None) -> Plan:
        """The compiled databases that decode a vehicle's frames of a UTC day; without a day, of the newest.

        Raises:
            BadDbc: No database is bound to it, a bound one is missing or broken, or two claim one arbitration id.
        """
        if isinstance(self._bindings, BadSetting):
            raise BadDbc(self._bindings.what, self._bindings.where, self._bindings.remedy)
        chosen = self._chosen_for(self._bindings, vehicle_id, day or dt.date.max)
        if not chosen:
            raise BadDbc(
                f"no CAN database decodes vehicle {vehicle_id}" + (f" on {day}" if day else ""),
                f"{self._where}/{layout.DBC}",
                "Add one with: telemetry dbc add FILE.dbc"
                + (f", and bind it in {layout.BINDINGS}" if self._bindings is not None else ""),
            )
        if chosen not in self._plans:
            try:
                self._plans[chosen] = self._compile(chosen)
            except BadDbc as error:
                self._plans[chosen] = error
        plan = self._plans[chosen]
        if isinstance(plan, TelemetryError):
            raise plan.with_traceback(None)  # the kept error would gather the frames of every raise
        return plan

    def rules_for(self, vehicle_id: str) -> VehicleRules:
        """The rules that concern a vehicle; none while rules.yaml cannot be used, for rows must not wait for it."""
        return NO_RULES if isinstance(self.rules, BadSetting) else self.rules.of(vehicle_id)

    def _chosen_for(
        self, bindings: list[Binding] | None, vehicle_id: str, day: dt.date
    ) -> tuple[Binding, ...]:
        if bindings is None:
            return (Binding(("*",), tuple(sorted(self.dbcs))),) if self.dbcs else ()
        held = [item for item in bindings if item.matches(vehicle_id) and item.holds_on(day)]
        return tuple(item for item in held if not any(newer.replaces(item) for newer in held))

    def _compile(self, chosen: tuple[Binding, ...]) -> Plan:
        for name in (name for binding in chosen for name in binding.dbc):
            if name in self.broken:
                raise self.broken[name].with_traceback(None)
            if name not in self.dbcs:
                raise BadDbc(
                    f"{layout.BINDINGS} names {name}, which is not there",
                    f"{self._where}/{layout.DBC}{name}",
                    f"Add it with: telemetry dbc add {name}",
                )
        return compile_plan(list(self._sources(chosen)), strict_length=self._strict_length)

    def _sources(self, chosen: Iterable[Binding]) -> Iterable[Source]:
        """The databases of the bindings as the plan takes them, by name, so that the order of entries is of no meaning."""
        sources = {
            Source(
                self.dbcs[name],
                binding.match,
                binding.channels,
                since=binding.valid_from.toordinal() if binding.valid_from else 0,
                transport=binding.transport,
            )
            for binding in chosen
            for name in binding.dbc
        }
        return sorted(sources, key=lambda s: (s.dbc.name, s.since, s.channels, s.match or "", s.transport))


def parse_bindings(body: bytes, where: str) -> list[Binding]:
    """Read bindings.yaml.

    Raises:
        BadSetting: It is not YAML, or not of the form that the module's docstring shows.
    """
    try:
        document = yaml.safe_load(body)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that no calendar has
        raise BadSetting(f"not YAML ({' '.join(str(error).split())[:200]})", where) from error
    entries = document.get("bindings") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise BadSetting("no list of bindings", where, "Begin with the line 'bindings:'")
    return [_binding(entry, f"{where} entry {number}") for number, entry in enumerate(entries, 1)]


def _binding(entry: Any, where: str) -> Binding:  # noqa: ANN401  whatever the YAML holds
    if not isinstance(entry, dict) or not {"vehicles", "dbc"} <= set(entry):
        raise BadSetting("needs the keys vehicles and dbc", where)
    if unknown := sorted(map(str, set(entry) - set(_KEYS))):
        raise BadSetting(f"unknown key {unknown[0]}", where, f"Known: {', '.join(_KEYS)}")
    match = _one_of(_names(entry, "match", where), tuple(Match), "match", where)
    if len(match) > 1:
        raise BadSetting("match must be one rule", where, "Known: exact, pgn")
    return Binding(
        vehicles=_names(entry, "vehicles", where),
        dbc=_names(entry, "dbc", where),
        channels=_names(entry, "channel", where),
        match=Match(match[0]) if match else None,
        valid_from=_day(entry.get("valid_from"), where),
        transport=_one_of(_names(entry, "transport", where), TRANSPORTS, "transport", where),
    )


def _names(entry: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    """A name or a list of names; none when the key is absent."""
    value = entry.get(key, [])
    names = [value] if isinstance(value, str) else value
    if (
        not isinstance(names, list)
        or (key in entry and not names)
        or not all(isinstance(item, str) for item in names)
    ):
        raise BadSetting(f"{key} must be a name or a list of names", where, 'Quote numbers: "1"')
    return tuple(dict.fromkeys(names))


def _one_of(names: tuple[str, ...], known: tuple[str, ...], key: str, where: str) -> tuple[str, ...]:
    if strange := [name for name in names if name not in known]:
        raise BadSetting(f"unknown {key} {strange[0]}", where, f"Known: {', '.join(known)}")
    return names


def _day(value: Any, where: str) -> dt.date | None:  # noqa: ANN401  whatever the YAML holds
    if value is None or type(value) is dt.date:
        return value
    try:
        return dt.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise BadSetting(
            f"valid_from must be a day, not {value}", where, "Write it like 2026-03-01"
        ) from error
