"""`--check`: everything that the agent needs, tried one by one, each with what to do if it is not there."""

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from edge_agent.capture import Line
from edge_agent.clock import kernel_is_synced
from edge_agent.cloudwatch import CloudWatch
from edge_agent.config import AgentConfig
from edge_agent.credentials import find_credentials, open_lake
from edge_agent.database import BUNDLED, read_database
from edge_agent.link import read_link
from edge_agent.spool import Spool
from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError
from telemetry_pipeline.lake import layout

TIMEOUT_S: Final = 20.0

FREE_LEAST: Final = 500_000_000
"""Bytes that the spool's disk should have free: hours of a busy bus without a network."""


@dataclass(frozen=True)
class Finding:
    """One thing tried: whether it is well, what was seen, and what to do if it is not."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


def run_checks(config: AgentConfig, *, simulate: bool) -> list[Finding]:
    """Try everything that a run with these settings would need; nothing is left behind.

    Args:
        config: The settings.
        simulate: The run would have no bus, and its own time.
    """
    checks: dict[str, Callable[[AgentConfig], str]] = {"settings": _settings, "disk": _disk}
    if config.lake.startswith("s3://"):
        checks["credentials"] = _credentials
    checks["lake"] = _lake
    if config.cloudwatch_namespace:
        checks["cloudwatch"] = _cloudwatch
    if config.metrics_file:
        checks["metrics"] = _metrics
    if simulate or config.dbc:
        checks["dbc"] = _dbc
    if not simulate:
        checks["clock"] = _clock
        for channel in config.channels:
            checks[channel] = partial(_interface, channel)
    return [_try(name, check, config) for name, check in checks.items()]


def _try(name: str, check: Callable[[AgentConfig], str], config: AgentConfig) -> Finding:
    try:
        return Finding(name, True, check(config))
    except TelemetryError as error:
        return Finding(
            name, False, f"{error.where}: {error.what}" if error.where else error.what, error.remedy
        )


def _settings(config: AgentConfig) -> str:
    return f"vehicle {config.vehicle_id}, windows of {config.window_seconds:g} s"


def _dbc(config: AgentConfig) -> str:
    _, database = read_database(config.dbc or BUNDLED)
    remarks = f", {len(database.warnings)} warnings" if database.warnings else ""
    return f"{database.name}: {len(database.database.messages)} messages{remarks}"


def _disk(config: AgentConfig) -> str:
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
    store = open_lake(config, TIMEOUT_S)
    # beside the vehicle's partitions: where the agent may write, and where no reader looks for frames
    key = f"{layout.vehicle_prefix(layout.RAW, config.vehicle_id)}write-test"
    store.put(key, b"")
    try:
        store.delete(key)
    except PermanentError:
        return f"{config.lake}: may be written ({key} stays, since deleting is not allowed)"
    return f"{config.lake}: may be written"


def _credentials(config: AgentConfig) -> str:
    given = find_credentials(config)()
    expires_at = given["expires_at"]
    until = f", until {expires_at:%Y-%m-%d %H:%M} UTC" if given["token"] and expires_at else ""
    return f"{'by certificate' if config.iot_endpoint else 'found'}: …{given['access_key_id'][-4:]}{until}"


def _cloudwatch(config: AgentConfig) -> str:
    with Spool(config.spool) as spool:
        waiting = len(spool.waiting())
    namespace = config.cloudwatch_namespace or ""
    outlet = CloudWatch(
        namespace, config.region or "", lambda: find_credentials(config), endpoint_url=config.cloudwatch_url
    )
    outlet.try_once(config.vehicle_id, waiting)
    return f"{namespace}: takes metrics (QueueDepth {waiting})"


def _metrics(config: AgentConfig) -> str:
    file = config.metrics_file or Path()
    try:
        with TemporaryFile(dir=file.parent):
            return f"{file}: may be written"
    except OSError as error:
        raise BadSetting(
            f"cannot be written ({error.strerror})",
            str(file),
            "Make its folder, and let the agent write there (ReadWritePaths= in its unit)",
        ) from error


def _clock(config: AgentConfig) -> str:
    if kernel_is_synced():
        return f"synchronized, {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
    raise BadSetting(
        "nothing vouches for the time",
        "",
        "Let it be set over the network (timedatectl set-ntp true) or fit a clock with a battery; meanwhile windows "
        f"wait {config.clock_wait_seconds:g} s after the start, and are marked",
    )


def _interface(channel: str, config: AgentConfig) -> str:
    if config.interface != "socketcan":
        _open(channel, config, "Plug it in, and install what python-can needs for it")
        return f"{config.interface}: opened"
    link = read_link(channel)
    if link is None:
        raise BadSetting("there is no such interface", channel, f"Plug it in, then: {_up(channel)}")
    if not link.is_up:
        raise BadSetting("it is down", channel, f"Bring it up: {_up(channel)}")
    if link.kind == "can" and not link.listens_only:
        raise BadSetting(
            "it acknowledges frames and sends error frames, which a listener must not",
            channel,
            f"ip link set {channel} down, then: {_up(channel)}",
        )
    if link.state in ("bus-off", "error-passive"):
        raise BadSetting(
            f"its controller is {link.state}",
            channel,
            "Compare the bitrate with the bus's; look at wires and ends",
        )
    _open(channel, config, f"Bring it up: {_up(channel)}")
    words = ["up", link.state, f"{link.bitrate} bit/s" if link.bitrate else "", link.kind]
    words += ["listens only"] if link.listens_only else []
    return ", ".join(word for word in words if word)


def _open(channel: str, config: AgentConfig, remedy: str) -> None:
    try:
        Line(config, channel).open().close()
    except OSError as error:
        raise BadSetting(f"cannot be opened ({error})", f"{config.interface} {channel}", remedy) from error


def _up(channel: str) -> str:
    return f"ip link set {channel} up type can bitrate 500000 listen-only on"
