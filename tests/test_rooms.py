"""Who may import whom, and which words are spelled where. A file that needs a new neighbour changes this table first.

Read with the standard library's `ast`: lazy imports inside functions count like those at the top.
"""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("telemetry_pipeline", "edge_agent", "api", "infra")

P = "telemetry_pipeline"
LAKE, DECODE, ERRORS, SETTINGS = f"{P}.lake", f"{P}.decode", f"{P}.errors", f"{P}.settings"
PIPELINE = (f"{P}.bindings", f"{P}.process", f"{P}.drain", f"{P}.inbox", f"{P}.totals")
DRAINING = (f"{P}.decoder_pool", f"{P}.reconcile")

ROOMS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # room (the longest prefix wins): (rooms that it may import, third parties that it may import)
    P: ((), ()),
    ERRORS: ((), ()),
    SETTINGS: (
        (
            ERRORS,
            *(f"{P}.{name}" for name in ("reader_settings", "service_settings", "shipped", "variables")),
        ),
        (),
    ),
    f"{P}.shipped": ((), ()),
    f"{P}.variables": ((ERRORS,), ()),
    f"{P}.reader_settings": ((ERRORS, f"{P}.variables"), ()),
    f"{P}.service_settings": ((ERRORS, f"{P}.variables"), ()),
    f"{P}.version": ((), ()),
    LAKE: ((ERRORS, f"{P}.version"), ("numpy", "obstore", "pyarrow")),
    DECODE: ((ERRORS, LAKE), ("cantools", "numpy", "orjson", "pyarrow")),
    f"{P}.formats": ((ERRORS, LAKE), ("asammdf", "can", "numpy", "pyarrow")),
    f"{P}.query": ((ERRORS, LAKE, f"{P}.rules", f"{P}.series"), ("numpy", "pyarrow", "polars")),
    f"{P}.query.reader": ((f"{P}.series.tiers",), ("numpy",)),
    f"{P}.query.index": ((ERRORS, LAKE, f"{P}.query.reader"), ("numpy", "pyarrow", "polars")),
    f"{P}.query.cache": ((), ()),
    f"{P}.query.patience": ((ERRORS,), ()),
    f"{P}.query.athena": (
        (ERRORS, LAKE, f"{P}.catalog", f"{P}.query", f"{P}.series"),
        ("boto3", "botocore", "numpy", "polars", "pyathena"),
    ),
    f"{P}.query.open": ((ERRORS, LAKE, SETTINGS, f"{P}.query"), ()),
    f"{P}.query.listing": ((LAKE, f"{P}.query.cache"), ()),
    f"{P}.query.source": ((LAKE,), ("numpy", "pyarrow")),
    f"{P}.query.day": ((f"{P}.query.index", f"{P}.query.reader"), ()),
    f"{P}.series": (
        (
            ERRORS,
            LAKE,
            *(f"{P}.query.{name}" for name in ("reader", "index", "day", "cache", "listing", "source")),
            f"{P}.version",
        ),
        ("numpy", "pyarrow"),
    ),
    f"{P}.series.tiers": ((f"{P}.series.buckets",), ("numpy",)),
    f"{P}.series.buckets": ((), ("numpy",)),
    f"{P}.rules": ((ERRORS, LAKE, f"{P}.decode.signals"), ("numpy", "pyarrow", "yaml")),
    f"{P}.bindings": ((ERRORS, LAKE, DECODE, f"{P}.rules"), ("yaml",)),
    f"{P}.days": ((LAKE,), ("numpy", "pyarrow")),
    f"{P}.intake": ((ERRORS, LAKE, DECODE, f"{P}.borders", f"{P}.days"), ()),
    f"{P}.scratch": ((), ()),
    f"{P}.collector": ((), ()),
    f"{P}.borders": ((ERRORS, LAKE, DECODE, f"{P}.days"), ("pyarrow",)),
    f"{P}.made_by": ((ERRORS, LAKE, f"{P}.decode.plan", f"{P}.version"), ()),
    f"{P}.thresholds": ((ERRORS, LAKE), ("yaml",)),
    f"{P}.webserver": ((ERRORS, LAKE), ()),
    f"{P}.health": (
        (
            ERRORS,
            LAKE,
            f"{P}.decode.report",
            *(f"{P}.{name}" for name in ("made_by", "process", "thresholds")),
        ),
        ("pyarrow",),
    ),
    f"{P}.alerts": ((ERRORS,), ("boto3", "botocore")),
    f"{P}.stale": ((ERRORS, LAKE, f"{P}.decode.plan", f"{P}.bindings", f"{P}.made_by"), ()),
    f"{P}.quarantine": ((ERRORS, LAKE, f"{P}.version"), ()),
    f"{P}.dictionaries": ((ERRORS, LAKE, f"{P}.decode.dbc", f"{P}.decode.meaning"), ()),
    f"{P}.process": (
        (
            ERRORS,
            LAKE,
            DECODE,
            *(f"{P}.{name}" for name in ("bindings", "borders", "dictionaries", "intake", "made_by")),
            *(f"{P}.{name}" for name in ("collector", "quarantine", "rules", "scratch")),
        ),
        (),
    ),
    f"{P}.database_cache": ((LAKE, f"{P}.bindings"), ()),
    f"{P}.s3_events": ((ERRORS,), ()),
    f"{P}.inbox": ((ERRORS, LAKE, f"{P}.s3_events", f"{P}.version"), ("boto3", "botocore")),
    f"{P}.reconcile": ((ERRORS, LAKE, f"{P}.inbox"), ()),
    f"{P}.totals": ((ERRORS, LAKE, f"{P}.decode.report", f"{P}.process"), ()),
    f"{P}.decoder_pool": ((ERRORS, LAKE, f"{P}.drain", f"{P}.process"), ()),
    f"{P}.decoder_worker": ((ERRORS, LAKE, f"{P}.drain", f"{P}.process"), ("pyarrow",)),
    f"{P}.metrics_log": ((), ()),
    f"{P}.pipes": ((ERRORS, LAKE, f"{P}.decode.report", f"{P}.process"), ("dagster_pipes",)),
    f"{P}.lambda_handler": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            f"{P}.decode.report",
            f"{P}.bindings",
            f"{P}.process",
            *(f"{P}.{name}" for name in ("database_cache", "metrics_log", "pipes", "s3_events")),
        ),
        (),
    ),
    f"{P}.catalog_handler": (
        (ERRORS, LAKE, SETTINGS, f"{P}.catalog", f"{P}.metrics_log"),
        (),
    ),
    f"{P}.compact_task": (
        (ERRORS, LAKE, SETTINGS, f"{P}.catalog", f"{P}.metrics_log", f"{P}.series"),
        (),
    ),
    f"{P}.spark_job": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            *(f"{P}.{name}" for name in ("database_cache", "decode.report", "pipes", "process")),
        ),
        ("pyarrow", "pyspark"),
    ),
    f"{P}.drain": (
        (ERRORS, LAKE, *(f"{P}.{name}" for name in ("database_cache", "inbox", "process", "quarantine"))),
        (),
    ),
    f"{P}.fleet": ((ERRORS, LAKE, f"{P}.decode.report", f"{P}.query"), ("numpy", "polars", "pyarrow")),
    f"{P}.catalog": ((ERRORS, LAKE, f"{P}.series.tiers"), ("boto3", "botocore", "pyarrow")),
    f"{P}.verify": ((ERRORS, LAKE, f"{P}.decode.report", f"{P}.borders"), ()),
    f"{P}.defs": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            *PIPELINE,
            *DRAINING,
            *(
                f"{P}.{name}"
                for name in ("catalog", "database_cache", "decode", "fleet", "series", "pipes", "version")
            ),
            *(f"{P}.{name}" for name in ("query", "rules")),
            *(f"{P}.{name}" for name in ("alerts", "health", "stale", "thresholds")),
        ),
        ("boto3", "botocore", "dagster", "dagster_aws", "dagster_pipes", "polars", "pyarrow"),
    ),
    f"{P}.client": (
        (ERRORS, LAKE, SETTINGS, f"{P}.query", f"{P}.rules.interval"),
        ("numpy", "polars", "pyarrow"),
    ),
    f"{P}.definitions": ((LAKE, SETTINGS, f"{P}.catalog", f"{P}.defs"), ("dagster",)),
    f"{P}.smoke": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            f"{P}.catalog",
            f"{P}.query",
            "edge_agent.database",
            "edge_agent.iot",
            "edge_agent.simulate",
        ),
        ("boto3", "botocore"),
    ),
    f"{P}.cli": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            DECODE,
            f"{P}.catalog",
            f"{P}.fleet",
            f"{P}.formats",
            f"{P}.query",
            f"{P}.rules",
            f"{P}.series",
            f"{P}.smoke",
            *PIPELINE,
            f"{P}.scratch",
            f"{P}.verify",
            *(
                f"{P}.{name}"
                for name in ("dictionaries", "service_settings", "shipped", "stale", "webserver")
            ),
            f"{P}.version",
            "edge_agent",
            "api",
        ),
        ("asammdf", "can", "matplotlib", "numpy", "orjson", "polars", "pyarrow", "rich", "typer", "uvicorn"),
    ),
    "edge_agent": ((ERRORS, LAKE), ("can", "cantools", "numpy", "pyarrow", "rich", "typer", "yaml")),
    "edge_agent.database": ((ERRORS, f"{P}.decode.dbc", f"{P}.shipped"), ("cantools",)),
    # stacks name what they deploy; they run none of it
    "infra": (
        (ERRORS, LAKE, SETTINGS, f"{P}.catalog", f"{P}.metrics_log", "api.headers"),
        ("aws_cdk", "cdk_nag", "constructs", "yaml"),
    ),
    # what is measured is run
    "infra.cost": (
        (
            *(ERRORS, LAKE, SETTINGS, f"{P}.catalog", f"{P}.catalog_handler"),
            *(f"{P}.lambda_handler", f"{P}.s3_events", f"{P}.series", "infra"),
        ),
        ("yaml",),
    ),
    "infra.recover": ((ERRORS, LAKE), ("boto3", "botocore")),
    "api": (
        (
            ERRORS,
            LAKE,
            SETTINGS,
            f"{P}.query",
            f"{P}.fleet.health",
            *(
                f"{P}.{name}"
                for name in ("metrics_log", "rules.interval", "series.tiers", "service_settings", "version")
            ),
        ),
        (
            "anyio",
            "fastapi",
            "jwt",
            "mangum",
            "numpy",
            "orjson",
            "polars",
            "pyarrow",
            "pydantic",
            "starlette",
            "tsdownsample",
            "uvicorn",
        ),
    ),
}

