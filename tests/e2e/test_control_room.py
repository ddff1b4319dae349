"""A data engineer in front of Dagster: real browser, webserver, daemon and code server, a lake with a poisoned object.

With `--write-images` the pictures of `docs/dagster.md` are taken anew.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.servers import wait_until
from tests.stack import ROOT, Stack, running

pytestmark = pytest.mark.slow

IMAGES = ROOT / "docs" / "images"
DRIVES = [("EV_001", "2026-02-23"), ("EV_001", "2026-02-24"), ("EV_002", "2026-02-24")]
BAD = "EV_002"
POISONED = "20260224T110000.000Z_raw.parquet"
PATIENCE_MS = 180_000


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patched, ExitStack() as started:
        patched.setenv("TELEMETRY_TRACK_FROM", "2026-02-01")
        stack = started.enter_context(running(tmp_path_factory.mktemp("control-room")))
        stack.telemetry("dbc", "add", str(ROOT / "dbc" / "ev_powertrain.dbc"))
        folder = stack.lake / "raw" / f"vehicle_id={BAD}" / "year=2026" / "month=02" / "day=24"
        folder.mkdir(parents=True)
        poisoned = folder / POISONED
        poisoned.with_suffix(".tmp").write_bytes(b"PAR1 torn")
        poisoned.with_suffix(".tmp").rename(poisoned)
        for vehicle, date in DRIVES:
            drive = ("--vehicle", vehicle, "--start", f"{date}T12:00:00Z", "--duration", "2m")
            stack.telemetry("simulate", *drive)
        raw = set(stack.lake.glob("raw/**/*.parquet")) - {poisoned}
        frames = sum(pq.read_metadata(path).num_rows for path in raw)
        # an event may tell of the poisoned object alone, and others of the rest
        wait_until(lambda: rows_told(stack) == frames, "Dagster to tell of all that it decoded", pause=1.0)
        yield stack


def rows_told(stack: Stack) -> int:
    """The rows in all events of decoding."""
    return sum(event.get("rows") or 0 for events in stack.materializations().values() for event in events)


@pytest.fixture(scope="module")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: into the documentation if that was asked for."""
    if not request.config.getoption("--write-images"):
        return tmp_path_factory.mktemp("images")
    IMAGES.mkdir(exist_ok=True)
    return IMAGES


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1560, "height": 880})
    page = context.new_page()
    page.set_default_timeout(120_000)
    yield page
    context.close()


def taken(page: Page, folder: Path, name: str) -> Path:
    """A screenshot, small enough to be kept with the sources."""
    page.mouse.move(0, 0)
    path = folder / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 10_000 < path.stat().st_size < 300_000
    return path


def test_the_graph_reads_as_the_data_flows(page: Page, stack: Stack, pictures: Path) -> None:
    page.goto(f"{stack.dagster}/asset-groups")
    for asset in ("dbc", "raw_frames", "decoded_signals", "signal_series", "fleet_daily"):
        expect(page.get_by_text(asset, exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    assert page.get_by_text("glue_partitions", exact=True).count() == 0  # a folder has no catalogue
    expect(page.get_by_text("Asset checks").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Loading")).to_have_count(0, timeout=PATIENCE_MS)
    taken(page, pictures, "dagster-assets")


def test_a_partition_says_what_was_decoded_and_what_was_not(page: Page, stack: Stack, pictures: Path) -> None:
    page.goto(f"{stack.dagster}/assets/decoded_signals?view=partitions&partition=2026-02-24%7C{BAD}")
    expect(page.get_by_text("decoded_share").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("unknown_id_share").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("decoded_to_raw").first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("2026-02-24").first).to_be_visible(timeout=PATIENCE_MS)
    taken(page, pictures, "dagster-partition")


def test_a_poisoned_object_is_refused_as_it_is_and_holds_up_nothing(stack: Stack) -> None:
    (line,) = [item for item in stack.status()["vehicles"] if item["vehicle_id"] == BAD]
    assert (line["decoded"], line["quarantined"], line["pending"]) == (2, 1, 0)
    (reason,) = stack.lake.glob(f"quarantine/raw/vehicle_id={BAD}/**/*.json")
    assert "not a readable Parquet file" in json.loads(reason.read_text())["reason"]
    (poisoned,) = stack.lake.glob(f"raw/vehicle_id={BAD}/**/{POISONED}")
    assert poisoned.read_bytes() == b"PAR1 torn"


def test_a_poisoned_object_is_a_failed_check(page: Page, stack: Stack, pictures: Path) -> None:
    page.goto(f"{stack.dagster}/assets/decoded_signals?view=checks&checkDetail=quarantine")
    expect(page.get_by_text("quarantine", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_text(re.compile("could not be read: *raw/vehicle_id=EV_002/")).first).to_be_visible(
        timeout=PATIENCE_MS
    )
    taken(page, pictures, "dagster-check")
