"""The agent on real buses, in a kernel of its own; what is done there is in the scenes."""

import ast
import re
import sys

import pytest

from tests.edge_agent.uml import PROJECT, ext4, guest, missing

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing() or "it can boot")]

HERE = PROJECT / "tests" / "edge_agent"
SCENES = [
    HERE / f"uml_{name}.py" for name in ("reader", "interface", "disk", "clock", "scripts", "health", "abort")
]
NAMES = [
    node.name
    for scene in SCENES
    for node in ast.parse(scene.read_text()).body
    if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """What became of each scene, and all that was said: one boot for all of them."""
    options = ["-p", "no:cacheprovider", "-rA", "-q", "--color=no", "-W", "default", "--basetemp=/run/scenes"]
    # a start takes longest in here: of the plugins and the fixtures of this machine's tests the scenes use none
    options += ["--noconftest", "-p", "tests.edge_agent.uml_fixtures"]
    pytest_alone = ["env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1", sys.executable, "-m", "pytest"]
    image = ext4(tmp_path_factory.mktemp("card") / "disk", 32)
    with guest([*pytest_alone, *options, *SCENES], image=image) as running:
        running.wait(1200)
        said = running.output
    found: dict[str, set[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+::(\w+)", said, re.MULTILINE):
        found.setdefault(name, set()).add(outcome)
    return found, said


@pytest.mark.parametrize("name", NAMES)
def test_in_a_kernel_with_buses(outcomes, name):
    found, said = outcomes
    assert found.get(name) == {"PASSED"}, said