WORDS: dict[str, set[str]] = {
    # a word: the files or folders that may spell it
    r"\b(year|month|day)=": {f"{P}/lake/layout.py"},
    r"\benviron\b|\bgetenv\b": {f"{P}/settings.py", "edge_agent/config.py", "edge_agent/surroundings.py"},
    r"\bboto3\b": {
        *(
            f"{P}/{name}.py"
            for name in ("alerts/targets", "catalog/connect", "defs/dispatch", "inbox/queue", "lake/bucket")
        ),
        f"{P}/query/athena/connect.py",
        f"{P}/smoke/aws.py",
        "infra/recover.py",
        "infra/spark.py",
    },
    r"\bimport dagster\b|\bfrom dagster\b": {f"{P}/defs/", f"{P}/definitions.py"},
    r"\bSELECT\b": {f"{P}/query/athena/statement.py", "infra/metrics.py"},
    r"\bpyathena\b": {f"{P}/query/athena/runner.py"},
    r"local_mode|is_local": set(),
    r"\bpa\.schema\(": {f"{P}/lake/", "api/encode.py", f"{P}/cli/query.py"},
    r"time\.sleep\(": {
        f"{P}/defs/assets.py",
        f"{P}/drain.py",
        f"{P}/cli/demo.py",
        "edge_agent/capture.py",
        "edge_agent/upload.py",
    },
}


