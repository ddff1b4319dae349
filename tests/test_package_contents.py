"""What is said of a package's contents without running it is true, and says so when something is missing."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import pyarrow as pa
import pytest

from tests.elf import read_library
from tests.package_contents import lacking, unloadable, unmet

ARROW = Path(pa.__file__).parent


def test_a_library_says_its_machine_and_what_it_is_loaded_with() -> None:
    found = read_library(Path(os.path.realpath(sys.executable)))
    assert found.machine == os.uname().machine
    assert "libc.so.6" in found.needed
    assert any(version.startswith("GLIBC_2.") for version in found.versions)
    module = read_library(ARROW / f"lib{sysconfig.get_config_var('EXT_SUFFIX')}")
    assert any(name.startswith("libarrow.so") for name in module.needed)
    assert "$ORIGIN" in module.search


def test_what_is_no_library_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.so").write_bytes(b"\x7fELF\x01\x01 of 32 bits")
    with pytest.raises(ValueError, match="no 64-bit little-endian ELF"):
        read_library(tmp_path / "x.so")


def test_a_library_that_is_left_out_is_missed(tmp_path: Path) -> None:
    name = f"lib{sysconfig.get_config_var('EXT_SUFFIX')}"
    shutil.copy(ARROW / name, tmp_path / name)
    missed = unloadable(tmp_path)
    assert any(line.startswith(f"{name} does not find libarrow.so") for line in missed)
    for path in ARROW.glob("libarrow*.so.*"):
        (tmp_path / path.name).symlink_to(path)
    assert not any(line.startswith(f"{name} does not find libarrow.so") for line in unloadable(tmp_path))


def test_a_requirement_that_is_left_out_is_missed(tmp_path: Path) -> None:
    def put(name: str, version: str, *lines: str) -> None:
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        text = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {line}" for line in lines)]
        (folder / "METADATA").write_text("\n".join(["Metadata-Version: 2.1", *text, ""]))

    put("door", "1.0", 'Wood_En>=2; platform_machine == "aarch64"', 'bell; extra == "loud"')
    assert unmet(tmp_path, "x86_64", "3.12") == []
    assert [line.partition(",")[0] for line in unmet(tmp_path, "aarch64", "3.12")] == [
        'door requires Wood_En>=2; platform_machine == "aarch64"'
    ]
    put("wood.en", "1.9")
    assert unmet(tmp_path, "aarch64", "3.12")[0].endswith("and has 1.9")


def test_modules_are_the_same_under_the_names_of_another_machine(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/fast.cpython-312-aarch64-linux-gnu.so").touch()
    (tmp_path / "a/slow.py").touch()
    (tmp_path / "a/any.abi3.so").touch()
    loaded = ["a/fast.cpython-311-x86_64-linux-gnu.so", "a/slow.py", "a/any.abi3.so", "a/gone.py"]
    assert lacking(tmp_path, loaded) == ["a/gone.py"]
