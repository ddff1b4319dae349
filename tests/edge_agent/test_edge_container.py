"""deploy/edge fits the source: files, options, limits. Nothing here builds or runs a container: there may be no engine."""

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
EDGE = ROOT / "deploy" / "edge"
AGENT = yaml.safe_load((EDGE / "compose.yaml").read_text())["services"]["agent"]
UNIT = (ROOT / "edge_agent/systemd/telemetry-agent.service").read_text()


def instructions():
    text = re.sub(r"\\\n\s*", "", (EDGE / "Containerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(None, 1)) for line in lines]


def words_of(name):
    return [rest for found, rest in instructions() if found == name]


def test_only_known_instructions_in_an_order_that_builds():
    names = [name for name, _ in instructions()]
    known = {
        "ARG",
        "FROM",
        "ENV",
        "WORKDIR",
        "RUN",
        "COPY",
        "USER",
        "VOLUME",
        "STOPSIGNAL",
        "ENTRYPOINT",
        "CMD",
    }
    assert set(names) <= known
    assert names[:2] == ["ARG", "FROM"]
    assert names.index("COPY") > names.index("FROM")


def test_what_is_copied_is_there_and_not_ignored():
    ignored = (EDGE / "Containerfile.dockerignore").read_text().splitlines()
    allowed = [line[1:] for line in ignored if line.startswith("!")]
    for words in words_of("COPY"):
        if words.startswith("--from"):
            continue
        for source in words.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source.rstrip("/"), name) for name in allowed), source


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
