"""Container recipes as a builder reads them: stages, instructions, what a folder gives to a COPY, and what is wrong.

Images are not made here, for there may be no engine. `run` does in a folder what a stage's steps would do in its image.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
RECIPES: Final = tuple(
    ROOT / "deploy" / name for name in ("Dockerfile", "lambda-api.Dockerfile", "edge/Containerfile")
)
GIVEN: Final = {"LAMBDA_TASK_ROOT": "/var/task"}
"""What base images have set already."""

_KNOWN: Final = frozenset(
    [
        *("FROM", "ARG", "ENV", "WORKDIR", "RUN", "COPY", "USER", "VOLUME", "EXPOSE"),
        *("HEALTHCHECK", "STOPSIGNAL", "ENTRYPOINT", "CMD"),
    ]
)
_VARIABLE: Final = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_FOLDERS: Final = ("opt", "src")
"""What stages make at the top of their image; elsewhere nothing is written while packages are built."""


@dataclass(frozen=True)
class Step:
    """One instruction, its continued lines joined."""

    name: str
    rest: str


@dataclass(frozen=True)
class Stage:
    """What is between one FROM and the next: the image or stage that it begins with, and its steps."""

    name: str
    base: str
    steps: tuple[Step, ...]

    def all(self, name: str) -> list[str]:
        """What stands behind every instruction of a name."""
        return [step.rest for step in self.steps if step.name == name]


@dataclass(frozen=True)
class Recipe:
    """A recipe, and of the source tree what may get into its images."""

    path: Path
    variables: Mapping[str, str]
    stages: tuple[Stage, ...]

    @classmethod
    def read(cls, path: Path, text: str | None = None) -> "Recipe":
        """Parse a recipe; `text` instead of what is in the file."""
        joined = re.sub(r"\\\n\s*", "", path.read_text() if text is None else text)
        lines = [line.split(None, 1) for line in joined.splitlines() if line and not line.startswith("#")]
        variables = dict(GIVEN)
        stages: list[tuple[str, str, list[Step]]] = []
        for name, rest in lines:
            if name == "FROM":
                base, _, alias = rest.partition(" AS ")
                stages.append((alias or f"stage {len(stages)}", base, []))
            elif not stages:
                variables |= dict([rest.split("=", 1)])
            else:
                stages[-1][2].append(Step(name, rest))
        return cls(path, variables, tuple(Stage(name, base, tuple(steps)) for name, base, steps in stages))

    @property
    def takes_the_source_tree(self) -> bool:
        """Whether it is built from the root of the source tree; otherwise a script fills a folder for it."""
        return self.path.with_name(f"{self.path.name}.dockerignore").exists()

    def is_given(self, file: str) -> bool:
        """Whether the ignore file leaves a file to the builder: the last pattern that fits decides."""
        given = True
        ignore = self.path.with_name(f"{self.path.name}.dockerignore")
        for line in ignore.read_text().splitlines():
            pattern = line.removeprefix("!").rstrip("/")
            if line and not line.startswith("#") and _fits(file, pattern):
                given = line.startswith("!")
        return given

    def sources(self, words: str) -> tuple[str, list[str], str]:
        """Of a COPY: the stage that it copies from, "" for the source tree; what; and where to."""
        parts = words.split()
        stage = parts.pop(0).removeprefix("--from=") if parts[0].startswith("--from=") else ""
        return stage, parts[:-1], parts[-1]


def _fits(file: str, pattern: str) -> bool:
    """A pattern fits a file that it names and everything below a folder that it names."""
    parts = file.split("/")
    paths = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
    return any(path.count("/") == pattern.count("/") and fnmatch.fnmatchcase(path, pattern) for path in paths)


def tracked() -> list[str]:
    """The files that a clone has."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def faults(recipe: Recipe, files: list[str]) -> Iterator[str]:
    """What a builder or a careful reader would refuse, one line each.

    Args:
        recipe: What is read.
        files: What a clone has.
    """
    done: list[str] = []
    for stage in recipe.stages:
        variables = dict(recipe.variables)
        base = _filled(stage.base, variables)
        if base not in done and not re.search(r"[^/]+:[\w-]*\d[\w.-]*$", base):
            yield f"{stage.name}: {base} says no version"
        for step in stage.steps:
            if step.name not in _KNOWN:
                yield f"{stage.name}: {step.name} is not used here"
            if step.name in ("CMD", "ENTRYPOINT") and not _is_list(step.rest):
                yield f"{stage.name}: a shell would stand between {step.name} and its signals"
            if step.name in ("ARG", "ENV"):
                variables |= dict(word.split("=", 1) for word in step.rest.split())
            if step.name in ("COPY", "RUN", "WORKDIR"):
                unset = {a or b for a, b in _VARIABLE.findall(step.rest)} - variables.keys()
                if unset - {"PATH"}:
                    yield f"{stage.name}: {', '.join(sorted(unset))} is not set"
            if step.name == "COPY":
                yield from _faults_of_copy(recipe, stage, step.rest, done, files)
            if step.name == "RUN":
                yield from _faults_of_install(stage, step.rest)
        done.append(stage.name)


