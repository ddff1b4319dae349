"""Every stack of every deployment is what it was: a change of a template is seen by whoever makes it."""

import copy

import pytest

from tests.infra.conftest import Templates
from tests.infra.snapshots import FOLDER, normalised, path_of, text_of

RENEW = "python -m tests.infra.snapshots"


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["alone", "with_dagster", "with_glue"])
def test_the_stacks_are_what_they_were(variant: str, request: pytest.FixtureRequest) -> None:
    found: Templates = request.getfixturevalue(variant)
    kept = {path.stem for path in (FOLDER / variant).glob("*.json")}
    assert kept == found.stacks.keys(), f"renew them: {RENEW}"
    changed = [
        stack
        for stack, template in found.stacks.items()
        if text_of(template) != path_of(variant, stack).read_text()
    ]
    assert changed == [], f"look at what changed: {RENEW}, then git diff tests/infra/snapshots"


def test_a_changed_property_is_seen_and_a_changed_package_is_not(alone: Templates) -> None:
    template = alone.stacks["decode"]
    other = copy.deepcopy(template)
    (function,) = [
        it["Properties"]
        for name, it in other["Resources"].items()
        if it["Type"] == "AWS::Lambda::Function" and name.startswith("DecoderFunction")
    ]
    function["Code"]["S3Key"] = f"{'0' * 64}.zip"
    assert text_of(other) == text_of(template)
    function["MemorySize"] += 1
    assert normalised(other) != normalised(template)
