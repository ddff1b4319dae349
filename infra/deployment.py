"""What somebody who deploys may decide, read from one YAML file; what it leaves out has the value shown here.

No credential and no account is among it: those are the business of whoever runs the CDK's command line.
"""

import difflib
import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

import yaml

from telemetry_pipeline.errors import BadSetting

Decoder = Literal["lambda", "dagster"]
Work = Literal["here", "lambda", "glue"]
Engine = Literal["athena", "parquet"]

_WEB_ACL: Final = re.compile(r"arn:[a-z-]+:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[\w-]+")
_KEY: Final = re.compile(r"arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[\w-]+")
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")


@dataclass(frozen=True)
class Deployment:
    """One deployment.

    Attributes:
        name: What the names of its stacks, roles and groups of logs begin with.
        decoder: Who takes the messages of what landed: `lambda`, or `dagster` with its control room. Never both.
        work: With `dagster`, where its runs decode: `here` (in the run), `lambda` or `glue`.
        query: What the service reads through: `athena` or `parquet`.
        kms: A key of one's own for the lake and the results instead of S3's.
        replica: The ARN of a bucket in another region that gets a copy of `raw/` and `dbc/`; it must be versioned.
        replica_key: With `kms` and `replica`, the ARN of the key in that region that the copies are encrypted with.
        people: ARNs (`*` allowed) of those who may read and write the lake's objects beside the roles of the stacks.
        groups: Vehicles by group of the user pool, ids with `*` and `?`: `EV_*` makes the group that sees those.
        origins: Other origins whose pages may call the service.
        web_acl: The ARN of a web ACL for CloudFront, which has to be of us-east-1.
        second_factor: Whether nobody signs in without a second factor; else everybody may set one.
        sign_in_prefix: What the address of the sign-in page begins with; one in the whole region.
        alarm_email: Who is told of alarms and of the budget.
        budget_usd: Dollars a month that are not to be exceeded unnoticed.
        bucket_alarm_gb: Gigabytes of the lake that are not to be exceeded unnoticed.
        log_days: How long logs are kept.
        decoder_concurrency: Decoder functions at once.
        api_concurrency: Service functions at once.
        edge_settings: Whether a vehicle may read the settings that the lake has for it, too.
        edge_metrics: Whether a vehicle may write its health as metrics, too: the alarm of uploads lives by them.
        control_room_domain: With `dagster`, the name that its certificate is for.
        control_room_certificate: With `dagster`, the ARN of that certificate.
        control_room_networks: With `dagster`, who may reach its sign-in at all, as CIDR blocks.
    """

    name: str = "can-telemetry"
    decoder: Decoder = "lambda"
    work: Work = "here"
    query: Engine = "athena"
    kms: bool = False
    replica: str | None = None
    replica_key: str | None = None
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ("*",)
    origins: tuple[str, ...] = ()
    web_acl: str | None = None
    second_factor: bool = False
    sign_in_prefix: str = "can-telemetry"
    alarm_email: str | None = None
    budget_usd: int = 100
    bucket_alarm_gb: int = 100
    log_days: int = 30
    decoder_concurrency: int = 100
    api_concurrency: int = 10
    edge_settings: bool = False
    edge_metrics: bool = False
    control_room_domain: str | None = None
    control_room_certificate: str | None = None
    control_room_networks: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> "Deployment":
        """Read a file.

        Raises:
            BadSetting: The file cannot be read, or a value in it cannot be used.
        """
        try:
            found = yaml.safe_load(path.read_text()) or {}
        except OSError as error:
            raise BadSetting(f"cannot be read ({error.strerror})", str(path), "See docs/deploy.md") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            # it says on several lines in which one of the file it stumbled
            said = " ".join(str(error).split())
            raise BadSetting(f"not YAML ({said})", str(path), "See docs/deploy.md") from error
        if not isinstance(found, dict):
            raise BadSetting("not a list of settings", str(path), "Write name: value, one a line")
        return cls.from_dict(found, str(path))

    @classmethod
    def from_dict(cls, values: dict[str, Any], where: str) -> "Deployment":
        """Take settings by name.

        Raises:
            BadSetting: A name is not known, or a value cannot be used.
        """
        known = {item.name: item for item in fields(cls)}
        for name, value in values.items():
            if name not in known:
                near = difflib.get_close_matches(str(name), known, n=1)
                raise BadSetting(
                    f"no setting {name!r}",
                    where,
                    f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}",
                )
            if not _is_a(value, known[name].type, known[name].default):
                like = {bool: "true or false", tuple: "a list: [one, another]"}
                remedy = like.get(type(known[name].default), f"it like {known[name].default!r}")
                raise BadSetting(f"{name}: {value!r} will not do", where, f"Write {remedy}")
        tidy: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        deployment = cls(**tidy)
        deployment._refuse(where)
        return deployment

    @property
    def has_function(self) -> bool:
        """Whether anything decodes in Lambda."""
        return self.decoder == "lambda" or self.work == "lambda"

    def _refuse(self, where: str) -> None:
        def need(holds: object, what: str, remedy: str) -> None:
            if not holds:
                raise BadSetting(what, where, remedy)

        need(_NAME.fullmatch(self.name), f"name: {self.name!r} will not do", "Use a-z, 0-9 and -")
        for setting, choices in (("decoder", Decoder), ("work", Work), ("query", Engine)):
            need(
                getattr(self, setting) in get_args(choices),
                f"{setting}: {getattr(self, setting)!r} will not do",
                f"Use one of {', '.join(get_args(choices))}",
            )
        need(
            self.decoder == "dagster" or self.work == "here",
            f"work: {self.work} without Dagster",
            "Set decoder: dagster, or leave out work",
        )
        need(
            self.decoder == "lambda" or (self.control_room_domain and self.control_room_certificate),
            "nobody could sign in to the control room",
            "Set control_room_domain and control_room_certificate",
        )
        need("*" not in self.origins, "origins: '*' is everybody", "Name each, scheme://host[:port]")
        need(
            not self.replica or self.replica.startswith("arn:"),
            f"replica: {self.replica!r} is no ARN",
            "Use arn:aws:s3:::bucket",
        )
        need(
            not self.web_acl or _WEB_ACL.fullmatch(self.web_acl),
            f"web_acl: {self.web_acl!r} is no ARN of a web ACL for CloudFront",
            "Use arn:aws:wafv2:us-east-1:account:global/webacl/name/id",
        )
        need(
            not self.replica_key or _KEY.fullmatch(self.replica_key),
            f"replica_key: {self.replica_key!r} is no ARN of a key",
            "Use arn:aws:kms:region:account:key/id, of the region of `replica`",
        )
        need(
            not (self.kms and self.replica) or self.replica_key,
            "S3 copies nothing that is encrypted with a key unless it is told of one for the copies",
            "Set replica_key, or leave out kms or replica",
        )


def _is_a(value: object, declared: Any, default: object) -> bool:  # noqa: ANN401  a type as dataclasses give it
    if isinstance(default, tuple):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int):
        return isinstance(value, int) and value > 0
    return isinstance(value, str) or (value is None and "None" in str(declared))
