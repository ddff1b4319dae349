"""The settings of the pipeline and the service, read once from the environment at the door.

This is the only file of the package that knows the environment; everybody else is given a `Settings`.
"""

import datetime as dt
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from telemetry_pipeline import reader_settings, service_settings, variables
from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.reader_settings import ReaderSettings
from telemetry_pipeline.service_settings import ServiceSettings
from telemetry_pipeline.shipped import shipped

PREFIX: Final = "TELEMETRY_"
CATALOG: Final = "telemetry_db"

_DASHBOARD: Final = shipped("dashboard/dist")

_NAMES: Final = {
    "lake": "TELEMETRY_LAKE",
    "endpoint_url": "AWS_ENDPOINT_URL",
    "dashboard": "TELEMETRY_DASHBOARD",
    "track_from": "TELEMETRY_TRACK_FROM",
    "strict_length": "TELEMETRY_STRICT_LENGTH",
    "inbox_queue": "TELEMETRY_INBOX_QUEUE",
    "catalog": "TELEMETRY_CATALOG",
    "dagster": "TELEMETRY_DAGSTER",
    "alert_webhook": "TELEMETRY_ALERT_WEBHOOK",
    "alert_topic": "TELEMETRY_ALERT_TOPIC",
    "decoder": "TELEMETRY_DECODER",
    **service_settings.NAMES,
    **reader_settings.NAMES,
}

HERE: Final = "here"
_TOPIC: Final = r"arn:[\w-]+:sns:[\w-]+:\d{12}:[\w.-]{1,256}"
_DECODERS: Final = re.compile(r"here|spark|(lambda|glue):[\w:./$-]{1,170}")


@dataclass(frozen=True)
class Settings:
    """What a process needs to know.

    Attributes:
        lake: TELEMETRY_LAKE, `file:///abs/path` or `s3://bucket/prefix`; default: the folder `lake` here.
        endpoint_url: AWS_ENDPOINT_URL, an S3-compatible server that stands in for AWS.
        dashboard: TELEMETRY_DASHBOARD, the folder of the built dashboard; default: the one that was shipped.
        track_from: TELEMETRY_TRACK_FROM, the first UTC day that Dagster's partitions cover; default: 90 days ago.
        strict_length: TELEMETRY_STRICT_LENGTH, refuse frames shorter than their message (0 or 1).
        inbox_queue: TELEMETRY_INBOX_QUEUE, the URL of the SQS queue that takes the events of the lake's bucket;
            default: the lake is looked through instead.
        catalog: TELEMETRY_CATALOG, the Glue database of an s3:// lake, or `none`.
        dagster: TELEMETRY_DAGSTER, the address of Dagster's webserver; default: none, nothing is launched.
        alert_webhook: TELEMETRY_ALERT_WEBHOOK, where alerts are posted as JSON; default: nowhere.
        alert_topic: TELEMETRY_ALERT_TOPIC, the ARN of the SNS topic that alerts are published to; default: none.
        decoder: TELEMETRY_DECODER, what decodes for Dagster: `here` (its own process), `lambda:FUNCTION`, `spark` or
            `glue:JOB`.
        service: Those of the query service.
        reader: Those of what reads signals.
    """

    lake: str
    endpoint_url: str | None = None
    dashboard: Path = _DASHBOARD
    track_from: dt.date | None = None
    strict_length: bool = False
    inbox_queue: str | None = None
    catalog: str = CATALOG
    dagster: str | None = None
    alert_webhook: str | None = None
    alert_topic: str | None = None
    decoder: str = HERE
    service: ServiceSettings = field(default_factory=ServiceSettings)
    reader: ReaderSettings = field(default_factory=ReaderSettings)

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings.

        Args:
            env: The variables; default: the process's environment.

        Raises:
            BadSetting: A variable's value cannot be used, or a TELEMETRY_ variable is not known.
        """
        env = environ if env is None else env
        _refuse_unknown(env)
        dashboard = env.get("TELEMETRY_DASHBOARD")
        return cls(
            lake=env.get("TELEMETRY_LAKE") or (Path.cwd() / "lake").as_uri(),
            endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
            dashboard=Path(dashboard) if dashboard else _DASHBOARD,
            track_from=_date(env, "TELEMETRY_TRACK_FROM"),
            strict_length=variables.flag(env, "TELEMETRY_STRICT_LENGTH"),
            inbox_queue=_inbox_queue(env),
            catalog=_catalog(env),
            dagster=_address(env, "TELEMETRY_DAGSTER"),
            alert_webhook=_address(env, "TELEMETRY_ALERT_WEBHOOK"),
            alert_topic=variables.matching(
                env,
                "TELEMETRY_ALERT_TOPIC",
                _TOPIC,
                "the ARN of a topic",
                "Use arn:aws:sns:REGION:ACCOUNT:TOPIC",
            ),
            decoder=_decoder(env),
            service=ServiceSettings.from_env(env),
            reader=ReaderSettings.from_env(env),
        )

    def to_env(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same settings: how a child process is given them."""
        values = {
            "lake": self.lake,
            "endpoint_url": self.endpoint_url,
            "dashboard": str(self.dashboard),
            "track_from": self.track_from.isoformat() if self.track_from else None,
            "strict_length": "1" if self.strict_length else None,
            "inbox_queue": self.inbox_queue,
            "catalog": self.catalog if self.catalog != CATALOG else None,
            "dagster": self.dagster,
            "alert_webhook": self.alert_webhook,
            "alert_topic": self.alert_topic,
            "decoder": self.decoder if self.decoder != HERE else None,
        }
        found = {_NAMES[name]: value for name, value in values.items() if value is not None}
        return found | self.service.to_env() | self.reader.to_env()


