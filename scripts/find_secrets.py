"""Look for credentials and real account numbers in files: the hook before a commit, and the test of the whole tree.

`python -m scripts.find_secrets FILE...` names the lines, never what stands there, and ends with 1 if there are any.
"""

import re
import sys
from pathlib import Path
from typing import Final

# keys of AWS that stay and keys of a session, secret keys that are given a value, private keys, tokens of GitHub
SECRETS: Final = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|(?i:aws_?secret_?access_?key)[\"'\s]*[:=][\"'\s]*[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}"
)
ACCOUNT: Final = re.compile(r"\barn:aws:[a-z0-9-]*:[a-z0-9-]*:(\d{12}):")
EXAMPLES: Final = frozenset({"123456789012", "000000000000"})
"""Accounts that AWS itself uses in its documentation."""


def lines_with_secrets(text: str) -> list[int]:
    """The numbers of the lines, from 1, that hold what looks like a credential or names somebody's account."""
    places = [found.start() for found in SECRETS.finditer(text)]
    places += [found.start() for found in ACCOUNT.finditer(text) if found[1] not in EXAMPLES]
    return sorted(text.count("\n", 0, place) + 1 for place in places)


def main(names: list[str]) -> int:
    """Look through the files; 1 if there is a secret in one of them."""
    found = [
        f"{name}:{line}: this looks like a credential, or names a real account"
        for name in names
        for line in lines_with_secrets(Path(name).read_bytes().decode("utf-8", errors="replace"))
    ]
    for line in found:
        print(line)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
