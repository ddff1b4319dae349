"""The references made from code leave nothing out and explain everything; prose names nothing that does not exist."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from edge_agent.config import PREFIX, AgentConfig
from infra.deployment import Deployment
from scripts.docs import cli_page, http_page, python_page, settings_page
from scripts.docs.markdown import entries, sections
from telemetry_pipeline.settings import _NAMES
from tests.docs.blocks import ROOT, pages


def test_every_variable_of_the_pipeline_is_explained() -> None:
    found = {name: meaning for name, meaning, _ in settings_page.pipeline()}
    assert set(found) == set(_NAMES.values())
    assert all(len(meaning) > 10 for meaning in found.values())
    assert all(f"| `{name}` |" in settings_page.page() for name in found)


def test_every_setting_of_the_agent_is_explained() -> None:
    found = {name: meaning for name, meaning, _ in settings_page.agent()}
    assert list(found) == [field.name for field in dataclasses.fields(AgentConfig)]
    assert all(len(meaning) > 10 for meaning in found.values())
    assert all(f"`{PREFIX}{name.upper()}`" in settings_page.page() for name in found)


def test_every_setting_of_the_stacks_is_explained() -> None:
    found = {name: meaning for name, meaning, _ in settings_page.stacks()}
    assert list(found) == [field.name for field in dataclasses.fields(Deployment)]
    assert all(len(meaning) > 10 for meaning in found.values())
    assert "\n| `groups` | " in settings_page.page()


@pytest.mark.parametrize(("path", "command"), cli_page.commands(), ids=lambda value: str(value)[:40])
def test_every_command_and_option_is_explained(path: str, command: object) -> None:
    assert command.help, path  # type: ignore[attr-defined]
    page = cli_page.page()
    assert f"\n## {path}\n" in page
    for option in cli_page.options(command):
        assert option.help, f"{path}: {option.name}"
        for name in option.opts if option.param_type_name == "option" else []:
            assert re.search(rf"`(\S+, )*{re.escape(name)}\b", page), f"{path} {name}"


def test_every_endpoint_and_model_is_there() -> None:
    document = json.loads((ROOT / "dashboard" / "openapi.json").read_text())
    page = http_page.page()
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"\n## {method.upper()} {path}\n" in page
    for model in document["components"]["schemas"]:
        assert f"\n## {model}\n" in page
    anchors = {title.lower() for title in re.findall(r"^## (\w+)$", page, re.MULTILINE)}
    assert set(re.findall(r"\]\(#(\w+)\)", page)) <= anchors


def test_every_method_of_the_client_is_there() -> None:
    page = python_page.page()
    methods = dict(python_page.methods())
    assert {"read", "buckets", "vehicles"} <= set(methods)
    for name, method in methods.items():
        assert f"\n## Lake.{name}\n" in page
        assert (method.__doc__ or "").split("\n")[0] in page


def test_a_docstring_is_taken_apart() -> None:
    parts = sections(
        "What.\n\nMore.\n\nArgs:\n    a: One\n        and more.\n    b: Two.\n\nReturns:\n    It.\n"
    )
    assert parts[""] == "What.\n\nMore."
    assert entries(parts["Args"]) == {"a": "One and more.", "b": "Two."}
    assert parts["Returns"].strip() == "It."


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_prose_names_no_variable_that_does_not_exist(page: Path) -> None:
    known = {
        *_NAMES.values(),
        *(f"{PREFIX}{field.name.upper()}" for field in dataclasses.fields(AgentConfig)),
    }
    named = set(re.findall(r"\b(?:TELEMETRY|AGENT)_[A-Z_]*[A-Z]\b", page.read_text()))
    assert named <= known, page
