"""Lighthouse's marks for a page: it is no part of the dashboard's packages, and is installed beside the benchmarks.

    python -m benchmarks.lighthouse ADDRESS

prints the marks of any page that is served, and what cost them. Its marks for performance are of wall time: on a machine
that others use they tell about those.
"""

import argparse
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from benchmarks.browser import CHROMIUM

VERSION: Final = "13.5.0"
CATEGORIES: Final = ("performance", "accessibility")
LEAST: Final = 95
_FOLDER: Final = Path(__file__).parents[1] / "build" / "lighthouse"
_INSTALL: Final = (
    "npm",
    "install",
    "--no-audit",
    "--no-fund",
    "--no-save",
    "--ignore-scripts",
    "--loglevel=error",
)


def marks(address: str, folder: Path = _FOLDER) -> dict[str, float]:
    """Marks from 0 to 100 by category, as on a desktop.

    Raises:
        SystemExit: When Lighthouse cannot be installed, or does not run.
    """
    said = judge(address, folder)
    return {name: 100 * said["categories"][name]["score"] for name in CATEGORIES}


def judge(address: str, folder: Path = _FOLDER) -> dict[str, Any]:
    """All that Lighthouse says of a page, as it says it. It is installed first where it is not there.

    Raises:
        SystemExit: When Lighthouse cannot be installed, or does not run.
    """
    program = folder / "node_modules" / "lighthouse" / "cli" / "index.js"
    if not program.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        _run([*_INSTALL, "--prefix", str(folder), f"lighthouse@{VERSION}"])
    flags = "--headless=new --no-sandbox --disable-gpu --disable-background-networking"
    options = ("--quiet", "--output=json", "--preset=desktop", f"--only-categories={','.join(CATEGORIES)}")
    said: dict[str, Any] = json.loads(
        _run(["node", str(program), address, *options, f"--chrome-flags={flags}"])
    )
    return said


def losses(said: dict[str, Any], category: str) -> list[str]:
    """What cost marks, the weightiest first: weight, name, share of the marks that it got, and what was measured."""
    found = [
        (reference["weight"], audit)
        for reference in said["categories"][category]["auditRefs"]
        if (audit := said["audits"][reference["id"]])["score"] is not None
        and audit["score"] < 1
        and reference["weight"] > 0
    ]
    found.sort(key=lambda loss: -loss[0])
    return [
        f"{weight:3.0f}  {audit['id']}: {audit['score']:.2f} ({audit.get('displayValue', '')})"
        for weight, audit in found
    ]


def _run(command: list[str]) -> str:
    env = os.environ | {"CHROME_PATH": CHROMIUM}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:3])} … failed: {done.stderr[-2000:]}")
    return done.stdout


def main() -> None:
    """Print the marks of a page; ends with 1 where one of them is too low."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lighthouse", description=__doc__)
    parser.add_argument("address", help="of a page, as somebody would open it")
    said = judge(parser.parse_args().address)
    found = {name: 100 * said["categories"][name]["score"] for name in CATEGORIES}
    for name, mark in found.items():
        print(f"{name}: {mark:.0f} of 100 (target: {LEAST})")
        for line in losses(said, name):
            print(f"  {line}")
    raise SystemExit(min(found.values()) < LEAST)


if __name__ == "__main__":
    main()
