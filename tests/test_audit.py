"""The verdict over what is locked. The services that know vulnerabilities are stood in for: none can be asked from a test.

What the stand-ins answer has the form that pip-audit and npm give.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from scripts.audit import CLEAN, UNKNOWN, VULNERABLE, Verdict, audit

LOCK: Final = (
    "one==1.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11\ntwo==2.0 \\\n    --hash=sha256:22\n"
)
KNOWN: Final = {"id": "CVE-1", "fix_versions": ["2.1"]}
CLEAN_NPM: Final = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 7}}}


def _says(answer: str, code: int = 0) -> list[str]:
    """A command that prints it; on standard error when it fails."""
    stream = "stderr" if code and not answer.startswith("{") else "stdout"
    return [sys.executable, "-c", f"import sys; print({answer!r}, file=sys.{stream}); sys.exit({code})"]


def _pip(*dependencies: dict[str, Any]) -> list[str]:
    return _says(json.dumps({"dependencies": dependencies, "fixes": []}))


def _verdict(tmp_path: Path, pip_audit: list[str], npm: dict[str, Any] | str = CLEAN_NPM) -> Verdict:
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    npm_audit = _says(json.dumps(npm), 1) if isinstance(npm, dict) else _says(npm, 1)
    return audit([lock], pip_audit=pip_audit, npm_audit=npm_audit)


def test_nothing_known_of_anything_is_clean(tmp_path: Path) -> None:
    verdict = _verdict(tmp_path, _pip({"name": "one", "version": "1.0", "vulns": []}))
    assert (verdict.exit_code, verdict.judged, verdict.found, verdict.silent) == (CLEAN, 8, [], [])


def test_what_is_known_is_named_with_the_version_that_mends_it(tmp_path: Path) -> None:
    verdict = _verdict(tmp_path, _pip({"name": "two", "version": "2.0", "vulns": [KNOWN]}))
    assert verdict.found == ["requirements.lock: two 2.0: CVE-1, mended in 2.1"]
    assert verdict.exit_code == VULNERABLE


def test_a_package_of_the_dashboard(tmp_path: Path) -> None:
    npm = {**CLEAN_NPM, "vulnerabilities": {"left": {"range": "<2", "severity": "high"}}}
    verdict = _verdict(tmp_path, _pip({"name": "one", "version": "1.0", "vulns": []}), npm)
    assert (verdict.exit_code, verdict.found) == (VULNERABLE, ["npm: left <2: high"])


@pytest.mark.parametrize(
    ("pip_audit", "npm"),
    [
        (_pip({"name": "one", "skip_reason": "not found"}), CLEAN_NPM),
        (_says("ConnectionError: no network", 1), CLEAN_NPM),
        (_pip({"name": "one", "version": "1.0", "vulns": []}), "npm error audit endpoint returned an error"),
        (_pip({"name": "one", "version": "1.0", "vulns": []}), {"message": "405", "method": "POST"}),
    ],
)
def test_silence_is_no_verdict(tmp_path: Path, pip_audit: list[str], npm: dict[str, Any] | str) -> None:
    verdict = _verdict(tmp_path, pip_audit, npm)
    assert verdict.exit_code == UNKNOWN
    assert len(verdict.silent) == 1


def test_what_is_known_outweighs_silence(tmp_path: Path) -> None:
    packages: list[dict[str, Any]] = [
        {"name": "one", "version": "1.0", "vulns": [KNOWN]},
        {"name": "two", "skip_reason": "not found"},
    ]
    assert _verdict(tmp_path, _pip(*packages), "npm error").exit_code == VULNERABLE
