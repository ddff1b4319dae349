"""The agent's settings: command line over environment over file over default, checked once at the door.

What the environment says beside settings is read in `surroundings`.
"""

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from os import environ
from pathlib import Path
from typing import Any, Final, cast

import yaml

from edge_agent.filters import Filter, parse_filters
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.layout import check_vehicle_id

PREFIX: Final = "AGENT_"
SPOOL: Final = "~/.local/state/telemetry-agent/spool"
"""Where windows wait when neither a setting nor systemd's STATE_DIRECTORY names a folder."""

REMOTE: Final = frozenset(
    {
        *(
            "channel",
            "filters",
            "bitrate",
            "fd",
            "dbc",
            "window_seconds",
            "max_frames",
            "sync_seconds",
            "give_up",
        ),
        *("spool_megabytes", "free_megabytes", "keep_landed", "upload_kilobytes_per_second"),
    }
)
"""What may be set from the lake: not who the vehicle is, where its data goes, or by whose leave."""

MAX_FRAMES: Final = 300_000
"""More than a minute of a full 500 kbit/s bus; what becomes one object is in memory for a moment."""


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """What the agent needs to know. Each field is also a key of the YAML file and a variable AGENT_{NAME}.

    Attributes:
        vehicle_id: The vehicle that the frames come from.
        lake: Where the raw objects go, `file:///abs/path` or `s3://bucket/prefix`; also TELEMETRY_LAKE;
            default: the folder `lake` here.
        endpoint_url: An S3-compatible server that stands in for AWS; also AWS_ENDPOINT_URL.
        region: Where the bucket is; also AWS_REGION and AWS_DEFAULT_REGION.
        iot_endpoint: The account's host that gives credentials for a certificate (`iot:CredentialProvider`).
        iot_role_alias: Whose role the agent takes there.
        iot_thing_name: What the vehicle is called there; default: its id.
        iot_certificate: The vehicle's certificate, a PEM file.
        iot_key: The certificate's private key, a PEM file.
        iot_ca: Who signs for `iot_endpoint`, a PEM file; default: whom the system trusts.
        interface: python-can's name of the kind of adapter.
        channel: The adapter's channel, or several with commas between them; also the channels of the frames.
        filters: The frames that are wanted: hexadecimal ids, some with a mask, such as `7E8,18FEF100:1FFFFF00`;
            default: all.
        bitrate: Bits per second, for adapters that are configured by python-can; SocketCAN is configured by the
            system.
        fd: Have python-can receive CAN FD frames too; SocketCAN always does.
        window_seconds: The longest time that one raw object covers.
        max_frames: The most frames in one raw object.
        sync_seconds: What was read is on the disk after so long, if the disk can: what a power cut costs.
        clock_wait_seconds: How long windows wait after the start for a clock that something vouches for. A clock
            that names an impossible time is always waited for.
        dbc: The CAN database of --simulate and --decode-live; default: the source tree's.
        spool: The folder in which finished windows wait for their upload; also STATE_DIRECTORY.
        spool_megabytes: What may lie in the spool; above that the oldest windows are given up, and counted.
        free_megabytes: What stays free on the spool's disk.
        give_up: Which windows that have not landed go first when there is no room: `oldest` or `newest`.
        keep_landed: Leave copies of windows that have landed in the spool, for as long as there is room.
        upload_kilobytes_per_second: The most that is sent, on average; 0 is no limit.
        health_seconds: How often health is said in the log and told to whoever else wants it.
        metrics_file: Where it is written for node_exporter's textfile collector, such as `/…/can_agent.prom`.
        cloudwatch_namespace: CloudWatch's namespace for metrics, such as `CanTelemetry`; empty sends none.
        cloudwatch_url: A server that stands in for CloudWatch; default: AWS's in `region`.
        settings_seconds: How often settings are looked for in the lake; 0 never looks.
        rate: How many times faster than the database's cycle times --simulate sends.
        seed: Which drive --simulate drives.
    """

    vehicle_id: str
    lake: str
    endpoint_url: str | None = None
    region: str | None = None
    iot_endpoint: str | None = None
    iot_role_alias: str | None = None
    iot_thing_name: str | None = None
    iot_certificate: Path | None = None
    iot_key: Path | None = None
    iot_ca: Path | None = None
    interface: str = "socketcan"
    channel: str = "can0"
    filters: str = ""
    bitrate: int | None = None
    fd: bool = False
    window_seconds: float = 60.0
    max_frames: int = MAX_FRAMES
    sync_seconds: float = 0.6
    clock_wait_seconds: float = 120.0
    dbc: Path | None = None
    spool: Path
    spool_megabytes: int = 8_000
    free_megabytes: int = 50
    give_up: str = "oldest"
    keep_landed: bool = False
    upload_kilobytes_per_second: float = 0.0
    health_seconds: float = 60.0
    metrics_file: Path | None = None
    cloudwatch_namespace: str = ""
    cloudwatch_url: str | None = None
    settings_seconds: float = 300.0
    rate: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_vehicle_id(self.vehicle_id)
        _in_range("window_seconds", self.window_seconds, 0.1, 3600)
        _in_range("max_frames", self.max_frames, 1, 10_000_000)
        _in_range("sync_seconds", self.sync_seconds, 0.05, 60)
        _in_range("clock_wait_seconds", self.clock_wait_seconds, 0, 86_400)
        _in_range("spool_megabytes", self.spool_megabytes, 1, 100_000_000)
        _in_range("free_megabytes", self.free_megabytes, 0, 100_000_000)
        _in_range("upload_kilobytes_per_second", self.upload_kilobytes_per_second, 0, 10_000_000)
        _in_range("settings_seconds", self.settings_seconds, 0, 86_400)
        _in_range("health_seconds", self.health_seconds, 0.1, 86_400)
        if self.give_up not in ("oldest", "newest"):
            raise BadSetting(f"{self.give_up!r} says not which", "give_up", "Use oldest or newest")
        parse_filters(self.filters)
        if not self.channels or len(set(self.channels)) < len(self.channels):
            raise BadSetting(
                f"{self.channel!r} names no channel, or one twice", "channel", "Use can0 or can0,can1"
            )
        iot = ("iot_endpoint", "iot_role_alias", "iot_certificate", "iot_key")
        missing = [name for name in iot if not getattr(self, name)]
        if 0 < len(missing) < len(iot):
            raise BadSetting("is not set", missing[0], f"All of {', '.join(iot)} belong together")
        if self.cloudwatch_namespace and not self.region:
            raise BadSetting("is not set", "region", "CloudWatch's metrics need it, such as eu-central-1")
        _in_range("rate", self.rate, 0.001, 1000)
        if self.bitrate is not None:
            _in_range("bitrate", self.bitrate, 1000, 8_000_000)

    @property
    def channels(self) -> list[str]:
        """The channels, one by one."""
        return [name.strip() for name in self.channel.split(",") if name.strip()]

    @property
    def can_filters(self) -> list[Filter]:
        """The filters, one by one."""
        return parse_filters(self.filters)

    @classmethod
    def read(
        cls, file: Path | None, options: Mapping[str, Any], env: Mapping[str, str] | None = None
    ) -> "AgentConfig":
        """Put the settings together.

        Args:
            file: A YAML file, if any.
            options: Values from the command line by field name; None is not given.
            env: The variables; default: the process's environment.

        Raises:
            BadSetting: A setting is unknown, missing, or not of its type or range.
            BadKey: The vehicle id is not one.
        """
        env = environ if env is None else env
        given: dict[str, tuple[Any, str]] = {
            "spool": (SPOOL, "spool"),
            "lake": ((Path.cwd() / "lake").as_uri(), "lake"),
        }
        given |= _from_file(file) if file else {}
        given |= _from_env(env)
        given |= {name: (value, f"--{name}") for name, value in options.items() if value is not None}
        if "vehicle_id" not in given:
            raise BadSetting(
                "is not set",
                "vehicle_id",
                f"Set it in the file, as {PREFIX}VEHICLE_ID or on the command line",
            )
        return cls(**{name: convert_setting(name, value, where) for name, (value, where) in given.items()})


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadSetting(f"{value} is out of range", name, f"Use {low:g} to {high:g}")


