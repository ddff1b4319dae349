"""Templates of three deployments, synthesised once a session by a process of its own and read by every test as JSON."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Templates:
    """What one deployment's synthesis wrote."""

    folder: Path
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def resources(self, kind: str, stack: str | None = None) -> dict[str, dict[str, Any]]:
        """Properties of every resource of a type, by stack and logical id."""
        return {
            f"{name}/{logical}": resource.get("Properties", {})
            for name, template in self.stacks.items()
            if stack in (None, name)
            for logical, resource in template["Resources"].items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, stack: str | None = None, containing: str = "") -> dict[str, Any]:
        """Properties of the only resource of a type whose logical id contains a word."""
        found = [it for name, it in self.resources(kind, stack).items() if containing in name]
        assert len(found) == 1, (kind, containing, list(self.resources(kind, stack)))
        return found[0]

    def outputs(self) -> set[str]:
        """The names of all outputs that somebody reads."""
        return {
            name
            for template in self.stacks.values()
            for name in template.get("Outputs", {})
            if not name.startswith("Exports")
        }


def synthesise(shared: Path) -> dict[str, Templates]:
    """Every variant by its name, made once for all workers: who comes second waits and reads."""
    out = shared / "cdk"
    with (shared / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (out / "done").exists():
            shutil.rmtree(out, ignore_errors=True)
            node = [] if shutil.which("node") else [str(ROOT / "scripts" / "with-node")]
            run = subprocess.run(
                [*node, sys.executable, "-m", "tests.infra.synthesise", str(out)],
                cwd=ROOT,
                env={**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1"},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
            (out / "done").touch()
    return {
        folder.name: Templates(folder, read(folder))
        for folder in out.iterdir()
        if (folder / "cdk.out").exists()
    }


def read(folder: Path) -> dict[str, dict[str, Any]]:
    """The template of every stack of a deployment, by the stack's name without the deployment's."""
    return {
        path.name.removesuffix(".template.json").rpartition("-")[2]: json.loads(path.read_text())
        for path in folder.glob("*.template.json")
    }


@pytest.fixture(scope="session")
def synthesised(shared_folder: Path) -> dict[str, Templates]:
    """Every variant, by its name."""
    return synthesise(shared_folder)


@pytest.fixture(scope="session")
def alone(synthesised: dict[str, Templates]) -> Templates:
    """The default: Lambda decodes, Athena answers."""
    return synthesised["alone"]


@pytest.fixture(scope="session")
def with_dagster(synthesised: dict[str, Templates]) -> Templates:
    """Everything that may be switched on: Dagster with functions that it invokes, a key, a copy elsewhere, an origin."""
    return synthesised["with_dagster"]


@pytest.fixture(scope="session")
def with_glue(synthesised: dict[str, Templates]) -> Templates:
    """Dagster that sends backlogs to Glue, reached from inside its network alone."""
    return synthesised["with_glue"]


@pytest.fixture(scope="session", params=["alone", "with_dagster"])
def either(request: pytest.FixtureRequest) -> Templates:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)
