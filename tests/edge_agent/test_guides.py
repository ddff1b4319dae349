"""The guides of the vehicle say what is there: scripts, options, adapters, settings, and that nothing sends."""

import ast
import io
import re
import shlex
import shutil
import subprocess
from contextlib import redirect_stdout
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import typer
import yaml

from edge_agent.__main__ import app as agent
from edge_agent.config import AgentConfig
from edge_agent.database import BUNDLED
from telemetry_pipeline.bindings import parse_bindings
from telemetry_pipeline.cli.main import app as telemetry
from tests.docs.blocks import Command, commands_of

ROOT = Path(__file__).parents[2]
PI = ROOT / "edge_agent" / "pi"
GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
SCRIPTS = {path.name: path for path in PI.glob("*.sh") if path.stat().st_mode & 0o100}
COMMANDS = [command for page in GUIDES for command in commands_of(page)]
# programs of the system, whose options are not ours to test
SYSTEM = {
    *("candump", "cangen", "cd", "docker", "export", "git", "ip", "journalctl", "reboot", "ssh"),
    *("ssh-copy-id", "systemctl"),
}
NEVER_ON_A_VEHICLE = re.compile(r"\bip link set\b(?!.*listen-only)|\bcan(gen|send|player)\b")


def words_of(command: Command) -> list[str]:
    words = shlex.split(command.text.split("|")[0], comments=True)
    while words and (words[0] == "sudo" or words[0].startswith("-")):
        # sudo -u USER
        words = words[3:] if words[:2] == ["sudo", "-u"] else words[1:]
    return words


def options_of(words: list[str]) -> set[str]:
    """The options that a command of ours takes."""
    name = Path(words[0]).name
    if name in SCRIPTS:
        # install-service.sh takes those of the installer
        return options_said_by(SCRIPTS["rpi-setup.sh" if name == "install-service.sh" else name])
    found = typer.main.get_command(agent if name == "edge-agent" else telemetry)
    for word in words[1:]:
        found = getattr(found, "commands", {}).get(word, found)
    return {option for parameter in found.params for option in parameter.opts}


@cache
def options_said_by(script: Path) -> set[str]:
    said = subprocess.check_output([script, "--help"], text=True, timeout=60)
    return set(re.findall(r"--[a-z][a-z-]*", said))


@pytest.mark.parametrize(
    "command", COMMANDS, ids=lambda command: f"{Path(command.page).stem}: {command.text}"[:90]
)
def test_every_command_is_there_with_its_options(command: Command) -> None:
    words = words_of(command)
    name = Path(words[0]).name
    if name in SYSTEM:
        return
    assert name in {*SCRIPTS, "edge-agent", "telemetry"}, f"{command.page} speaks of {name}"
    if "/" in words[0]:
        assert (ROOT / words[0]).exists()
    known = options_of(words)
    for option in words[1:]:
        if option.startswith("--"):
            assert option in known, f"{name} has no {option}"


def test_every_script_is_in_a_guide() -> None:
    text = "".join(page.read_text() for page in GUIDES)
    assert [name for name in SCRIPTS if name not in text] == []


def test_every_option_of_the_installer_is_explained_by_itself() -> None:
    source = (PI / "rpi-setup.sh").read_text()
    taken = set(re.findall(r"--[a-z][a-z-]+", source.split("set_settings")[0].split("while [ $# -gt 0 ]")[1]))
    taken -= {"--help"}
    shown = set(
        re.findall(r"--[a-z][a-z-]+", subprocess.check_output([PI / "rpi-setup.sh", "--help"], text=True))
    )
    assert taken == shown


def test_every_adapter_is_in_the_guide() -> None:
    page = (ROOT / "docs/guides/raspberry-pi.md").read_text()
    hats = {path.stem for path in (PI / "hats").glob("*.hat")}
    assert set(re.findall(r"`([a-z0-9-]+)` \| `can", page)) == hats
    for hat in hats:
        text = (PI / "hats" / f"{hat}.hat").read_text()
        (row,) = [line for line in page.splitlines() if f"| `{hat}` |" in line]
        for name in re.findall(r"^channel (\S+)", text, re.MULTILINE):
            assert f"`{name}`" in row
        assert re.findall(r"^chip (\S+)", text, re.MULTILINE)[0] in row


def test_what_the_set_up_makes_is_what_the_guide_says() -> None:
    page = (ROOT / "docs/guides/raspberry-pi.md").read_text()
    made = (PI / "rpi-setup.sh").read_text() + (PI / "setup-lib.sh").read_text()
    for path in re.findall(r"`(/(?:etc|opt|boot)/[a-z./-]+?)\*?`", page):
        assert path in made, path


def test_settings_of_the_guides_exist() -> None:
    known = {field.name for field in fields(AgentConfig)}
    text = (PI / "config.yaml").read_text()
    assert set(re.findall(r"^(?:# )?([a-z_]+): ", text, re.MULTILINE)) <= known
    for page in GUIDES:
        used = set(re.findall(r"`(spool_megabytes|filters|lake|endpoint_url|channel)[:`]", page.read_text()))
        assert used <= known


def test_nothing_on_a_vehicle_makes_a_channel_a_sender() -> None:
    bench = (ROOT / "docs/guides/bench-test.md").read_text()
    desk = bench[bench.index("## 3.") : bench.index("On the Pi:")]
    for command in COMMANDS:
        if NEVER_ON_A_VEHICLE.search(command.text):
            assert command.text in desk, f"{command.page}: {command.text}"


def test_nothing_in_the_agent_sends() -> None:
    # systemd's socket, and questions to the kernel about its interfaces
    others = {"notify.py": "AF_UNIX", "link.py": "AF_NETLINK"}
    for path in sorted((ROOT / "edge_agent").glob("*.py")):
        source = path.read_text()
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        sends = calls & {"send", "sendto", "sendmsg", "sendall", "send_periodic"}
        if path.name in others:
            assert others[path.name] in source
            assert "AF_CAN" not in source
        else:
            assert sends == set(), path.name


def test_bindings_of_the_guide_can_be_read() -> None:
    page = (ROOT / "docs/guides/dbc.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(parse_bindings(example.encode(), "docs")) == len(yaml.safe_load(example)["bindings"])


def test_the_python_of_the_guide_prints_what_is_in_a_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs/guides/dbc.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    shutil.copy(BUNDLED, tmp_path / "my_car.dbc")
    monkeypatch.chdir(tmp_path)
    said = io.StringIO()
    with redirect_stdout(said):
        exec(compile(example, "dbc.md", "exec"), {})
    assert "1A1 BMS_PackStatus: Pack_Voltage, Pack_Current, Pack_SOC" in said.getvalue()
