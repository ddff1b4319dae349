"""The settings of what reads signals for a query: Parquet objects, or Athena and where its queries run.

Parsed from the variables that `settings` hands over; nothing here reads the environment itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from telemetry_pipeline import variables
from telemetry_pipeline.errors import BadSetting

Engine = Literal["parquet", "athena"]

NAMES: Final = {
    "engine": "TELEMETRY_QUERY",
    "workgroup": "TELEMETRY_ATHENA_WORKGROUP",
    "output": "TELEMETRY_ATHENA_OUTPUT",
    "timeout_s": "TELEMETRY_ATHENA_TIMEOUT",
    "parallel": "TELEMETRY_ATHENA_PARALLEL",
}

_BOUNDS: Final = {"timeout_s": (1, 1800), "parallel": (1, 200)}
_WORKGROUP: Final = r"[a-zA-Z0-9._-]{1,128}"
_OUTPUT: Final = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?"


@dataclass(frozen=True)
class ReaderSettings:
    """What reads signals.

    Attributes:
        engine: TELEMETRY_QUERY, `parquet` or `athena`; None: Athena where a workgroup is named, else Parquet.
        workgroup: TELEMETRY_ATHENA_WORKGROUP, the workgroup that queries run in.
        output: TELEMETRY_ATHENA_OUTPUT, where results go, `s3://bucket/prefix/`; default: as the workgroup says.
        timeout_s: TELEMETRY_ATHENA_TIMEOUT, so many seconds a question to Athena may take.
        parallel: TELEMETRY_ATHENA_PARALLEL, so many queries this process may have running at once.
    """

    engine: Engine | None = None
    workgroup: str | None = None
    output: str | None = None
    timeout_s: int = 30
    parallel: int = 8

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ReaderSettings":
        """Read the settings.

        Raises:
            BadSetting: A value cannot be used, or two of them contradict each other.
        """
        found = cls(
            engine=_engine(env),
            workgroup=variables.matching(
                env, "TELEMETRY_ATHENA_WORKGROUP", _WORKGROUP, "the name of a workgroup"
            ),
            output=variables.matching(
                env, "TELEMETRY_ATHENA_OUTPUT", _OUTPUT, "a place in S3, such as s3://bucket/prefix/"
            ),
            timeout_s=variables.number(env, NAMES["timeout_s"], cls.timeout_s, _BOUNDS["timeout_s"]),
            parallel=variables.number(env, NAMES["parallel"], cls.parallel, _BOUNDS["parallel"]),
        )
        found._refuse_contradictions(env)
        return found

    @property
    def chosen(self) -> Engine:
        """What reads: as set, else Athena where a workgroup is named, else Parquet."""
        return self.engine or ("athena" if self.workgroup else "parquet")

    def to_env(self) -> dict[str, str]:
        """The variables from which `from_env` makes the same settings."""
        usual = ReaderSettings()
        return {
            variable: str(getattr(self, name))
            for name, variable in NAMES.items()
            if getattr(self, name) != getattr(usual, name)
        }

    def _refuse_contradictions(self, env: Mapping[str, str]) -> None:
        if self.chosen == "parquet":
            return
        if not self.workgroup:
            raise BadSetting(
                "queries would run in whatever workgroup is the account's first",
                "TELEMETRY_ATHENA_WORKGROUP",
                "Set it to the workgroup whose limits and results are meant, or leave out TELEMETRY_QUERY",
            )
        if not env.get("TELEMETRY_LAKE", "").startswith("s3://"):
            raise BadSetting(
                "Athena cannot reach a folder",
                "TELEMETRY_QUERY" if self.engine else "TELEMETRY_ATHENA_WORKGROUP",
                "Set TELEMETRY_LAKE to s3://bucket/prefix, or leave this out",
            )
        if env.get("TELEMETRY_CATALOG") == "none":
            raise BadSetting(
                "Athena knows the lake by its catalogue, and there is none",
                "TELEMETRY_CATALOG",
                "Name the Glue database, or set TELEMETRY_QUERY=parquet",
            )


def _engine(env: Mapping[str, str]) -> Engine | None:
    match env.get("TELEMETRY_QUERY", ""):
        case "":
            return None
        case "parquet":
            return "parquet"
        case "athena":
            return "athena"
        case text:
            raise BadSetting(f"{text!r} reads nothing", "TELEMETRY_QUERY", "Use parquet or athena")