def _from_file(file: Path) -> dict[str, tuple[Any, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise BadSetting(f"cannot be read ({error.strerror})", str(file)) from error
    except UnicodeDecodeError as error:
        raise BadSetting(f"is not YAML ({error})", str(file)) from error
    return {name: (value, f"{file}, {name}") for name, value in parse_settings(text, str(file)).items()}


def parse_settings(text: str, where: str) -> dict[str, Any]:
    """The settings that a YAML text names.

    Raises:
        BadSetting: It is not YAML, or names what is no setting.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadSetting(f"is not YAML ({' '.join(str(error).split())})", where) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BadSetting("is not a list of `name: value`", where)
    for name in content:
        _known(str(name), where)
    return {str(name): value for name, value in content.items() if value is not None}


def _from_env(env: Mapping[str, str]) -> dict[str, tuple[Any, str]]:
    given: dict[str, tuple[Any, str]] = {
        name: (env[variable], variable) for variable, name in _SHARED.items() if env.get(variable)
    }
    if "spool" in given:  # systemd names the folder that it made for the service
        given["spool"] = (f"{env['STATE_DIRECTORY'].partition(':')[0]}/spool", "STATE_DIRECTORY")
    for variable, text in env.items():
        if variable.startswith(PREFIX) and text:
            name = variable.removeprefix(PREFIX).lower()
            _known(name, variable)
            given[name] = (_scalar(text, variable) if _TYPES[name] in _SCALARS else text, variable)
    return given


def _scalar(text: str, variable: str) -> Any:  # noqa: ANN401  what YAML makes of it
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadSetting(f"{text!r} cannot be read", variable, "Use a number, or true or false") from error


def _known(name: str, where: str) -> None:
    if name not in _TYPES:
        near = difflib.get_close_matches(name, _TYPES, n=1)
        raise BadSetting(
            f"no such setting as {name!r}",
            where,
            f"Did you mean {near[0]}?" if near else f"Known: {', '.join(_TYPES)}",
        )


_SCALARS: Final = (int, float, bool)
_KINDS: Final = {
    bool: ("yes or no", "Use true or false"),
    int: ("a whole number", "Use digits only"),
    float: ("a number", "Use digits, such as 60 or 0.5"),
    str: ("a text", "Put it in quotes"),
    Path: ("a path", "Put it in quotes"),
}
_SHARED: Final = {
    "TELEMETRY_LAKE": "lake",
    "AWS_ENDPOINT_URL": "endpoint_url",
    "AWS_DEFAULT_REGION": "region",
    "AWS_REGION": "region",  # weighs more
    "STATE_DIRECTORY": "spool",
}
_OPTIONAL: Final = {
    **dict.fromkeys(
        ("endpoint_url", "cloudwatch_url", "region", "iot_endpoint", "iot_role_alias", "iot_thing_name"), str
    ),
    **dict.fromkeys(("dbc", "metrics_file", "iot_certificate", "iot_key", "iot_ca"), Path),
    "bitrate": int,
}
_TYPES: Final[dict[str, type]] = {
    field.name: _OPTIONAL.get(field.name) or cast("type", field.type) for field in fields(AgentConfig)
}


def convert_setting(name: str, value: Any, where: str) -> Any:  # noqa: ANN401  one of the field types
    """A value as its setting has it.

    Raises:
        BadSetting: It is not of its type.
    """
    kind = _TYPES[name]
    if kind is bool or isinstance(value, bool):
        if kind is bool and isinstance(value, bool):
            return value
    elif kind is int and isinstance(value, int):
        return value
    elif kind is float and isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    elif kind is Path and isinstance(value, str | Path):
        return Path(value).expanduser()
    elif kind is str and isinstance(value, str):
        return value
    wanted, remedy = _KINDS[kind]
    raise BadSetting(f"{value!r} is not {wanted}", where, remedy)
