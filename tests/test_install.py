"""`scripts/install` and `scripts/uv`, with stand-ins for Python and uv that write down what they are asked for.

That the packages of the lock files really come is shown by every new clone: nothing of the suite runs before.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
VERSION = re.search(r"^uv==(\S+)", (ROOT / "requirements-uv.lock").read_text(), re.MULTILINE)[1]


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment whose pip and uv only tell: pip's configuration is `pip.conf`, uv fails where `broken` exists."""
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    program(
        made / "bin" / "python",
        f"""case "$*" in
        *"config list"*) cat {tmp_path}/pip.conf ;;
        *) echo "$*" >>{tmp_path}/asked ;;
        esac""",
    )
    program(
        made / "bin" / "uv",
        f"""if [ "$1" = --version ]; then echo "uv {VERSION} (here)"; exit; fi
        printenv >{tmp_path}/environment
        echo "uv $*" >>{tmp_path}/asked
        test ! -e {tmp_path}/broken""",
    )
    (tmp_path / "pip.conf").touch()
    (tmp_path / "some.lock").write_text("one==1\n")
    return made


def program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def run(script: str, *arguments: str | Path, **env: str) -> str:
    known = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [ROOT / "scripts" / script, *arguments],
        env={**known, **env},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


def told_to_uv(tmp_path: Path) -> dict[str, str]:
    lines = (tmp_path / "environment").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line.startswith(("UV_", "SSL_", "ALL_")))


ALWAYS = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_NO_PROGRESS": "1"}


def test_uv_asks_where_pip_would_ask(venv: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text(
        ":env:.index-url='https://mirror.example/simple'\n"
        "global.cert='/etc/mirror.pem'\n"
        "global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'\n"
        "global.find-links='/wheels /more'\n"
        "global.index-url='https://other.example/simple'\n"
        "install.trusted-host='mirror.example'\n"
    )
    run("uv", venv, "pip", "list")
    assert told_to_uv(tmp_path) == ALWAYS | {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INSECURE_HOST": "mirror.example",
        "SSL_CERT_FILE": "/etc/mirror.pem",
    }


def test_what_uv_is_told_itself_counts(venv: Path, tmp_path: Path) -> None:
    (tmp_path / "pip.conf").write_text("global.index-url='https://mirror.example/simple'\n")
    run("uv", venv, "pip", "list", UV_DEFAULT_INDEX="https://mine.example/simple")
    assert told_to_uv(tmp_path) == ALWAYS | {"UV_DEFAULT_INDEX": "https://mine.example/simple"}


def test_another_release_of_uv_is_replaced(venv: Path, tmp_path: Path) -> None:
    program(venv / "bin" / "uv", 'echo "uv 0.0.1 (there)"')
    run("uv", venv, "pip", "list")
    (asked,) = (tmp_path / "asked").read_text().splitlines()
    assert "--require-hashes --only-binary :all: -r" in asked
    assert asked.endswith("requirements-uv.lock")


@pytest.mark.parametrize("broken", [False, True])
def test_the_lock_is_installed_by_uv_or_else_by_pip(venv: Path, tmp_path: Path, broken: bool) -> None:
    if broken:
        (tmp_path / "broken").touch()
    lock = tmp_path / "some.lock"
    said = run("install", venv, lock)
    by_uv, *by_pip, itself = (tmp_path / "asked").read_text().splitlines()
    asked = f"install --no-deps --require-hashes --only-binary :all: --no-binary pyspark -r {lock}"
    assert by_uv == f"uv pip {asked} --python {venv}/bin/python"
    assert by_pip == ([f"-m pip --disable-pip-version-check {asked}"] if broken else [])
    assert itself.endswith("-e .")
    assert ("uv could not install them" in said) == broken