def files() -> list[Path]:
    return [path for top in OURS for path in sorted((ROOT / top).rglob("*.py"))]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    return max((room for room in ROOMS if module == room or module.startswith(f"{room}.")), key=len)


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


@cache
def tree_of(source: str) -> ast.Module:
    """A source's syntax: parsed once, for every rule looks at every file."""
    return ast.parse(source)


def imports(source: str, where: str) -> Iterator[str]:
    """Every import of a file as a dotted name, at any depth."""
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where}: relative import"
            for alias in node.names:  # "from package import module" names the module
                name = f"{node.module}.{alias.name}"
                yield name if is_module(name) else str(node.module)


def violations(module: str, source: str) -> list[str]:
    here = room_of(module)
    rooms, third_parties = ROOMS[here]
    found = []
    for name in imports(source, module):
        top = name.partition(".")[0]
        if top in OURS:
            allowed = room_of(name) == here or any(
                name == room or name.startswith(f"{room}.") for room in rooms
            )
            # a room's own parts may be rooms with rules of their own
            allowed = allowed or (
                room_of(name).startswith(f"{here}.") or here.startswith(f"{room_of(name)}.")
            )
        else:
            allowed = top in sys.stdlib_module_names or top in third_parties
        if not allowed:
            found.append(f"{module} (room {here}) may not import {name}")
    return found


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_in_its_room(path: Path) -> None:
    assert violations(module_of(path), path.read_text()) == []


