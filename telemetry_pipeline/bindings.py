"""Which CAN databases decode which vehicle: the lake's `dbc/` folder and its `bindings.yaml`, compiled per vehicle.

What a database says is `decode.dbc`'s business; this file only chooses.

Without `dbc/bindings.yaml` every database in `dbc/` decodes every vehicle. With it, a vehicle is decoded by the
databases of all entries whose globs match it:

    bindings:
      - vehicles: ["EV_*"]
        dbc: [ev_powertrain.dbc]
"""

import fnmatch
from dataclasses import dataclass
from typing import Any, Final

import yaml

from telemetry_pipeline.decode.dbc import Dbc, load_dbc
from telemetry_pipeline.decode.plan import Plan, compile_plan
from telemetry_pipeline.errors import BadDbc, BadSetting, TelemetryError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

SUFFIXES: Final = (".dbc", ".kcd", ".sym", ".arxml")
TRANSPORTS: Final = ("isotp", "j1939", "fastpacket")
"""Multi-frame protocols that a binding may ask for: ISO-TP, J1939 TP, NMEA 2000 fast packet."""


@dataclass(frozen=True)
class Binding:
    """Vehicles by glob, and the names of the databases that decode them.

    Attributes:
        vehicles: Globs of vehicle ids.
        dbc: Names of databases.
        transport: Which of `TRANSPORTS` are reassembled before decoding.
    """

    vehicles: tuple[str, ...]
    dbc: tuple[str, ...]
    transport: tuple[str, ...] = ()

    def matches(self, vehicle_id: str) -> bool:
        """Whether one of the globs matches."""
        return any(fnmatch.fnmatchcase(vehicle_id, glob) for glob in self.vehicles)


class Databases:
    """The databases of a lake as they were when it was made; plans are compiled once per set of databases.

    Args:
        dbcs: The databases that loaded, by name.
        broken: Why the others did not, by name.
        bindings: The entries of bindings.yaml, None when there is none, or why it cannot be used.
        where: The lake, for messages.
        strict_length: Refuse frames shorter than their message.
    """

    def __init__(
        self,
        dbcs: dict[str, Dbc],
        broken: dict[str, TelemetryError],
        bindings: list[Binding] | BadSetting | None,
        where: str,
        *,
        strict_length: bool = False,
    ) -> None:
        self.dbcs = dbcs
        self.broken = broken
        self._bindings = bindings
        self._where = where
        self._strict_length = strict_length
        self._plans: dict[tuple[tuple[str, ...], tuple[str, ...]], Plan | TelemetryError] = {}

    @classmethod
    def load(cls, store: Store, *, strict_length: bool = False) -> "Databases":
        """Read every database of a lake and its bindings. What does not load is kept as an error for those it binds."""
        dbcs: dict[str, Dbc] = {}
        broken: dict[str, TelemetryError] = {}
        bindings: list[Binding] | BadSetting | None = None
        for info in sorted(store.list_objects(layout.DBC), key=lambda info: info.key):
            name = info.key.removeprefix(layout.DBC)
            if info.key == layout.BINDINGS:
                try:
                    bindings = parse_bindings(store.get(info.key), info.key)
                except BadSetting as error:
                    bindings = error
            elif name.lower().endswith(SUFFIXES):
                try:
                    dbcs[name] = load_dbc(store.get(info.key), name)
                except BadDbc as error:
                    broken[name] = error
        return cls(dbcs, broken, bindings, store.url, strict_length=strict_length)

    def plan_for(self, vehicle_id: str) -> Plan:
        """The compiled databases that decode a vehicle.

        Raises:
            BadDbc: No database is bound to it, a bound one is missing or broken, or two claim one arbitration id.
        """
        if isinstance(self._bindings, BadSetting):
            raise BadDbc(self._bindings.what, self._bindings.where, self._bindings.remedy)
        chosen = self._chosen_for(self._bindings, vehicle_id)
        if chosen not in self._plans:
            try:
                self._plans[chosen] = self._compile(*chosen, vehicle_id)
            except BadDbc as error:
                self._plans[chosen] = error
        plan = self._plans[chosen]
        if isinstance(plan, TelemetryError):
            raise plan
        return plan

    def _chosen_for(
        self, bindings: list[Binding] | None, vehicle_id: str
    ) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Names of the databases of a vehicle, and its transports; both sorted."""
        if bindings is None:
            return tuple(sorted(self.dbcs)), ()
        matching = [binding for binding in bindings if binding.matches(vehicle_id)]
        names = {name for binding in matching for name in binding.dbc}
        transports = {transport for binding in matching for transport in binding.transport}
        return tuple(sorted(names)), tuple(sorted(transports))

    def _compile(self, names: tuple[str, ...], transport: tuple[str, ...], vehicle_id: str) -> Plan:
        if not names:
            raise BadDbc(
                f"no CAN database decodes vehicle {vehicle_id}",
                f"{self._where}/{layout.DBC}",
                "Add one with: telemetry dbc add FILE.dbc",
            )
        for name in names:
            if name in self.broken:
                raise self.broken[name]
            if name not in self.dbcs:
                raise BadDbc(
                    f"{layout.BINDINGS} names {name}, which is not there",
                    f"{self._where}/{layout.DBC}{name}",
                    f"Add it with: telemetry dbc add {name}",
                )
        return compile_plan(
            [self.dbcs[name] for name in names], strict_length=self._strict_length, transport=transport
        )


def parse_bindings(body: bytes, where: str) -> list[Binding]:
    """Read bindings.yaml.

    Raises:
        BadSetting: It is not YAML, or not of the form that the module's docstring shows.
    """
    try:
        document = yaml.safe_load(body)
    except yaml.YAMLError as error:
        raise BadSetting(f"not YAML ({' '.join(str(error).split())[:200]})", where) from error
    entries = document.get("bindings") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise BadSetting("no list of bindings", where, "Begin with the line 'bindings:'")
    return [_binding(entry, f"{where} entry {number}") for number, entry in enumerate(entries, 1)]


def _binding(entry: Any, where: str) -> Binding:  # noqa: ANN401  whatever the YAML holds
    if not isinstance(entry, dict) or not {"vehicles", "dbc"} <= set(entry):
        raise BadSetting("needs the keys vehicles and dbc", where)
    if unknown := sorted(map(str, set(entry) - {"vehicles", "dbc", "transport"})):
        raise BadSetting(f"unknown key {unknown[0]}", where, "Known: vehicles, dbc, transport")
    lists = {key: [value] if isinstance(value, str) else value for key, value in entry.items()}
    for key, value in lists.items():
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise BadSetting(f"{key} must be a name or a list of names", where)
    transport = tuple(lists.get("transport", ()))
    if strange := sorted(set(transport) - set(TRANSPORTS)):
        raise BadSetting(f"unknown transport {strange[0]}", where, f"Known: {', '.join(TRANSPORTS)}")
    return Binding(tuple(lists["vehicles"]), tuple(lists["dbc"]), transport)
