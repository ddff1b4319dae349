"""The templates as a linter of CloudFormation sees them; AWS Solutions' rules have been held against them by synthesis."""

import json
import subprocess
import sys
from pathlib import Path

from tests.infra.conftest import Templates

LIBRARY = ("W3005", "W6001")
"""The library writes dependencies that references imply already, and outputs that repeat another stack's."""


def test_the_linter_finds_nothing(alone: Templates, with_dagster: Templates) -> None:
    # both at once: what takes long is to read what AWS has
    templates = [
        str(path) for found in (alone, with_dagster) for path in sorted(found.folder.glob("*.template.json"))
    ]
    assert len(templates) == len(alone.stacks) + len(with_dagster.stacks)
    command = [
        str(Path(sys.executable).with_name("cfn-lint")),
        "--format",
        "json",
        "--ignore-checks",
        *LIBRARY,
    ]
    done = subprocess.run(
        [*command, "--", *templates], capture_output=True, text=True, timeout=600, check=False
    )
    found = [(it["Rule"]["Id"], it["Message"], it["Filename"]) for it in json.loads(done.stdout or "[]")]
    assert found == []
    assert done.returncode == 0, done.stderr


def test_no_rule_is_broken(either: Templates) -> None:
    report = json.loads((either.folder / "validation-report.json").read_text())
    packs = {pack["pluginName"]: pack for pack in report["pluginReports"]}
    assert packs["AwsSolutions"]["conclusion"] == "success"
    assert all(not pack.get("violations") for pack in packs.values()), packs


def test_every_exception_has_its_reason_and_its_place(
    alone: Templates, with_dagster: Templates, with_glue: Templates
) -> None:
    from infra.suppressions import EXCEPTIONS  # starts Node, which every worker would wait for

    every = (alone, with_dagster, with_glue)
    paths = "\n".join((found.folder / "tree.json").read_text() for found in every)
    for item in EXCEPTIONS:
        assert len(item.reason.split()) >= 6, item
        assert f"/{item.place}" in paths, item


def test_no_account_and_no_region_is_in_a_template(either: Templates) -> None:
    for name, template in either.stacks.items():
        text = json.dumps(template).replace("123456789012", "")
        assert not any(word.isdigit() and len(word) == 12 for word in text.replace(":", " ").split()), name