def child_env(**extra: str) -> dict[str, str]:
    """This process's environment with more variables: what a child process is started with."""
    return {**environ, **extra}


def _refuse_unknown(env: Mapping[str, str]) -> None:
    known = list(_NAMES.values())
    for name in env:
        if name.startswith(PREFIX) and name not in known:
            # all share the prefix: only the rest says how near they are
            rests = [other.removeprefix(PREFIX) for other in known]
            near = [
                PREFIX + rest for rest in difflib.get_close_matches(name.removeprefix(PREFIX), rests, n=1)
            ]
            raise BadSetting(
                "no such setting", name, f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}"
            )


def _date(env: Mapping[str, str], name: str) -> dt.date | None:
    if not (text := env.get(name)):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise BadSetting(f"{text!r} is not a day", name, "Use YYYY-MM-DD") from error


def _address(env: Mapping[str, str], name: str) -> str | None:
    if not (text := env.get(name)):
        return None
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        # an address may hold a secret: it is not repeated
        raise BadSetting("not a web address", name, "Use http://host:port or https://host/path")
    return text.rstrip("/")


def _catalog(env: Mapping[str, str]) -> str:
    name = variables.matching(
        env,
        "TELEMETRY_CATALOG",
        r"[a-z0-9_]{1,255}",
        "the name of a Glue database",
        "Use lower case letters, digits and _, or none",
    )
    return name or CATALOG


def _inbox_queue(env: Mapping[str, str]) -> str | None:
    if not (url := env.get("TELEMETRY_INBOX_QUEUE")):
        return None
    if not url.startswith(("https://", "http://")):
        raise BadSetting(
            f"{url!r} is not the URL of an SQS queue",
            "TELEMETRY_INBOX_QUEUE",
            "Use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
        )
    if not env.get("TELEMETRY_LAKE", "").startswith("s3://"):
        raise BadSetting(
            "a folder has no events",
            "TELEMETRY_INBOX_QUEUE",
            "Leave it out, or set TELEMETRY_LAKE to s3://bucket/prefix",
        )
    return url


def _decoder(env: Mapping[str, str]) -> str:
    text = env.get("TELEMETRY_DECODER") or HERE
    if not _DECODERS.fullmatch(text):
        raise BadSetting(
            f"{text!r} is no decoder", "TELEMETRY_DECODER", "Use here, lambda:FUNCTION, spark or glue:JOB"
        )
    if text.startswith(("lambda:", "glue:")) and not env.get("TELEMETRY_LAKE", "").startswith("s3://"):
        raise BadSetting(
            f"{text!r} cannot reach a folder", "TELEMETRY_DECODER", "Set TELEMETRY_LAKE to s3://bucket/prefix"
        )
    return text
