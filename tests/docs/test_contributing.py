"""What greets a contributor: templates that a host can read, and a guide that names what is there."""

import re
from pathlib import Path

import pytest
import yaml

from tests.docs.blocks import ROOT

TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"
KINDS = {"markdown", "textarea", "input", "dropdown", "checkboxes"}


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("[!c]*.yml")), ids=lambda path: path.name)
def test_a_template_is_a_form_that_can_be_shown(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    assert form["name"]
    assert form["description"]
    assert {field["type"] for field in form["body"]} <= KINDS
    identities = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(identities) == len(set(identities)) > 0
    assert all(field["attributes"].get("label") for field in form["body"] if field["type"] != "markdown")
    for field in form["body"]:
        if field["type"] == "dropdown":
            assert field["attributes"]["options"]
            # yes, no and numbers would be read as something else than words
            assert all(isinstance(option, str) for option in field["attributes"]["options"])


def test_files_that_the_guide_names_are_there() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text()
    named = re.findall(r"`((?:tests|telemetry_pipeline)/[\w/]+\.py|mkdocs\.yml)`", guide)
    assert len(named) > 3
    assert all((ROOT / path).is_file() for path in named)


def test_hooks_and_checks_use_the_same_tools() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    # a hook from elsewhere would be another version than the one that judges
    assert [repository["repo"] for repository in hooks] == ["local"]
    makefile = (ROOT / "Makefile").read_text()
    for hook in hooks[0]["hooks"]:
        assert hook["language"] == "system"
        program = hook["entry"].split()[0]
        assert program in (".venv/bin/python", ".venv/bin/ruff")
        assert Path(program).name in makefile or "test_secrets.py" in makefile
