"""Lighthouse's marks for a page: it is no part of the dashboard's packages, and is installed beside the benchmarks."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from benchmarks.browser import CHROMIUM

VERSION: Final = "13.5.0"
CATEGORIES: Final = ("performance", "accessibility")
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
    """Marks from 0 to 100 by category, as on a desktop. Installs Lighthouse first where it is not there.

    Raises:
        SystemExit: When it cannot be installed, or does not run.
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
    return {name: 100 * said["categories"][name]["score"] for name in CATEGORIES}


def _run(command: list[str]) -> str:
    env = os.environ | {"CHROME_PATH": CHROMIUM}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:3])} … failed: {done.stderr[-2000:]}")
    return done.stdout
