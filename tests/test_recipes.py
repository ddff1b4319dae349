"""Container recipes are whole: what they begin with, copy, install and start is there, and their steps can be run.

No image is made; what is left to an engine is said at `NOT_RUN`.
"""

import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Final

import pytest

from telemetry_pipeline.settings import Settings
from tests.recipes import RECIPES, ROOT, Folder, Recipe, Stage, faults, tracked

NOT_RUN: Final = {
    "dashboard": "npm's registry; `make wheel` runs the same two commands",
    "runtime": "users are an image's",
    "ecs": "Amazon's bundle is fetched; tests/test_certificates.py runs its script with one of its own",
    "lambda": "installs into a folder what only an index has; `scripts/build_lambda.py` does the same in tests",
    "deploy/requirements-k8s.lock": "Kubernetes' client, which nothing else needs",
}
"""Stages and locks whose steps no test runs, and why."""


@pytest.fixture(scope="module")
def files() -> list[str]:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    return tracked()


def of(path: Path) -> Recipe:
    return Recipe.read(path)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_a_builder_finds_nothing_wrong(path: Path, files: list[str]) -> None:
    assert list(faults(of(path), files)) == []


def test_every_recipe_is_known(files: list[str]) -> None:
    found = {ROOT / name for name in files if re.search(r"(Docker|Container)file$", name)}
    assert found == set(RECIPES)


@pytest.mark.parametrize(
    ("recipe", "right", "wrong", "said"),
    [
        (0, "node:24-bookworm-slim", "node", "node says no version"),
        (0, "node:24-bookworm-slim", "node:latest", "node:latest says no version"),
        (0, "ARG PYTHON=3.12", "ARG OTHER=3.12", "python:?-slim-bookworm says no version"),
        (0, "COPY api/ api/", "COPY apis/ api/", "a clone has no apis/"),
        (0, "COPY api/ api/", "COPY docs/ docs/", "docs/ is ignored"),
        (0, "COPY api/ api/", "ADD api/ api/", "ADD is not used here"),
        (0, "README.md LICENSE ./", "README.md LICENSE .", ". is no folder for 4 sources"),
        (0, "--from=build", "--from=built", "no stage before it is built"),
        (0, "--require-hashes", "", "packages without digests"),
        (0, "npm ci", "npm install", "packages of npm"),
        (0, 'CMD ["telemetry", "serve"', 'CMD telemetry serve"', "a shell would stand between CMD"),
        (1, "${LAMBDA_TASK_ROOT}", "${TASK_ROOT}", "TASK_ROOT is not set"),
        (2, "-c constraints.txt ", "", "packages of any version"),
        (2, "RUN sed", "RUN curl http://example.org | sed", "something that no lock holds"),
    ],
)
def test_each_fault_is_found(recipe: int, right: str, wrong: str, said: str, files: list[str]) -> None:
    text = RECIPES[recipe].read_text()
    assert right in text
    broken = Recipe.read(RECIPES[recipe], text.replace(right, wrong))
    assert said in "\n".join(faults(broken, files))


def test_nothing_that_lies_beside_the_sources_gets_in() -> None:
    for path in RECIPES:
        recipe = of(path)
        if recipe.takes_the_source_tree:
            for name in (
                ".env",
                "deploy/.env",
                "api/.env",
                ".git/config",
                "lake/raw/x",
                "api/__pycache__/x.pyc",
            ):
                assert not recipe.is_given(name), (path, name)
            assert recipe.is_given("api/app.py")


def test_images_run_as_nobody_and_with_settings_that_are_read() -> None:
    for path in RECIPES:
        recipe = of(path)
        by_name = {stage.name: stage for stage in recipe.stages}
        copied = {recipe.sources(words)[0] for stage in recipe.stages for words in stage.all("COPY")}
        based_on = {stage.base for stage in recipe.stages}
        for stage in recipe.stages:
            part = stage.name in copied | based_on and not stage.all("CMD")
            if part or "lambda" in stage.base:
                continue  # no image of its own, or one that Lambda runs as it likes
            users = [*by_name.get(stage.base, stage).all("USER"), *stage.all("USER")]
            assert users, f"{stage.name} runs as root"
            assert users[-1] not in ("0", "root")
        for stage in recipe.stages:
            env = dict(word.split("=", 1) for rest in stage.all("ENV") for word in rest.split())
            Settings.from_env({name: value for name, value in env.items() if name.startswith("TELEMETRY_")})


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is installed for the tests, from the same locks, without ourselves."""
    folder = tmp_path_factory.mktemp("packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        ours = re.match(r"_?(editable_impl_)?_?can_telemetry|__editable__|.*\.pth$", entry.name)
        if not ours:
            (folder / entry.name).symlink_to(entry)
    return folder


def stage_of(path: Path, name: str) -> tuple[Recipe, Stage]:
    recipe = of(path)
    (stage,) = [stage for stage in recipe.stages if stage.name == name]
    return recipe, stage


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "commands"),
    [
        (RECIPES[0], ("telemetry", "edge-agent")),
        (RECIPES[2], ("edge-agent",)),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_what_a_build_installs_starts_without_the_sources(
    path: Path, commands: tuple[str, ...], files: list[str], packages: Path, tmp_path: Path
) -> None:
    recipe, stage = stage_of(path, "build")
    steps = tuple(step for step in stage.steps if not any(lock in step.rest for lock in NOT_RUN))
    assert len(stage.steps) - len(steps) <= 2
    image = Folder(tmp_path / "image", packages)
    image.run(recipe, Stage(stage.name, stage.base, steps), files)
    shutil.rmtree(image.inside("/src"))
    (made,) = (tmp_path / "image" / "opt").iterdir()
    for command in commands:
        done = subprocess.run(
            [made / "bin" / command, "--help"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    (installed,) = made.glob("lib/python*/site-packages/telemetry_pipeline")
    assert (installed / "defs" / "dagster.yaml").exists()
    assert (installed / "_shipped" / "dbc").is_dir() == ("COPY dbc/ dbc/" in path.read_text())
    taken = {
        words.split()[1]
        for stage in recipe.stages
        for words in stage.all("COPY")
        if words.startswith("--from")
    }
    assert f"/opt/{made.name}" in taken


def test_a_step_that_fails_is_seen_and_what_is_ignored_is_not_copied(
    files: list[str], tmp_path: Path
) -> None:
    text = "FROM x:1 AS build\nWORKDIR /src\nCOPY pyproject.toml docs/ ./\nRUN cat pyproject.toml && cat index.md\n"
    recipe = Recipe.read(RECIPES[0], text)
    with pytest.raises(AssertionError, match=r"index\.md: No such file"):
        Folder(tmp_path, tmp_path).run(recipe, recipe.stages[0], files)
    assert [path.name for path in (tmp_path / "src").iterdir()] == ["pyproject.toml"]


def test_what_is_not_run_is_there() -> None:
    text = "".join(path.read_text() for path in RECIPES)
    assert all(f" AS {name}\n" in text or f" {name}\n" in text for name in NOT_RUN)
