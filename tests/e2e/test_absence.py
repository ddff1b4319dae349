"""What is not there, or not yet: the service, a signal, a vehicle, the newest samples; it is said, and waited for."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Serve, drive
from tests.e2e.screen import ALPHA, drawn, settled
from tests.servers import free_port

pytestmark = pytest.mark.slow


def test_a_service_that_is_away_is_said_and_waited_for(page: Page, serve: Serve, drives: str) -> None:
    port = free_port()
    with serve(drives, port) as site:
        page.goto(site)
        settled(page)
    before = drawn(page)
    # a closer look at what is there already asks nothing: a signal that is not there does
    page.get_by_role("checkbox", name="MotorCtrl_Status.Motor_Torque").check()
    banner = page.locator("main").get_by_role("alert")
    expect(banner).to_contain_text("The service does not answer")
    expect(banner).to_contain_text("telemetry serve")
    expect(page.get_by_test_id("health")).to_have_text("Service not reachable")
    kept = drawn(page)
    assert {label: kept[label] for label in before} == before
    assert not kept.get("MotorCtrl_Status.Motor_Torque")
    with serve(drives, port):
        expect(page.get_by_test_id("health")).to_have_text("Connected")
        expect(banner).to_have_count(0)
        settled(page)
        assert drawn(page)["MotorCtrl_Status.Motor_Torque"]


def test_an_unknown_signal_is_explained(page: Page, site: str) -> None:
    page.goto(f"{site}/?v=EV_PAUSED&s=MotorCtrl_Status.Flux_Capacitor")
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("Flux_Capacitor")
    expect(notice.get_by_role("button", name="Try again")).to_be_visible()


def test_an_empty_lake_says_what_to_do_and_then_shows_the_first_drive(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    lake = (tmp_path / "lake").as_uri()
    with serve(lake) as site:
        page.goto(site)
        expect(page.get_by_role("heading", name="No vehicle yet")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("telemetry simulate")
        linked = page.context.new_page()
        linked.goto(f"{site}/?v=EV_FIRST")
        expect(linked.get_by_role("heading", name="No vehicle yet")).to_be_visible()
        drive(lake, "EV_FIRST", "2025-01-15T08:00Z", "30s")
        for tab in (page, linked):
            settled(tab)
            expect(tab.get_by_role("button", name="Vehicle EV_FIRST")).to_be_visible()


def test_what_failed_beside_the_own_lines_is_said_and_asked_again(page: Page, fleet_site: str) -> None:
    for path in ("**/vehicles/EV_BRAVO/query", "**/vehicles/EV_ALPHA/stats"):
        page.route(path, lambda route: route.abort())
    run = "o=EV_BRAVO@2025-01-15T08:05:00Z&o0=2025-01-15T16:10:00Z"
    page.goto(f"{fleet_site}/{ALPHA}&{run}")
    settled(page)
    banner = page.locator("main").get_by_role("alert")
    own = set(drawn(page))
    for path in ("**/vehicles/EV_BRAVO/query", "**/vehicles/EV_ALPHA/stats"):
        expect(banner).to_contain_text("The service does not answer")
        page.unroute(path)
        banner.get_by_role("button", name="Try again").click()
    expect(banner).to_have_count(0)
    settled(page)
    assert own < set(drawn(page))
    expect(page.get_by_role("region", name="Statistics")).to_contain_text("Motor_RPM")


def test_live_follows_what_arrives(page: Page, serve: Serve, tmp_path: Path) -> None:
    lake = (tmp_path / "lake").as_uri()
    drive(lake, "EV_LIVE", "2025-01-15T08:00Z", "1m")
    with serve(lake) as site:
        page.goto(site)
        settled(page)
        page.get_by_role("switch", name="Live").click()
        drive(lake, "EV_LIVE", "2025-01-15T08:01Z", "1m")
        expect(page.get_by_label("To (UTC)")).to_have_value("2025-01-15 08:02:00")
        settled(page)
        assert max(t for points in drawn(page).values() for t, _ in points) > 1_736_928_100_000
        page.get_by_role("button", name="Zoom in").click()
        expect(page.get_by_role("switch", name="Live")).to_have_attribute("aria-checked", "false")
