"""What the process's environment says that is no setting: who started it, and whose credentials it was given."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import environ, getpid


@dataclass(frozen=True)
class Service:
    """What the service manager has told the agent about itself.

    Attributes:
        notify_socket: Where it listens (sd_notify); empty if it does not.
        watchdog_s: After how many seconds without a sign of life it kills the agent.
        has_journal: Whether what is printed goes to a journal that knows the time.
    """

    notify_socket: str = ""
    watchdog_s: float | None = None
    has_journal: bool = False

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> "Service":
        """Read the process's environment, or the one given."""
        env = environ if env is None else env
        usec = env.get("WATCHDOG_USEC", "")
        is_meant = env.get("WATCHDOG_PID", str(getpid())) == str(getpid())
        return cls(
            env.get("NOTIFY_SOCKET", ""),
            int(usec) / 1e6 if usec.isdecimal() and int(usec) and is_meant else None,
            "JOURNAL_STREAM" in env,
        )


@dataclass(frozen=True)
class Keys:
    """AWS credentials that the environment names outright."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @classmethod
    def read(cls, env: Mapping[str, str] | None = None) -> "Keys | None":
        """Read the process's environment, or the one given; None if it names none."""
        env = environ if env is None else env
        key, secret = env.get("AWS_ACCESS_KEY_ID"), env.get("AWS_SECRET_ACCESS_KEY")
        return cls(key, secret, env.get("AWS_SESSION_TOKEN")) if key and secret else None
