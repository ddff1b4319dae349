"""A person who looks for data: days, sessions, signals, events, overlays, the fleet; by keyboard, on a tablet, in two themes.

With `--write-images` the pictures of `docs/dashboard.md` are taken anew.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import ROOT, Serve, run_telemetry
from tests.e2e.test_dashboard import drawn, query_after, settled

pytestmark = pytest.mark.slow

IMAGES = ROOT / "docs" / "images"
ALPHA = "?v=EV_ALPHA&s=MotorCtrl_Status.Motor_RPM,BMS_PackStatus.Pack_SOC"
ODD_LOG = """\
(1736928000.000000) can0 7DF#0201
(1736928001.000000) can0 555#0102030405
(1736928002.000000) can0 1A0#00
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two vehicles with rules; of the second one an object is torn, and three frames are odd."""
    folder = tmp_path_factory.mktemp("pages")
    url = (folder / "lake").as_uri()
    run_telemetry(url, "rules", "add", str(ROOT / "dbc" / "rules.yaml"))
    for vehicle, start in (
        ("EV_ALPHA", "2025-01-13T07:30Z"),
        ("EV_ALPHA", "2025-01-15T08:00Z"),
        ("EV_ALPHA", "2025-01-15T16:10Z"),
        ("EV_BRAVO", "2025-01-15T08:05Z"),
    ):
        run_telemetry(url, "simulate", "--vehicle", vehicle, "--start", start, "--duration", "3m")
    day = folder / "lake/raw/vehicle_id=EV_BRAVO/year=2025/month=01/day=15"
    (day / "20250115T120000.000Z_raw.parquet").write_bytes(b"PAR1 torn")
    (folder / "odd.log").write_text(ODD_LOG)
    run_telemetry(url, "import", str(folder / "odd.log"), "--vehicle", "EV_BRAVO")
    run_telemetry(url, "decode", "--pending")
    return url


@pytest.fixture(scope="module")
def site(serve: Serve, lake: str) -> Iterator[str]:
    with serve(lake) as url:
        yield url


def start_of(page: Page) -> Any:
    return page.get_by_label("From (UTC)")


def opened(page: Page, site: str, path: str = f"/{ALPHA}") -> None:
    page.goto(f"{site}{path}")
    settled(page)


def test_the_calendar_marks_days_and_leads_to_their_sessions(page: Page, site: str) -> None:
    opened(page, site)
    marked = page.locator(".day.recorded")
    expect(marked).to_have_count(2)
    expect(page.get_by_role("button", name="15 Jan 2025, 2 sessions")).to_be_visible()
    expect(page.locator(".session")).to_have_count(2)  # of the day in view
    page.get_by_role("button", name="13 Jan 2025, 1 session").click()
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    expect(page.locator(".session")).to_have_count(1)
    page.get_by_role("button", name="All days").click()
    expect(page.locator(".session")).to_have_count(3)


def test_sessions_and_days_by_keys(page: Page, site: str) -> None:
    opened(page, site)
    expect(start_of(page)).to_have_value("2025-01-15 16:10:00")
    page.keyboard.press("p")
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")
    page.keyboard.press("p")
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    page.keyboard.press("p")  # there is none before
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    page.keyboard.press("n")
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")
    page.keyboard.press("d")
    expect(page.get_by_role("button", name="15 Jan 2025, 2 sessions")).to_be_focused()
    for key in ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    monday = page.get_by_role("button", name="13 Jan 2025, 1 session")
    expect(monday).to_be_focused()
    page.keyboard.press("PageUp")
    expect(page.get_by_text("December 2024")).to_be_visible()
    page.keyboard.press("PageDown")
    expect(page.get_by_text("January 2025", exact=True)).to_be_visible()
    monday.press("Enter")
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")


def test_a_vehicle_is_chosen_by_keyboard_alone(page: Page, site: str) -> None:
    opened(page, site)
    page.keyboard.press("v")
    expect(page.get_by_role("option")).to_have_count(2)
    expect(page.get_by_role("option", name="EV_ALPHA")).to_contain_text("last seen 15 Jan 2025")
    page.keyboard.type("brav")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Vehicle EV_BRAVO")).to_be_focused()
    settled(page)
    page.keyboard.press("v")
    page.keyboard.type("nobody")
    expect(page.get_by_role("status").filter(has_text="No vehicle of that name")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)


def test_signals_are_found_marked_and_found_again(page: Page, site: str) -> None:
    opened(page, site)
    page.keyboard.press("/")
    page.keyboard.type("state of charge")  # words of the description
    found = page.get_by_role("checkbox", name="BMS_PackStatus.Pack_SOC", exact=True)
    expect(found).to_be_visible()
    expect(page.get_by_role("treeitem", name="Motor_RPM")).to_have_count(0)
    expect(page.locator(".signal-more").first).to_contain_text("State of charge")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Message BMS_PackStatus")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("*")
    page.get_by_label("Find a signal or message").fill("")
    page.reload()
    settled(page)
    page.get_by_role("button", name="Favourites").focus()
    page.keyboard.press("ArrowDown")
    favourite = page.get_by_role("checkbox", name="Favourite BMS_PackStatus.Pack_SOC")
    expect(favourite).to_be_focused()
    query_after(page, lambda: page.keyboard.press("Space")) if not favourite.is_checked() else None
    page.keyboard.press("*")
    expect(page.get_by_role("button", name="Favourites")).to_have_count(0)


def test_events_are_listed_and_jumped_through(page: Page, site: str) -> None:
    opened(page, site)
    page.keyboard.press("2")
    rows = page.locator(".event")
    expect(rows).to_have_count(4)  # both drives of the day
    rows.filter(has_text="hard_acceleration").first.click()
    settled(page)
    expect(start_of(page)).to_have_value(re.compile("^2025-01-15 08:00:02"))
    assert "MotorCtrl_Status.Motor_Power" in drawn(page)  # what the rule is about
    page.keyboard.press("e")
    expect(start_of(page)).to_have_value(re.compile("^2025-01-15 08:0(1:5|2:0)"))
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    page.keyboard.press("e")
    expect(start_of(page)).to_have_value(re.compile("^2025-01-15 16:11:"))
    page.keyboard.press("Shift+E")
    expect(rows.nth(1)).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="in view").click()
    expect(rows).to_have_count(1)


def test_other_runs_are_chosen_to_lie_over_the_view(page: Page, site: str) -> None:
    opened(page, site)
    page.keyboard.press("3")
    page.get_by_role("checkbox", name="Overlay EV_ALPHA 15 Jan 2025 08:00:00").check()
    page.get_by_label("Sessions of").select_option("EV_BRAVO")
    page.get_by_role("checkbox", name=re.compile("^Overlay EV_BRAVO 15 Jan 2025 08:05")).check()
    page.get_by_role("radio", name="By the clock").check()
    expect(page.get_by_role("tab", name="Overlay")).to_contain_text("2")
    page.wait_for_url(re.compile(r"o=EV_ALPHA@2025-01-15T08:00:00Z,EV_BRAVO@2025-01-15T08:0.*oa=clock"))
    page.get_by_role("region", name="Overlay").get_by_role("button", name="Clear").click()
    expect(page.get_by_role("tab", name="Overlay")).not_to_contain_text("2")


def test_the_fleet_says_what_is_behind_every_number(page: Page, site: str) -> None:
    opened(page, site)
    page.keyboard.press("Shift+G")
    page.wait_for_url(re.compile("/fleet"))
    expect(page.locator(".fleet-row")).to_have_count(2)
    page.get_by_role("button", name="EV_BRAVO: 1 objects in quarantine").click()
    details = page.locator(".fleet-details")
    expect(details).to_contain_text("20250115T120000.000Z_raw.parquet")
    expect(details).to_contain_text("not a readable Parquet file")
    expect(details).to_contain_text("0x7DF")
    expect(details).to_contain_text("BMS_CellVoltages: frame holds no whole signal")
    page.get_by_role("button", name="EV_ALPHA: 6 events").click()
    details.get_by_role("link", name=re.compile("hard_acceleration.*13 Jan 2025")).click()
    settled(page)
    expect(page.get_by_role("button", name="Vehicle EV_ALPHA")).to_be_visible()
    expect(start_of(page)).to_have_value(re.compile("^2025-01-13 07:31:0"))
    assert "MotorCtrl_Status.Motor_Power" in drawn(page)
    page.go_back()
    page.get_by_role("link", name=re.compile("EV_ALPHA, 13 Jan 2025: 22,320 frames, 100 % decoded")).click()
    settled(page)
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")


def test_a_tablet_has_a_drawer_and_room_for_fingers(browser: Browser, site: str, pictures: Path) -> None:
    context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(60_000)
    opened(page, site)
    side = page.get_by_role("complementary", name="What to show")
    expect(side).to_be_hidden()
    page.get_by_role("button", name="Sessions and signals").tap()
    expect(side).to_be_visible()
    day = page.get_by_role("button", name="13 Jan 2025, 1 session")
    day.tap()
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    settled(page)
    wide = page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 820  # nothing sticks out
    taken(page, pictures, "dashboard-tablet")
    context.close()


@pytest.fixture(scope="module")
def pictures(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots go: into the documentation if that was asked for."""
    if not request.config.getoption("--write-images"):
        return tmp_path_factory.mktemp("images")
    return IMAGES


def taken(page: Page, folder: Path, name: str) -> None:
    path = folder / f"{name}.png"
    page.screenshot(path=path, animations="disabled")
    assert 10_000 < path.stat().st_size < 400_000
