"""deploy/edge fits the source: options, buses, limits. Whether its recipe is whole, `tests/test_recipes.py` says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.recipes import ROOT, Recipe

EDGE = ROOT / "deploy" / "edge"
AGENT = yaml.safe_load((EDGE / "compose.yaml").read_text())["services"]["agent"]
UNIT = (ROOT / "edge_agent/systemd/telemetry-agent.service").read_text()


STAGES = Recipe.read(EDGE / "Containerfile").stages


def words_of(name):
    return [words for stage in STAGES for words in stage.all(name)]


def test_everything_the_wheel_is_built_of_is_copied():
    copied = {source.rstrip("/") for words in words_of("COPY") for source in words.split()[:-1]}
    assert {
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "LICENSE",
        "telemetry_pipeline",
        "edge_agent",
        "api",
    } <= copied


def test_it_installs_the_agent_alone():
    (install,) = [words for words in words_of("RUN") if "pip install" in words]
    extras = re.findall(r"\.\[([a-z,]+)\]", install)
    assert extras == ["edge,aws"]


def test_its_command_is_one():
    (entry,), (command,) = (list(map(json.loads, words_of(name))) for name in ("ENTRYPOINT", "CMD"))
    asked = subprocess.run(
        [Path(sys.executable).parent / entry[0], "--help"], capture_output=True, text=True, check=True
    )
    assert all(word in asked.stdout for word in command if word.startswith("--"))
    assert command[1] in UNIT


def test_it_has_the_hosts_buses_and_no_privilege():
    assert AGENT["network_mode"] == "host"
    assert AGENT["cap_drop"] == ["ALL"]
    assert "cap_add" not in AGENT
    assert "privileged" not in AGENT
    assert AGENT["read_only"] is True
    assert words_of("USER") != ["0"]
    (state,) = re.findall(r"STATE_DIRECTORY=(\S+)", " ".join(words_of("ENV")))
    assert f"state:{state}" in AGENT["volumes"]


def test_its_limits_are_the_units():
    assert AGENT["stop_grace_period"] == f"{re.findall(r'^TimeoutStopSec=(.*)', UNIT, re.MULTILINE)[0]}s"
    assert AGENT["mem_limit"] == re.findall(r"^MemoryMax=(.*)", UNIT, re.MULTILINE)[0].lower()
    assert (ROOT / "deploy/edge" / AGENT["build"]["context"]).resolve() == ROOT
    assert (ROOT / AGENT["build"]["dockerfile"]).exists()
