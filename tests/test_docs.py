"""The README and the contract say what the code does: settings, commands, targets, links."""

import json
import os
import re
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
import typer
import yaml

from scripts.docs.hook import GENERATED
from telemetry_pipeline.bindings import parse_bindings
from telemetry_pipeline.cli.main import app
from telemetry_pipeline.health.judge import CHECKS
from telemetry_pipeline.lake import schema
from telemetry_pipeline.settings import _NAMES
from telemetry_pipeline.thresholds import Limits, parse_thresholds

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CONTRACT = (ROOT / "docs" / "data-contract.md").read_text()


def command_names() -> list[str]:
    names = []
    group = typer.main.get_command(app)
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        below = getattr(command, "commands", None)
        names += [f"{name} {sub}" for sub in below] if below else [name]
    return names


@pytest.mark.parametrize("command", command_names())
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"`telemetry {command}`" in README


def test_the_readme_names_no_command_that_does_not_exist() -> None:
    known = {name.split()[0] for name in command_names()}
    assert set(re.findall(r"(?:^|`)telemetry ([a-z]+)", README, re.MULTILINE)) <= known


def test_every_setting_is_in_the_readme() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))
    assert documented == set(_NAMES.values())


def test_the_pythons_of_the_readme_are_the_packages() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    first, last = re.findall(r"Python (3\.\d+) to (3\.\d+)", README)[0]
    assert project["requires-python"] == f">={first},<3.{int(last[2:]) + 1}"
    # Debian 12, and with it the Raspberry Pi's system of that age, has 3.11
    assert first == "3.11"


def test_make_targets_of_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z]+)\b(?= *(?:#|`|$))", README, re.MULTILINE)) <= targets
    assert {"demo", "test", "check", "bench", "dev"} <= targets


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("dbc/*.md")])
)
def test_links_lead_somewhere(page: Path) -> None:
    made = {ROOT / "docs" / uri for uri in GENERATED}
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text()):
        place = Path(os.path.normpath(page.parent / target))
        assert place.exists() or place in made, f"{page.name} links to {target}"


def test_the_contract_names_every_column() -> None:
    for name in {*schema.RAW_FD.names, *schema.DECODED.names, *schema.EVENTS.names}:
        assert f"`{name}`" in CONTRACT


def test_the_bindings_of_the_contract_can_be_read() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", CONTRACT, re.DOTALL)
    bindings = parse_bindings(example.encode(), "docs")
    assert bindings[0].matches("EV_001")
    used = {key for entry in yaml.safe_load(example)["bindings"] for key in entry}
    assert used == {"vehicles", "dbc", "channel", "match", "valid_from", "transport"}


def test_the_thresholds_of_the_operations_page_are_the_defaults() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    thresholds = parse_thresholds(example.encode(), "docs")
    assert thresholds.of("EV_001") == Limits()
    assert thresholds.of("TRUCK_7").silent_after == 2 * 3_600_000_000_000
    assert set(yaml.safe_load(example)["defaults"]) == {item.name for item in fields(Limits)}


def test_the_operations_page_explains_every_check_and_names_commands_that_exist() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    explained = set(re.findall(r"^\| `(\w+)`", page, re.MULTILINE))
    assert explained == {*CHECKS, "stale", "vehicle_freshness"}
    known = {name.split()[0] for name in command_names()}
    assert set(re.findall(r"(?:^|`)telemetry ([a-z]+)", page, re.MULTILINE)) <= known
    assert set(re.findall(r"TELEMETRY_[A-Z_]+", page)) <= set(_NAMES.values())


def test_the_operations_page_has_a_runbook_for_every_alarm() -> None:
    page = (ROOT / "docs" / "operations.md").read_text().split("## Alarms in AWS")[1]
    alarms = re.findall(r'self\._add\(\s*"(\w+)",\s*"(\w+)"', (ROOT / "infra" / "alarms.py").read_text())
    assert len(alarms) >= 6
    explained = re.findall(r"^\| (\w+) \((\w+)\) \|", page, re.MULTILINE)
    assert sorted(explained) == sorted(alarms)


def test_every_decision_is_listed() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for path in (ROOT / "docs" / "adr").glob("0*.md"):
        assert path.name in index


def test_lock_files_name_no_address() -> None:
    for path in ROOT.glob("requirements*.lock"):
        assert "://" not in path.read_text(), path
        assert "--hash=sha256:" in path.read_text(), path
    packages = json.loads((ROOT / "dashboard" / "package-lock.json").read_text())["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in packages.items() if name)
