"""The bill of materials names what is locked, once, and says the same whenever it is made."""

import base64
import json
import re
from pathlib import Path

from scripts import sbom

ROOT = Path(__file__).parents[1]
BILL = json.loads(sbom.document())
PURLS = {part["purl"] for part in BILL["components"]}


def test_every_package_that_runs_is_in_it() -> None:
    for lock in (
        *("requirements.lock", "requirements-lambda.lock", "requirements-lambda-api.lock"),
        "deploy/requirements-k8s.lock",
    ):
        for name, version in re.findall(r"^([\w.-]+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE):
            assert f"pkg:pypi/{name}@{version}" in PURLS, lock
    assert any(purl.startswith("pkg:pypi/pyarrow@") for purl in PURLS)


def test_what_only_tests_or_builds_is_not() -> None:
    assert not any(
        re.match(r"pkg:pypi/(pytest|hypothesis|ruff|pip-audit)@|pkg:npm/(vite|eslint)@", purl)
        for purl in PURLS
    )


def test_the_dashboard_s_scripts_are_in_it_with_their_digests() -> None:
    lock = json.loads((ROOT / "dashboard" / "package-lock.json").read_text())["packages"]
    (react,) = [part for part in BILL["components"] if part["purl"].startswith("pkg:npm/react@")]
    algorithm, digest = lock["node_modules/react"]["integrity"].split("-", 1)
    assert react["hashes"] == [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
    assert algorithm == "sha512"


def test_references_are_unique_and_all_belong_to_the_product() -> None:
    references = [part["bom-ref"] for part in BILL["components"]]
    assert len(references) == len(set(references)) > 100
    assert BILL["dependencies"] == [{"ref": "can-telemetry", "dependsOn": references}]


def test_it_is_the_same_whenever_it_is_made() -> None:
    assert json.loads(sbom.document()) == BILL
