"""The reference of settings, made from the classes that read them: every variable, what it means, its default."""

import dataclasses
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from edge_agent import config
from infra.deployment import Deployment
from scripts.docs.markdown import cell, entries, sections
from telemetry_pipeline import settings
from telemetry_pipeline.reader_settings import ReaderSettings
from telemetry_pipeline.service_settings import Limits, ServiceSettings

PIPELINE: Final = (settings.Settings, ReaderSettings, ServiceSettings, Limits)
_NESTED: Final = {"service", "reader", "limits"}
"""Attributes that are settings' classes themselves."""


def page() -> str:
    """The page as Markdown."""
    lines = [
        "# Settings",
        "",
        "Made from the code that reads them. A name that is misspelt is refused, and so is a value that cannot be used.",
        "",
        "## Pipeline and service",
        "",
        "Read once from the environment.",
        "",
        *_HEAD,
        *(f"| `{name}` | {cell(meaning)} | {_default(default)} |" for name, meaning, default in pipeline()),
        "",
        "## Agent",
        "",
        "The [command line](cli.md) weighs more than a variable, and that more than the same name in the YAML file.",
        "",
        "| name | variable | meaning | default |",
        "| --- | --- | --- | --- |",
        *(
            f"| `{name}` | `{config.PREFIX}{name.upper()}` | {cell(meaning)} | {_default(default)} |"
            for name, meaning, default in agent()
        ),
        "",
        "## Stacks in AWS",
        "",
        "In a YAML file by the name; `make deploy SETTINGS=file.yaml` reads it.",
        "",
        "| name | meaning | default |",
        "| --- | --- | --- |",
        *(f"| `{name}` | {cell(meaning)} | {_default(default)} |" for name, meaning, default in stacks()),
    ]
    return "\n".join(lines) + "\n"


def pipeline() -> Iterator[tuple[str, str, Any]]:
    """Every variable of the pipeline and the service: its name, what it means, its default."""
    variables = settings._NAMES  # noqa: SLF001  the list of names is what this page is made of
    for kind in PIPELINE:
        meanings = _meanings(kind)
        for field in dataclasses.fields(kind):
            if field.name not in _NESTED:
                name = variables[field.name]
                yield name, meanings[field.name].removeprefix(f"{name}, "), field.default


def agent() -> Iterator[tuple[str, str, Any]]:
    """Every setting of the agent: its name, what it means, its default."""
    meanings = _meanings(config.AgentConfig)
    for field in dataclasses.fields(config.AgentConfig):
        yield field.name, meanings[field.name], field.default


def stacks() -> Iterator[tuple[str, str, Any]]:
    """Every setting of the stacks in AWS: its name, what it means, its default."""
    meanings = _meanings(Deployment)
    for field in dataclasses.fields(Deployment):
        yield field.name, meanings[field.name], field.default


_HEAD: Final = ("| variable | meaning | default |", "| --- | --- | --- |")


def _meanings(kind: type) -> dict[str, str]:
    return entries(sections(inspect.getdoc(kind) or "")["Attributes"])


def _default(value: Any) -> str:  # noqa: ANN401  of any field
    if value is dataclasses.MISSING or isinstance(value, Path) or value in (None, "", ()):
        return ""
    return f"`{_spelt(value)}`"


def _spelt(value: object) -> object:
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return int(value) if isinstance(value, bool) else value
