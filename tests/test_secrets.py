"""No credential and no real account is in the sources."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# keys of AWS that stay and keys of a session, secret keys that are given a value, private keys, tokens of GitHub
SECRETS = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?i:aws_?secret_?access_?key)[\"'\s]*[:=][\"'\s]*[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"
)
ACCOUNT = re.compile(r"\barn:aws:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):")
EXAMPLES = {"123456789012", "000000000000"}
"""Accounts that AWS itself uses in its documentation."""


def findings(text: str) -> list[str]:
    accounts = [number for number in ACCOUNT.findall(text) if number not in EXAMPLES]
    return [found.group() for found in SECRETS.finditer(text)] + accounts


def tracked() -> list[Path]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in done.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_holds_a_secret() -> None:
    found = {}
    for path in tracked():
        if lines := findings(path.read_bytes().decode("utf-8", errors="replace")):
            found[path.name] = lines
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "ASIA" + "ABCDEFGHIJKLMNOP",
        "AWS_SECRET_ACCESS_KEY=" + "a1" * 20,
        '"aws_secret_access_key": "' + "Zz/+" * 10 + '"',
        "-----BEGIN RSA" + " PRIVATE KEY-----",
        "arn:aws:sqs:eu-west-1:" + "999988887777" + ":queue",
    ],
)
def test_what_would_be_one_is_found(text: str) -> None:
    assert findings(text)
