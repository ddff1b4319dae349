"""Dagster's books as a machine and as a fleet keep them: the instance files that we ship, over SQLite and PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests import postgres

ROOT = Path(__file__).parents[2]
INSTANCES = {
    "sqlite": ROOT / "telemetry_pipeline" / "defs" / "dagster.yaml",
    "postgres": ROOT / "deploy" / "instance" / "postgres.yaml",
}


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """Books of this test alone, in memory."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of this session alone."""
    with postgres.running() as url:
        yield url


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=[postgres.needs_postgres, pytest.mark.slow])]
)
def shipped_instance(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance of a file that we ship, with empty books."""
    if request.param == "postgres":
        monkeypatch.setenv("DAGSTER_POSTGRES_URL", request.getfixturevalue("postgres_url"))
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(INSTANCES[request.param].read_text())
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for record in instance.get_run_records():
            instance.delete_run(record.dagster_run.run_id)
        for key in instance.all_asset_keys():
            instance.wipe_assets([key])
        yield instance
