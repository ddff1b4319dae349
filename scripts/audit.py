"""Ask for known vulnerabilities of everything that is locked: pip-audit for Python, `npm audit` for the dashboard.

`python -m scripts.audit` ends with 0 when nothing is known, 1 when something is, 2 when a package could not be looked
up: silence is no verdict.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
PIP_AUDIT: Final = (
    ".venvs/audit/bin/pip-audit",
    "--disable-pip",
    "--require-hashes",
    "--progress-spinner=off",
)
NPM_AUDIT: Final = ("npm", "--prefix", "dashboard", "audit", "--json")
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


@dataclass
class Verdict:
    """What services that know vulnerabilities answered.

    Attributes:
        judged: How many packages were looked up.
        found: What is known of them, a line each.
        silent: What could not be looked up, and why, a line each.
    """

    judged: int = 0
    found: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """A vulnerability outweighs what could not be looked up."""
        if self.found:
            return VULNERABLE
        return UNKNOWN if self.silent or not self.judged else CLEAN


def audit(
    locks: Iterable[Path], *, pip_audit: Sequence[str] = PIP_AUDIT, npm_audit: Sequence[str] = NPM_AUDIT
) -> Verdict:
    """Everything that is locked.

    Args:
        locks: pip's lock files with digests; npm's is found by npm.
        pip_audit: The command that judges lock files.
        npm_audit: The command that judges the dashboard's packages.
    """
    verdict = Verdict()
    files = list(locks)
    if _answers(files[0], pip_audit, verdict):
        for lock in files:
            _read_pip(_run([*pip_audit, "--format", "json", "-r", str(lock)]), lock.name, verdict)
    _read_npm(_run(npm_audit), verdict)
    return verdict


def _answers(lock: Path, command: Sequence[str], verdict: Verdict) -> bool:
    """Whether anybody answers for one package: hundreds of silences take minutes."""
    first = re.match(r"\S.*(?:\n\s.*)*", lock.read_text(encoding="utf-8"))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(first[0] if first else "")
        file.flush()
        tried = Verdict()
        _read_pip(_run([*command, "--format", "json", "-r", file.name]), lock.name, tried)
    verdict.silent += [f"{each}; the others were not asked for" for each in tried.silent[:1]]
    return bool(tried.judged)


def _read_pip(done: subprocess.CompletedProcess[str], name: str, verdict: Verdict) -> None:
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        verdict.silent.append(f"{name}: {_last_line(done)}")
        return
    for each in dependencies:
        if "skip_reason" in each:
            verdict.silent.append(f"{name}: {each['skip_reason']}")
            continue
        verdict.judged += 1
        verdict.found += [
            f"{name}: {each['name']} {each['version']}: {known['id']}, "
            f"mended in {', '.join(known['fix_versions']) or 'no version'}"
            for known in each["vulns"]
        ]


def _read_npm(done: subprocess.CompletedProcess[str], verdict: Verdict) -> None:
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
        known = answer["vulnerabilities"]
        verdict.judged += int(answer["metadata"]["dependencies"]["total"])
    except (ValueError, KeyError, TypeError):
        verdict.silent.append(f"npm: {_last_line(done)}")
        return
    verdict.found += [
        f"npm: {name} {each.get('range', '')}: {each['severity']}" for name, each in known.items()
    ]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
    return lines[0].strip() if lines else f"exit code {done.returncode}"


def main() -> int:
    """Print the verdict; its exit code."""
    verdict = audit(sorted(ROOT.glob("requirements*.lock")))
    for line in verdict.found:
        print(line)
    for line in verdict.silent:
        print(f"not audited: {line}")
    print(f"{verdict.judged:,} packages looked up, {len(verdict.found)} known vulnerabilities")
    return verdict.exit_code


if __name__ == "__main__":
    sys.exit(main())