def _filled(text: str, variables: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], "?"), text)


def _faults_of_copy(
    recipe: Recipe, stage: Stage, words: str, done: list[str], files: list[str]
) -> Iterator[str]:
    other, sources, target = recipe.sources(words)
    if other:
        if other not in done:
            yield f"{stage.name}: no stage before it is {other}"
        return
    if len(sources) > 1 and not target.endswith("/"):
        yield f"{stage.name}: {target} is no folder for {len(sources)} sources"
    for source in sources if recipe.takes_the_source_tree else ():
        inside = [file for file in files if file == source or file.startswith(f"{source.rstrip('/')}/")]
        if not inside:
            yield f"{stage.name}: a clone has no {source}"
        elif not any(map(recipe.is_given, inside)):
            yield f"{stage.name}: {source} is ignored"


def _faults_of_install(stage: Stage, command: str) -> Iterator[str]:
    if "pip install" in command and "-r " in command and "--require-hashes" not in command:
        yield f"{stage.name}: packages without digests"
    if "pip install" in command and not re.search(r"--no-deps|-c \S+", command):
        yield f"{stage.name}: packages of any version"
    if re.search(r"\bnpm (install|i)\b", command) or (
        "npm ci" in command and "--ignore-scripts" not in command
    ):
        yield f"{stage.name}: packages of npm that are not those of the lock, or that run what they like"
    if re.search(r"\b(curl|wget)\b|\bsudo\b|\bapt(-get)? ", command):
        yield f"{stage.name}: something that no lock holds"


def _is_list(text: str) -> bool:
    try:
        return isinstance(json.loads(text), list)
    except ValueError:
        return False


@dataclass
class Folder:
    """A folder that stands for the image of a stage.

    Attributes:
        root: Its `/`.
        packages: A folder of Python packages that are found installed: what an index would give.
    """

    root: Path
    packages: Path
    env: dict[str, str] = field(default_factory=dict)
    at: str = "/"

    def inside(self, path: str) -> Path:
        """Where a path of the image lies."""
        return self.root / os.path.normpath(os.path.join(self.at, path)).lstrip("/")  # noqa: PTH118  not of this machine

    def run(self, recipe: Recipe, stage: Stage, files: list[str]) -> None:
        """Do the steps of a stage, as they stand, with paths of the image moved below `root`.

        Raises:
            AssertionError: A step failed.
        """
        for step in stage.steps:
            if step.name == "WORKDIR":
                self.at = step.rest
                self.inside("").mkdir(parents=True, exist_ok=True)
            elif step.name == "ENV":
                self.env |= dict(word.split("=", 1) for word in step.rest.split())
            elif step.name == "COPY":
                self._copy(recipe, step.rest, files)
            elif step.name == "RUN":
                self._run(step.rest)

    def _copy(self, recipe: Recipe, words: str, files: list[str]) -> None:
        _, sources, target = recipe.sources(words)
        for source in sources:
            for file in files:
                if not recipe.is_given(file):
                    continue
                if file == source:
                    to = (
                        self.inside(target) / Path(file).name if target.endswith("/") else self.inside(target)
                    )
                elif file.startswith(f"{source.rstrip('/')}/"):
                    to = self.inside(target) / file[len(source.rstrip("/")) + 1 :]
                else:
                    continue
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / file, to)

    def _run(self, command: str) -> None:
        moved = re.sub(rf"(?<![\w./])/({'|'.join(_FOLDERS)})/", rf"{self.root}/\1/", command)
        surroundings = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(self.root),
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # pip's way to say that it is not wanted: it would ask the index
            **self.env,
        }
        if venv := re.fullmatch(r"python -m venv (\S+)", moved):
            moved += " --without-pip"  # which takes five seconds; pip is among the packages
        done = subprocess.run(
            ["/bin/sh", "-e", "-c", moved],
            cwd=self.inside(""),
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        if venv:
            (made,) = Path(venv[1]).glob("lib/python*/site-packages")
            (made / "index.pth").write_text(f"{self.packages}\n")
            pip = Path(venv[1]) / "bin" / "pip"
            pip.write_text(f'#!/bin/sh\nexec {venv[1]}/bin/python -m pip "$@"\n')
            pip.chmod(0o755)