@pytest.mark.parametrize("word", WORDS)
def test_a_word_stays_in_its_room(word: str) -> None:
    homes = WORDS[word]
    spelled = {str(path.relative_to(ROOT)) for path in files() if re.search(word, code_of(path.read_text()))}
    strangers = {name for name in spelled if not any(name == home or name.startswith(home) for home in homes)}
    assert not strangers, f"{word!r} is spelled in {sorted(strangers)}"
    assert not homes or spelled, f"{word!r} is spelled nowhere: the rule is dead"


@cache
def code_of(source: str) -> str:
    """A source without its docstrings: what a file explains is not what it does."""
    lines = source.splitlines()
    for node in ast.walk(tree_of(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                for number in range(first.lineno - 1, first.end_lineno or first.lineno):
                    lines[number] = ""
    return "\n".join(lines)


def test_rooms_have_no_cycle() -> None:
    graph: dict[str, set[str]] = {}
    for path in files():
        here = room_of(module_of(path))
        ours = (name for name in imports(path.read_text(), str(path)) if name.partition(".")[0] in OURS)
        graph.setdefault(here, set()).update(room for name in ours if (room := room_of(name)) != here)
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize(
    ("module", "line"),
    [
        (f"{P}.lake.x", "import cantools"),
        (f"{P}.lake.x", f"from {P} import decode"),
        (f"{P}.decode.x", f"from {P}.settings import Settings"),
        (f"{P}.decode.x", "def f():\n    import polars"),
        (f"{P}.process", "import dagster"),
        (f"{P}.query.x", f"from {P}.decode.report import Report"),
        (f"{P}.query.x", "import pyathena"),
        (f"{P}.query.x", f"from {P}.catalog.glue import Glue"),
        (f"{P}.rules.x", f"from {P}.bindings import Databases"),
        ("api.x", f"from {P}.rules.parse import parse_rules"),
        ("api.x", f"from {P}.process import process_object"),
        ("api.x", f"from {P}.decode import dbc"),
        ("edge_agent.x", f"from {P}.process import process_object"),
        ("edge_agent.x", f"from {P}.decode.frames import decode_frames"),
        (f"{P}.lambda_handler", "import boto3"),
        (f"{P}.lambda_handler", f"from {P}.cli import console"),
        (f"{P}.process", "import pyspark"),
        ("edge_agent.x", "import dagster"),
        ("infra.x", f"from {P}.process import process_object"),
        ("api.x", "import aws_cdk"),
        (f"{P}.definitions", f"from {P}.cli import main"),
        (f"{P}.defs.x", "import obstore"),
    ],
)
def test_the_rules_can_fail(module: str, line: str) -> None:
    assert violations(module, line)


def test_modules_say_what_belongs_in_them() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in files()
        if path.read_text().strip() and not ast.get_docstring(tree_of(path.read_text()))
    ]
    assert silent == []


def test_files_stay_small() -> None:
    sizes = sorted(len(path.read_text().splitlines()) for path in files() if path.name != "__init__.py")
    assert sizes[len(sizes) // 2] <= 140
    assert sizes[-1] <= 350
