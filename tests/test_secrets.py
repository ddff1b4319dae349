"""No credential and no real account is in the sources, and none gets in with a commit."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.find_secrets import lines_with_secrets

ROOT = Path(__file__).parents[1]
KEY = "AKIA" + "ABCDEFGHIJKLMNOP"


def tracked() -> list[Path]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_holds_a_secret() -> None:
    found = {}
    for path in tracked():
        if lines := lines_with_secrets(path.read_bytes().decode("utf-8", errors="replace")):
            found[path.name] = lines
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "ASIA" + "ABCDEFGHIJKLMNOP",
        "AWS_SECRET_ACCESS_KEY=" + "a1" * 20,
        '"aws_secret_access_key": "' + "Zz/+" * 10 + '"',
        "-----BEGIN RSA" + " PRIVATE KEY-----",
        "arn:aws:sqs:eu-west-1:" + "999988887777" + ":queue",
    ],
)
def test_what_would_be_one_is_found(text: str) -> None:
    assert lines_with_secrets(f"\n{text}") == [2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with our hooks, and the tools that they run."""
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in (".venv", "scripts"):
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".gitignore").write_text(".venv\nscripts\n")
    for command in (["git", "init", "-q"], ["git", "add", "."], [".venv/bin/pre-commit", "install"]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def commit(clone: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    (clone / name).write_text(text)
    subprocess.run(["git", "add", name], cwd=clone, check=True)
    who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    env = {**os.environ, "PRE_COMMIT_HOME": str(clone / ".git" / "hooks-home")}
    command = ["git", *who, "commit", "-q", "-m", "x"]
    return subprocess.run(command, cwd=clone, env=env, check=False, capture_output=True, text=True)


@pytest.mark.slow
def test_a_commit_of_a_secret_is_refused_without_showing_it(clone: Path) -> None:
    done = commit(clone, "notes.txt", f"first\n{KEY}\n")
    assert done.returncode == 1
    assert "notes.txt:2: this looks like a credential" in done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr
    assert commit(clone, "notes.txt", "first\n").returncode == 0


@pytest.mark.slow
def test_a_commit_of_what_ruff_refuses_is_refused(clone: Path) -> None:
    bad = commit(clone, "sample.py", '"""Numbers."""\n\nimport os\n')
    assert bad.returncode == 1
    assert "F401" in bad.stdout + bad.stderr
    untidy = commit(clone, "sample.py", '"""Numbers."""\n\nNUMBER = [1,2]\n')
    assert untidy.returncode == 1
    assert commit(clone, "sample.py", '"""Numbers."""\n\nNUMBER = [1, 2]\n').returncode == 0
