"""`--check`: everything that the agent needs, tried one by one, each with what to do if it is not there."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_agent.capture import Line
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED, read_database
from edge_agent.spool import Spool
from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store

FREE_LEAST: Final = 500_000_000
"""Bytes that the spool's disk should have free: hours of a busy bus without a network."""


@dataclass(frozen=True)
class Finding:
    """One thing tried: whether it is well, and what was seen or must be done."""

    name: str
    ok: bool
    detail: str


def run_checks(config: AgentConfig, *, simulate: bool) -> list[Finding]:
    """Try everything that a run with these settings would need; nothing is left behind."""
    checks: dict[str, Callable[[AgentConfig], str]] = {"settings": _settings, "spool": _spool, "lake": _lake}
    if simulate or config.dbc:
        checks["dbc"] = _dbc
    if not simulate:
        checks["interface"] = _interface
    return [_try(name, check, config) for name, check in checks.items()]


def _try(name: str, check: Callable[[AgentConfig], str], config: AgentConfig) -> Finding:
    try:
        return Finding(name, True, check(config))
    except TelemetryError as error:
        return Finding(name, False, str(error))


def _settings(config: AgentConfig) -> str:
    return f"vehicle {config.vehicle_id}, windows of {config.window_seconds:g} s"


def _dbc(config: AgentConfig) -> str:
    _, database = read_database(config.dbc or BUNDLED)
    remarks = f", {len(database.warnings)} warnings" if database.warnings else ""
    return f"{database.name}: {len(database.database.messages)} messages{remarks}"


def _spool(config: AgentConfig) -> str:
    with Spool(config.spool) as spool:
        waiting = len(spool.waiting())
        free = shutil.disk_usage(spool.folder).free
        try:
            probe = spool.folder / "write-test.staged"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
        except OSError as error:
            raise BadSetting(
                f"cannot be written ({error.strerror})", str(spool.folder), "Name another --spool"
            ) from error
    if free < FREE_LEAST:
        raise BadSetting(
            f"only {free // 1_000_000} MB are free", str(config.spool), "Make room, or name another --spool"
        )
    return f"{config.spool}: {free // 1_000_000} MB free, {waiting} windows wait"


def _lake(config: AgentConfig) -> str:
    store = Store.open(config.lake, endpoint_url=config.endpoint_url)
    # beside the vehicle's partitions: where the agent may write, and where no reader looks for frames
    key = f"{layout.vehicle_prefix(layout.RAW, config.vehicle_id)}write-test"
    store.put(key, b"")
    try:
        store.delete(key)
    except PermanentError:
        return f"{config.lake}: may be written ({key} stays, since deleting is not allowed)"
    return f"{config.lake}: may be written"


def _interface(config: AgentConfig) -> str:
    for channel in config.channels:
        try:
            Line(config, channel).open().close()
        except OSError as error:
            raise BadSetting(
                f"cannot be opened ({error})",
                f"{config.interface} {channel}",
                f"Plug it in and bring it up: ip link set {channel} up type can bitrate 500000 listen-only on",
            ) from error
    return f"{config.interface} {config.channel}: opened"
