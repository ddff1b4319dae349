"""The settings from the lake as they lie in the vehicle: the last that worked, those on trial, those that were refused.

How they come here, and what a trial is, is `remote`'s business.
"""

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from edge_agent.config import REMOTE, AgentConfig, convert_setting, parse_settings
from edge_agent.journal import sync_folder
from telemetry_pipeline.errors import BadSetting, TelemetryError
from telemetry_pipeline.lake.store import digest

_GOOD: Final = "good.yaml"
_TRIAL: Final = "trial.yaml"
_REFUSED: Final = "refused.json"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Refusal:
    """Settings that cannot be used: their version, and why."""

    version: str
    why: str

    def __str__(self) -> str:
        return f"{self.version}: {self.why}" if self.version else ""


NOTHING_REFUSED: Final = Refusal("", "")


def version_of(text: str) -> str:
    """What settings are called: the beginning of their digest."""
    return digest(text.encode())[:12]


class SettingsFolder:
    """Where they lie. Whoever writes holds the spool's lock.

    Args:
        folder: The folder; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, config: AgentConfig) -> tuple[AgentConfig, str]:
        """The settings to start with, and the version of those from the lake among them, if any.

        Settings whose trial an agent did not survive are refused.
        """
        trial = self._read(_TRIAL)
        if trial is not None:
            self.refuse(Refusal(version_of(trial), "the agent ended while it tried them"))
        return self.applied_to(config)

    def applied_to(self, config: AgentConfig) -> tuple[AgentConfig, str]:
        """The given settings under the last from the lake that worked, and the version of these; changes nothing."""
        good = self._read(_GOOD)
        if good is None:
            return config, ""
        try:
            return self.overlaid(config, good), version_of(good)
        except TelemetryError as error:  # this agent knows them no longer
            with suppress(OSError):
                self._write(_REFUSED, json.dumps([version_of(good), str(error)]))
            return config, ""

    def overlaid(self, config: AgentConfig, text: str) -> AgentConfig:
        """Settings with those of a text over them.

        Args:
            config: The vehicle's own.
            text: YAML; `dbc` is the digest of a database.

        Raises:
            BadSetting: A setting is unknown, not to be changed from afar, or not of its type or range.
        """
        changes: dict[str, Any] = {}
        for name, value in parse_settings(text, "agent.yaml").items():
            if name not in REMOTE:
                raise BadSetting(
                    f"{name} cannot be set from the lake",
                    "agent.yaml",
                    f"Only {', '.join(sorted(REMOTE))} can",
                )
            where = f"agent.yaml, {name}"
            if name == "dbc":
                if not isinstance(value, str) or not _DIGEST.fullmatch(value):
                    raise BadSetting(
                        f"{value!r} is no SHA-256", where, "Name the digest of the database's bytes"
                    )
                changes[name] = self.database(value)
            else:
                changes[name] = convert_setting(name, value, where)
        return replace(config, **changes)

    def database(self, sha256: str) -> Path:
        """Where the database of that digest lies, or will."""
        return self._folder / f"{sha256}.dbc"

    def keep_database(self, sha256: str, body: bytes) -> Path:
        """Keep a database.

        Raises:
            OSError: The disk does not take it.
        """
        self._write(self.database(sha256).name, body)
        return self.database(sha256)

    @property
    def refusal(self) -> Refusal:
        """What was refused last."""
        with suppress(ValueError, TypeError):
            return Refusal(*map(str, json.loads(self._read(_REFUSED) or "null")))
        return NOTHING_REFUSED

    def try_out(self, text: str) -> None:
        """Note that these are on trial: should the agent not survive it, they are refused at the next start.

        Raises:
            OSError: The disk does not take it.
        """
        self._write(_TRIAL, text)

    def accept(self) -> None:
        """What is on trial works: it is the last that did; databases of others go.

        Raises:
            OSError: The disk does not take it.
        """
        (self._folder / _TRIAL).replace(self._folder / _GOOD)
        sync_folder(self._folder)
        good = self._read(_GOOD) or ""
        for database in self._folder.glob("*.dbc"):
            if database.stem not in good:
                database.unlink(missing_ok=True)

    def forget_trial(self) -> None:
        """What is on trial was not tried to the end, and is nobody's fault."""
        with suppress(OSError):
            (self._folder / _TRIAL).unlink(missing_ok=True)

    def refuse(self, refusal: Refusal) -> None:
        """Note what was refused and why; what is on trial is on trial no longer."""
        with suppress(OSError):
            self._write(_REFUSED, json.dumps([refusal.version, refusal.why]))
        self.forget_trial()

    def _read(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def _write(self, name: str, content: str | bytes) -> None:
        """Whole or not at all, whatever happens to the power."""
        self._folder.mkdir(parents=True, exist_ok=True)
        staged = self._folder / f"{name}.new"
        with staged.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(self._folder / name)
        sync_folder(self._folder)
