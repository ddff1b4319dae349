"""Every command of the documentation is run as it stands there, or declared in `not_run` with the reason."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import urllib.request
from fnmatch import fnmatch
from itertools import dropwhile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from scripts.docs import cli_page
from telemetry_pipeline.cli.main import app
from tests.docs.blocks import ROOT, Command, commands_of, pages
from tests.docs.not_run import BY_THEIR_OWN_TEST, NOT_RUN, RUN
from tests.raw_lake import EV_DBC

SHELL = re.compile(r"[|<>&$`]")
START = "2026-02-23T12:00:00Z"


def reason_of(command: Command) -> tuple[str, str, str] | None:
    rows = (row for row in NOT_RUN if fnmatch(command.page, row[0]) and command.text.startswith(row[1]))
    return next(rows, None)


def runs_here(command: Command) -> bool:
    return command.page in RUN and reason_of(command) is None


COMMANDS = [command for page in pages() for command in commands_of(page)]


class Reader:
    """Somebody who types the commands of a page, one after the other, into one shell."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._env = {
            **os.environ,
            "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}",
            "TELEMETRY_LAKE": (folder / "lake").as_uri(),
            "NO_PROXY": "*",
        }

    def types(self, text: str) -> None:
        # what a page puts anywhere on the machine goes into the test's folder
        text = re.sub(r"(?<![\w.])/(tmp|data)/", f"{self._folder}/", text)
        words = [] if SHELL.search(text) else shlex.split(text.replace("\\\n", " "), comments=True)
        match words:
            case ["telemetry", "serve", *options]:
                self._serves(options)
            case ["telemetry", *arguments]:
                # in this process: reading the libraries for each command would take longer than all of them
                result = CliRunner().invoke(app, arguments, env=self._env)
                assert result.exit_code == 0, f"{text}\n{result.output}\n{result.exception!r}"
            case _:
                self._shell(text)

    def _shell(self, text: str) -> None:
        script = f"set -euo pipefail\n{text}\nenv -0 >.environment"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        lines = (self._folder / ".environment").read_text().split("\0")
        self._env = dict(line.split("=", 1) for line in lines if "=" in line)

    def _serves(self, options: list[str]) -> None:
        command = ["telemetry", "serve", *options]
        # as in a terminal of a hundred columns: the address is not broken over two lines
        env = {**self._env, "COLUMNS": "1000"}
        with subprocess.Popen(
            command, cwd=self._folder, env=env, stdout=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stdout is not None
                said = server.stdout.readline()
                address = re.findall(r"Dashboard (http://\S+)", said)
                assert address, said
                with urllib.request.urlopen(f"{address[0]}health", timeout=60) as answer:
                    assert answer.status == 200
            finally:
                server.send_signal(signal.SIGINT)
                server.wait(timeout=60)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a page may take for granted: a lake with a drive, a database, a log, rules, and the tree it is read in."""
    folder = tmp_path_factory.mktemp("prepared")
    env = {"TELEMETRY_LAKE": (folder / "lake").as_uri()}
    for arguments in (
        ["dbc", "add", str(EV_DBC)],
        ["simulate", "--vehicle", "EV_001", "--start", START, "--duration", "1m"],
        ["simulate", "--vehicle", "VAN_7", "--start", START, "--duration", "10s"],
        ["decode", "--pending"],
    ):
        result = CliRunner().invoke(app, arguments, env=env)
        assert result.exit_code == 0, result.output
    shutil.copy(EV_DBC, folder / "my_car.dbc")
    shutil.copy(ROOT / "dbc" / "rules.yaml", folder)
    (folder / "drive.log").write_text("(1771848000.000000) can0 1A1#A00FA00FC8000000\n")
    raw = next((folder / "lake" / "raw").rglob("*_raw.parquet"))
    shutil.copy(raw, folder / "drive_raw.parquet")
    subprocess.run(["gzip", "-k", "drive.log"], cwd=folder, check=True)
    for name in (".venv", "dbc", "edge_agent", "scripts", "telemetry_pipeline", "workspace.yaml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted(RUN))
def test_every_command_runs(
    page: str, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(prepared, folder, symlinks=True)
    monkeypatch.chdir(folder)
    reader = Reader(folder)
    for command in COMMANDS:
        if command.page == page and runs_here(command):
            reader.types(command.text)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page} {command.text[:40]}")
def test_a_command_is_run_or_declared(command: Command) -> None:
    assert command.page in {*RUN, *BY_THEIR_OWN_TEST} or reason_of(command), "see tests/docs/not_run.py"
    assert not runs_here(command) or not re.search(r"\b(sudo|reboot|rm)\b", command.text)


@pytest.mark.parametrize("row", NOT_RUN, ids=lambda row: f"{row[0]} {row[1]}")
def test_what_is_not_run_is_there_and_its_test_is(row: tuple[str, str, str]) -> None:
    assert any(reason_of(command) == row for command in COMMANDS), "no such command any more"
    for path, name in re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", row[2]):
        assert f"def {name}" in (ROOT / path).read_text()


@pytest.mark.parametrize("page", BY_THEIR_OWN_TEST)
def test_a_page_with_a_test_of_its_own_is_read_by_it(page: str) -> None:
    test = (ROOT / BY_THEIR_OWN_TEST[page]).read_text()
    assert f'"{Path(page).name}"' in test
    assert any(command.page == page for command in COMMANDS)


def programs(text: str) -> list[list[str]]:
    """The words of each command of a line, whatever stands around it."""
    with contextlib.suppress(ValueError):
        words = shlex.split(text.split("<<", maxsplit=1)[0], comments=True)
        joined = " ".join(shlex.quote(word) if not re.fullmatch(r"[|;&]+", word) else "\n" for word in words)
        return [shlex.split(line) for line in joined.split("\n") if line.strip()]
    return []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command.page} {command.text[:40]}")
def test_what_a_command_names_exists(command: Command) -> None:
    known = {tuple(path.split()): what for path, what in cli_page.commands()}
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for line in programs(command.text):
        words = list(dropwhile(lambda word: "=" in word or word in ("sudo", "env", "exec", "-u", "-E"), line))
        if not words:
            continue
        name = Path(words[0]).name
        if name in ("telemetry", "edge-agent"):
            path = next((path for path in known if (name, *words[1:])[: len(path)] == path), None)
            assert path or "--help" in words, f"{command.text}: no such command"
            spelled = (
                {option for one in cli_page.options(known[path]) for option in one.opts} if path else set()
            )
            given = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert given <= spelled | {"--help"}, command.text
        if name == "make":
            assert {word for word in words[1:] if re.fullmatch(r"[a-z]+", word)} <= set(targets), command.text
        for word in words:
            if re.match(r"(\./)?(scripts|edge_agent|deploy|infra|dbc|tests|benchmarks)/", word):
                assert (ROOT / word).exists(), f"{command.text}: {word} is not there"


def test_a_command_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(AssertionError):
        test_what_a_command_names_exists(Command("x", "telemetry decode --pendig"))
    with pytest.raises(AssertionError):
        test_what_a_command_names_exists(Command("x", "cd x && make dmo"))
    with pytest.raises(AssertionError):
        test_what_a_command_names_exists(Command("x", "sudo scripts/nothing"))
    assert len(COMMANDS) > 50
