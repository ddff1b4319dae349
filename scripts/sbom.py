"""Write the bill of materials as CycloneDX 1.6: what a release is made of, read from the lock files.

`python -m scripts.sbom [FILE]`; the same locks give the same bytes. It reads both kinds of lock in one go, which the
tools for one language do not, and needs nothing that is not here; what is only built or tested with is left out.
"""

import base64
import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[1]
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


def document() -> str:
    """The bill as JSON."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    parts = sorted([*python_parts(), *dashboard_parts()], key=lambda part: str(part["purl"]))
    product = {
        "type": "application",
        "bom-ref": project["name"],
        "name": project["name"],
        "version": project["version"],
        "description": project["description"],
        "licenses": [{"license": {"id": project["license"]}}],
    }
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": product},
        "components": parts,
        "dependencies": [{"ref": project["name"], "dependsOn": [part["bom-ref"] for part in parts]}],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bill, sort_keys=True))
    return json.dumps({**bill, "serialNumber": f"urn:uuid:{serial}"}, indent=2) + "\n"


def python_parts() -> Iterator[dict[str, Any]]:
    """What the agent, the pipeline, the service, the functions and the images run with: every pin of their locks, once."""
    locks = sorted([*ROOT.glob("requirements*.lock"), *ROOT.glob("deploy/requirements*.lock")])
    texts = [path.read_text(encoding="utf-8") for path in locks if _is_run(path)]
    for name, version in sorted({pin for text in texts for pin in _PIN.findall(text)}):
        yield _part(f"pkg:pypi/{name.lower().replace('_', '-')}@{version}", name, version)


def dashboard_parts() -> Iterator[dict[str, Any]]:
    """What is inside the dashboard's scripts, with the digests that npm holds them to."""
    lock = json.loads((ROOT / "dashboard" / "package-lock.json").read_text(encoding="utf-8"))
    for path, package in lock["packages"].items():
        if not path or package.get("dev"):
            continue
        name = path.rpartition("node_modules/")[2]
        part = _part(f"pkg:npm/{name.replace('@', '%40')}@{package['version']}", name, package["version"])
        algorithm, _, digest = package["integrity"].partition("-")
        part["hashes"] = [
            {"alg": algorithm.upper().replace("SHA", "SHA-"), "content": base64.b64decode(digest).hex()}
        ]
        if licence := package.get("license"):
            part["licenses"] = [{"expression": licence}]
        yield part


def _is_run(path: Path) -> bool:
    tools = {f"requirements-{name}.lock" for name in ("dev", "audit", "node", "uv")}
    return path.name not in tools


def _part(purl: str, name: str, version: str) -> dict[str, Any]:
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        target = Path(sys.argv[1])
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(document(), encoding="utf-8")
    else:
        sys.stdout.write(document())
