"""What lies in a package for Lambda, looked at without running it: machines other than this one's can be told, too."""

import importlib.metadata
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from tests.elf import Library, is_elf, read_library

SYSTEM: Final = frozenset(
    {
        *("ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6"),
        *("libpthread.so.0", "librt.so.1", "libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
    }
)
"""Libraries that a function finds on Amazon Linux 2023, of those that wheels may leave out."""

GLIBC: Final = (2, 34)
"""Its version there."""

_EXTENSION: Final = re.compile(r"(\.cpython-\d+-[a-z0-9_]+-linux-gnu|\.abi3)?\.so$")


def libraries(package: Path) -> dict[str, Library]:
    """Every compiled file, by its path in the package."""
    return {
        path.relative_to(package).as_posix(): read_library(path)
        for path in sorted(package.rglob("*"))
        if path.is_file() and is_elf(path)
    }


def unloadable(package: Path) -> list[str]:
    """What keeps compiled files from being loaded on Amazon Linux 2023, each as a line."""
    found = []
    for name, library in libraries(package).items():
        home = (package / name).parent
        for wanted in library.needed:
            places = (home / part.replace("$ORIGIN", ".") / wanted for part in library.search)
            if wanted not in SYSTEM and not any(place.is_file() for place in places):
                found.append(f"{name} does not find {wanted}")
        found += [
            f"{name} wants {version}"
            for version in sorted(library.versions)
            if version.startswith("GLIBC_") and _numbers(version) > GLIBC
        ]
    return found


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.removeprefix("GLIBC_").split("."))


def unmet(package: Path, machine: str, python: str) -> list[str]:
    """What distributions of the package require and do not find there, each as a line."""
    here = {
        _normal(item.metadata["Name"]): item for item in importlib.metadata.distributions(path=[str(package)])
    }
    place = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "extra": "",
    }
    found = []
    for name, item in sorted(here.items()):
        for wanted in map(Requirement, item.requires or ()):
            if wanted.marker and not wanted.marker.evaluate(place):
                continue
            there = here.get(_normal(wanted.name))
            if there is None or not wanted.specifier.contains(there.version, prereleases=True):
                found.append(f"{name} requires {wanted}, and has {there.version if there else 'nothing'}")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def lacking(package: Path, modules: Iterable[str]) -> list[str]:
    """Modules that are not there, of those that a package for another machine or Python loaded when it ran.

    Args:
        package: The package.
        modules: Paths of the other one's modules, relative to its folder.
    """
    there = {
        _EXTENSION.sub(".so", path.relative_to(package).as_posix())
        for path in package.rglob("*")
        if path.suffix in {".py", ".so"}
    }
    return [name for name in modules if _EXTENSION.sub(".so", name) not in there]
