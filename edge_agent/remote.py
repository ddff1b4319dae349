"""Settings and the CAN database from the lake: looked for, examined, tried, and taken back when capture fails by them.

Where they lie in the vehicle is `settings_folder`'s business; how capture takes them on, the agent's.
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import Final, Protocol

from edge_agent.config import AgentConfig
from edge_agent.settings_folder import Refusal, SettingsFolder, version_of
from telemetry_pipeline.errors import BadDbc, BadSetting, NotFound, PermanentError, TransientError
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store, digest

log = logging.getLogger("edge_agent.remote")

TRIAL_S: Final = 30.0
"""How long capture may take to take settings on: an adapter is opened in a second or two."""

BYTES_MOST: Final = 64_000
DATABASE_BYTES_MOST: Final = 50_000_000
_LOOK_S: Final = 0.05
_PARSE_S: Final = 600.0


class Capture(Protocol):
    """What takes the settings on."""

    def adopt(self, config: AgentConfig) -> None:
        """Ask for it; returns at once."""
        ...

    def has_adopted(self, config: AgentConfig) -> bool:
        """Whether capture goes on with them."""
        ...

    def deaf_channels(self) -> Set[str]:
        """Which channels of the settings in force nobody listens to."""
        ...


class RemoteSettings:
    """Looks for settings in the lake every so often, in a thread of its own.

    Args:
        own: The vehicle's own settings, which those from the lake lie over.
        current: The settings in force, and the version of those from the lake among them.
        folder: Where they are kept.
        open_store: Opens the lake.
        capture: Takes them on.
    """

    def __init__(
        self,
        own: AgentConfig,
        current: tuple[AgentConfig, str],
        folder: SettingsFolder,
        open_store: Callable[[], Store],
        capture: Capture,
    ) -> None:
        self._own = own
        self._current, self.version = current
        self.refusal = folder.refusal
        self._folder = folder
        self._open_store = open_store
        self._store: Store | None = None
        self._capture = capture
        self._etag: str | None = None
        self._told = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self.version:
            log.info("settings %s from the lake apply", self.version)
        if self.refusal.version:
            log.warning("settings %s were refused", self.refusal)
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """End, for at most `grace_s` seconds; what is on trial is given up, and tried again after the next start."""
        self._stopping.set()
        self._thread.join(grace_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except (PermanentError, TransientError, OSError) as error:
                self._tell_once(error)
            else:
                self._told = ""
            self._stopping.wait(self._own.settings_seconds)

    def look(self) -> None:
        """Look once, and take on what is new.

        Raises:
            PermanentError: The lake refuses.
            TransientError: The lake does not answer.
            OSError: The disk does not take what has come.
        """
        self._store = self._store or self._open_store()
        key = layout.agent_key(self._own.vehicle_id, layout.AGENT_SETTINGS)
        info = self._store.head(key)
        if info is None or info.etag == self._etag:
            return
        if info.size > BYTES_MOST:
            raise BadSetting(f"has {info.size} bytes", key, f"Settings have {BYTES_MOST} at most")
        text = self._store.get(key, info.etag).decode(errors="replace")
        version = version_of(text)
        if version not in (self.version, self.refusal.version):
            try:
                self._take_on(self._examined(text), text)
            except (BadSetting, BadDbc, NotFound) as error:
                self._refuse(Refusal(version, str(error)))
        self._etag = info.etag

    def _examined(self, text: str) -> AgentConfig:
        """The settings in force if these were; the database is there and can be used."""
        config = self._folder.overlaid(self._own, text)
        if config.dbc and config.dbc != self._own.dbc and not config.dbc.exists():
            self._fetch_database(config.dbc.stem)
        return config

    def _fetch_database(self, sha256: str) -> None:
        assert self._store is not None  # noqa: S101  it was asked for the settings
        key = layout.agent_key(self._own.vehicle_id, f"{sha256}.dbc")
        info = self._store.head(key)
        if info is None:
            raise NotFound("there is no such database", key, "Put it there before the settings that name it")
        if info.size > DATABASE_BYTES_MOST:
            raise BadDbc(f"has {info.size} bytes", key, f"A database has {DATABASE_BYTES_MOST} at most")
        body = self._store.get(key, info.etag)
        if digest(body) != sha256:
            raise BadDbc("its bytes are not those of its digest", key, "Put the database there anew")
        path = self._folder.keep_database(sha256, body)
        try:
            _parse(path, key)
        except BadDbc:
            path.unlink(missing_ok=True)
            raise

    def _take_on(self, config: AgentConfig, text: str) -> None:
        """Try settings: they stay if capture goes on with every channel that was heard before or is new."""
        version = version_of(text)
        excused = self._capture.deaf_channels() & set(self._current.channels)
        self._folder.try_out(text)
        self._capture.adopt(config)
        deaf = self._outcome(config, excused)
        if self._stopping.is_set():
            self._folder.forget_trial()
            return
        if deaf is None:
            self._folder.accept()
            self._current, self.version = config, version
            log.info("settings %s from the lake apply", version)
            return
        self._capture.adopt(self._current)
        self._outcome(self._current, set(self._current.channels))
        self._refuse(Refusal(version, deaf))

    def _outcome(self, config: AgentConfig, excused: Set[str]) -> str | None:
        """Wait until capture goes on with the settings; what is wrong if it does not."""
        deadline = time.monotonic() + TRIAL_S
        while not self._stopping.is_set():
            adopted = self._capture.has_adopted(config)
            deaf = sorted(self._capture.deaf_channels() - excused) if adopted else config.channels
            if not deaf:
                return None
            if time.monotonic() > deadline:
                return f"with them nothing could be heard of {', '.join(deaf)} within {TRIAL_S:.0f} s"
            self._stopping.wait(_LOOK_S)
        return None

    def _refuse(self, refusal: Refusal) -> None:
        self._folder.refuse(refusal)
        self.refusal = refusal
        log.error(
            "settings %s are refused (%s); %s apply",
            *(refusal.version, refusal.why, self.version or "our own"),
        )

    def _tell_once(self, error: Exception) -> None:
        if (line := str(error)) != self._told:
            self._told = line
            log.warning("no settings from the lake for now (%s)", line)


def _parse(path: Path, key: str) -> None:
    """Whether a database can be used, found out by a process of its own: it may be as large and as odd as it likes.

    Raises:
        BadDbc: It cannot.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "edge_agent.database", path],
            capture_output=True,
            text=True,
            timeout=_PARSE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadDbc(f"takes more than {_PARSE_S:.0f} s to read", key) from error
    if done.returncode:
        raise BadDbc(f"cannot be used ({done.stderr.strip().splitlines()[-1:] or 'it ended'})", key)
