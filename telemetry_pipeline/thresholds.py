"""What is too much and how long is too long: the lake's `dbc/thresholds.yaml`, with defaults for what it leaves out.

What is measured against a threshold is `health`'s and `silence`'s business.

    defaults:                       # for every vehicle
      unknown_id_share: 0.9         # of all rows
      decode_error_share: 0.01      # of all rows
      out_of_range_share: 0.01      # of all values
      outside_day_share: 0          # of all rows
      gap: 6h                       # without frames, between the first and the last of a day
      silent_after: 24h             # since the vehicle's last frame; never: it may be silent
      forget_after: 30d             # a vehicle that is silent for longer is taken for retired
    vehicles:                       # the first entry that matches a vehicle and names a threshold decides it
      - vehicles: ["TRUCK_*"]
        silent_after: 2h
"""

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Final

import yaml

from telemetry_pipeline.errors import BadSetting, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.duration import parse_duration
from telemetry_pipeline.lake.store import Store

_HOUR_NS: Final = 3_600_000_000_000
NEVER: Final = 1 << 62
"""A duration that nothing exceeds."""


@dataclass(frozen=True)
class Limits:
    """The thresholds of one vehicle: shares from 0 to 1, durations in nanoseconds. More than these is a finding.

    Attributes:
        unknown_id_share: Rows whose id no database knows, of all rows.
        decode_error_share: Rows that give no value, of all rows.
        out_of_range_share: Values outside the database's limits, of all values.
        outside_day_share: Rows further than a day from their object's day, of all rows.
        gap: The longest silence within a day.
        silent_after: The longest time since the last frame.
        forget_after: The time after which a silent vehicle is taken for retired.
    """

    unknown_id_share: float = 0.9
    decode_error_share: float = 0.01
    out_of_range_share: float = 0.01
    outside_day_share: float = 0.0
    gap: int = 6 * _HOUR_NS
    silent_after: int = 24 * _HOUR_NS
    forget_after: int = 30 * 24 * _HOUR_NS


_SHARES: Final = tuple(item.name for item in fields(Limits) if item.name.endswith("_share"))
_NAMES: Final = tuple(item.name for item in fields(Limits))


@dataclass(frozen=True)
class Thresholds:
    """The limits of a fleet.

    Attributes:
        defaults: For every vehicle that no entry names.
        entries: Globs of vehicle ids, and what they change.
    """

    defaults: Limits = Limits()
    entries: tuple[tuple[tuple[str, ...], Mapping[str, float | int]], ...] = ()

    def of(self, vehicle_id: str) -> Limits:
        """The limits of one vehicle."""
        if vehicle_id not in self._found:
            changed: dict[str, Any] = {}
            for globs, values in self.entries:
                if any(fnmatch.fnmatchcase(vehicle_id, glob) for glob in globs):
                    changed = {**values, **changed}  # the first entry that names a threshold decides it
            self._found[vehicle_id] = replace(self.defaults, **changed)
        return self._found[vehicle_id]

    @cached_property
    def _found(self) -> dict[str, Limits]:
        return {}


def load_thresholds(store: Store) -> Thresholds:
    """The thresholds of a lake; the defaults where it has no file of them.

    Raises:
        BadSetting: The file cannot be used.
    """
    try:
        body = store.get(layout.THRESHOLDS)
    except NotFound:
        return Thresholds()
    return parse_thresholds(body, layout.THRESHOLDS)


def parse_thresholds(body: bytes, where: str) -> Thresholds:
    """Read thresholds.yaml.

    Raises:
        BadSetting: It is not YAML, not of the form that the module's docstring shows, or a value cannot be used.
    """
    try:
        document = yaml.safe_load(body)
    except (yaml.YAMLError, ValueError) as error:
        raise BadSetting(f"not YAML ({' '.join(str(error).split())[:200]})", where) from error
    document = {} if document is None else document
    if not isinstance(document, dict):
        raise BadSetting("not a mapping", where, "Begin with the line 'defaults:' or 'vehicles:'")
    if unknown := [key for key in document if key not in ("defaults", "vehicles")]:
        raise BadSetting(f"unknown key {unknown[0]}", where, "Known: defaults, vehicles")
    given: dict[str, Any] = {**_values(document.get("defaults") or {}, f"{where} defaults")}
    defaults = replace(Limits(), **given)
    entries = document.get("vehicles") or []
    if not isinstance(entries, list):
        raise BadSetting("vehicles must be a list of entries", where, "Begin each with '- vehicles: [GLOB]'")
    return Thresholds(
        defaults,
        tuple(_entry(entry, f"{where} vehicles entry {number}") for number, entry in enumerate(entries, 1)),
    )


def _entry(entry: Any, where: str) -> tuple[tuple[str, ...], Mapping[str, float | int]]:  # noqa: ANN401
    if not isinstance(entry, dict) or "vehicles" not in entry:
        raise BadSetting("needs the key vehicles", where)
    globs = entry["vehicles"]
    globs = [globs] if isinstance(globs, str) else globs
    if not isinstance(globs, list) or not globs or not all(isinstance(glob, str) for glob in globs):
        raise BadSetting("vehicles must be a glob or a list of globs", where, 'Quote numbers: "1"')
    return tuple(globs), _values({key: entry[key] for key in entry if key != "vehicles"}, where)


def _values(given: Any, where: str) -> dict[str, float | int]:  # noqa: ANN401  whatever the YAML holds
    if not isinstance(given, dict):
        raise BadSetting("not a mapping of thresholds", where, f"Known: {', '.join(_NAMES)}")
    values: dict[str, float | int] = {}
    for name, value in given.items():
        if name not in _NAMES:
            raise BadSetting(f"unknown threshold {name}", where, f"Known: {', '.join(_NAMES)}")
        values[name] = (
            _share(value, f"{where} {name}") if name in _SHARES else _time(value, f"{where} {name}")
        )
    return values


def _share(value: Any, where: str) -> float:  # noqa: ANN401  whatever the YAML holds
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadSetting(f"{value!r} is not a share", where, "Use a number from 0 to 1")
    return float(value)


def _time(value: Any, where: str) -> int:  # noqa: ANN401  whatever the YAML holds
    if value == "never":
        return NEVER
    try:
        return parse_duration(str(value))
    except BadSetting as error:
        raise BadSetting(error.what, where, "Use a duration such as 90s, 30m, 6h or 2d, or never") from error
