"""Both Lambda packages for both kinds of machine: what was built for one that is not this can be loaded there.

This machine's are really run by test_lambda_package.py and test_api_package.py, which hold what they loaded against the
packages for arm64.
"""

import os
import sys
from collections.abc import Callable

import pytest

from tests.package_contents import libraries, unloadable, unmet
from tests.unpacked_function import HERE, Package

pytestmark = pytest.mark.slow

MACHINES = {
    HERE: (os.uname().machine, f"{sys.version_info.major}.{sys.version_info.minor}"),
    "arm64": ("aarch64", "3.12"),
}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", ["decoder", "api"])
def test_everything_in_a_package_can_be_loaded_on_its_machine(
    name: str, machine: str, lambda_package: Callable[..., Package], measured: Callable[[str], None]
) -> None:
    built = lambda_package(name, machine)
    measured(f"{name} package, {machine}: {built.size_line}")
    kind, python = MACHINES[machine]
    found = libraries(built.folder)
    assert {library.machine for library in found.values()} == {kind}
    assert len(found) > 40
    assert unloadable(built.folder) == []
    assert unmet(built.folder, kind, python) == []
    if name == "api":
        image = (built.folder / "Dockerfile").read_text()
        assert f"ARG MACHINE={kind.replace('aarch64', 'arm64')}\n" in image
