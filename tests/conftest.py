"""Fixtures that every room shares: empty lakes, and a real S3 server on loopback."""

import gc
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

from telemetry_pipeline.lake.store import Store
from tests import selection
from tests.doubles.athena.running import AthenaLake, AthenaServer, athena_running, make_lake
from tests.moto_server import ENV
from tests.s3_server import BUCKET, S3Server, SeaweedFS
from tests.servers import ended, free_port, wait_for_http
from tests.unpacked_function import Package, built_once

_MEASURED: Final = "measured"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--write-images", action="store_true", help="take the pictures of the documentation anew"
    )
    parser.addoption("--fast", action="store_true", help="only the quick tests of each file")


def pytest_configure(config: pytest.Config) -> None:
    """Workers of xdist ignore Ctrl-C, and what they start would inherit that: then nothing that is tested ends by it."""
    if hasattr(config, "workerinput"):
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # how long an example may take says nothing on a machine that others use; the rest is as CI or a desk has it
    settings.register_profile("unhurried", settings(), deadline=None)
    settings.load_profile("unhurried")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What tests measured, at the end of the run whether it was spread over workers or not."""
    reports = [
        it for part in terminalreporter.stats.values() for it in part if isinstance(it, pytest.TestReport)
    ]
    lines = [
        line
        for report in reports
        if report.when == "call"
        for name, line in report.user_properties
        if name == _MEASURED
    ]
    if lines:
        terminalreporter.section("measured")
    for line in sorted(lines):
        terminalreporter.line(line)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """`measured("… s")`: a line that the run shows at its end."""
    return partial(record_property, _MEASURED)


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a session."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def lambda_package(shared_folder: Path) -> Callable[..., Package]:
    """`lambda_package("api", "arm64")`: a package for Lambda; without a machine it is this one's."""
    return partial(built_once, shared_folder)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Three workers a core: much of the suite's time is waiting for processes, sensors and browsers."""
    return 3 * len(os.sched_getaffinity(0))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without a collector of garbage: nothing that is imported is any, and looking through it took half the time.

    What is there in the end stays; it is left out of every later round, too.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_unconfigure() -> None:
    """Let the interpreter take down at its end what collecting has kept: libraries complain of objects that stay."""
    gc.unfreeze()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Pass over files without quick tests where those alone are asked for: most of the time goes into imports."""
    if not config.getoption("--fast") or collection_path.suffix != ".py":
        return None
    return selection.has_no_quick(collection_path) or None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the quick tests alone where that is asked for, and have slow files run beside quick ones."""
    if config.getoption("--fast"):
        chosen = selection.quick(items)
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen
    items[:] = selection.mixed(items)


@pytest.fixture(autouse=True)
def _no_foreign_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the settings or credentials of whoever runs it."""
    for name in list(os.environ):
        if name.startswith(("TELEMETRY_", "AWS_", "AGENT_", "DAGSTER_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """SeaweedFS: a production S3 server that checks signatures, started for this session alone."""
    with SeaweedFS.started(tmp_path_factory.mktemp("seaweedfs")) as store:
        yield store.server


@pytest.fixture
def s3_lake(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake under a prefix of its own; this process's environment has the credentials."""
    for name, value in s3_server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"


@pytest.fixture(params=["file", "s3"])
def any_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty lake, in a folder and in a bucket: what a contract test runs over."""
    if request.param == "file":
        return Store.open((tmp_path / "lake").as_uri())
    url = request.getfixturevalue("s3_lake")
    return Store.open(url, endpoint_url=request.getfixturevalue("s3_server").endpoint)


@pytest.fixture
def folder_lake(tmp_path: Path) -> Store:
    """An empty lake in a folder."""
    return Store.open((tmp_path / "lake").as_uri())


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Moto as a process: S3, SQS and Glue behind one endpoint, with Glue's partition expressions."""
    port = free_port()
    folder = tmp_path_factory.mktemp("moto")
    command = [str(Path(sys.executable).parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    with ended(process, gently=False):
        server = S3Server.at(port)
        wait_for_http(f"{server.endpoint}/moto-api/", process, log=folder / "log", any_status=True)
        server.make_bucket()
        yield server


@pytest.fixture
def aws_lake(aws_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty lake in a bucket with Glue beside it; this process's environment has the credentials."""
    for name, value in aws_server.env.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def athena_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AthenaServer]:
    """S3, Glue and an Athena that really executes SQL, behind one endpoint."""
    with athena_running(tmp_path_factory.mktemp("athena")) as server:
        yield server


@pytest.fixture
def athena_lake(athena_server: AthenaServer, monkeypatch: pytest.MonkeyPatch) -> AthenaLake:
    """An empty lake in a bucket with a catalogue and a workgroup; this process's environment has the credentials."""
    for name, value in {**ENV, "AWS_ENDPOINT_URL": athena_server.endpoint}.items():
        monkeypatch.setenv(name, value)
    return make_lake(athena_server)
