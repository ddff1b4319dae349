"""What every command shares: the settings, the lake, and one way to answer a person or a program."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from rich.console import Console

from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.settings import Settings


def settings() -> Settings:
    """The settings of this process's environment."""
    return Settings.from_env()


def open_lake() -> Store:
    """The lake that the settings name."""
    chosen = settings()
    return Store.open(chosen.lake, endpoint_url=chosen.endpoint_url)


def emit(payload: Mapping[str, Any], *, as_json: bool, lines: Callable[[Console], None]) -> None:
    """Answer on stdout.

    Args:
        payload: The whole answer, JSON-safe.
        as_json: Print `payload` as one JSON document instead of the readable form.
        lines: Prints the readable form.
    """
    if as_json:
        sys.stdout.write(orjson.dumps(payload, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        # a pipe has no width of its own: wide enough that no column is cut
        lines(Console(highlight=False, width=None if sys.stdout.isatty() else 160))


def progress_console() -> Console:
    """Where progress is drawn: stderr, so that stdout stays the answer."""
    return Console(stderr=True, highlight=False)
