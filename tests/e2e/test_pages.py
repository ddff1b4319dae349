"""A person who looks for data: days, sessions, vehicles, signals, events, overlays; with the mouse and by keyboard."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screen import drawn, opened, query_after, settled, start_of

pytestmark = pytest.mark.slow


def test_the_calendar_marks_days_and_leads_to_their_sessions(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    marked = page.locator(".day.recorded")
    expect(marked).to_have_count(2)
    expect(page.get_by_role("button", name="15 Jan 2025, 2 sessions")).to_be_visible()
    expect(page.locator(".session")).to_have_count(2)  # of the day in view
    page.get_by_role("button", name="13 Jan 2025, 1 session").click()
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    expect(page.locator(".session")).to_have_count(1)
    page.get_by_role("button", name="All days").click()
    expect(page.locator(".session")).to_have_count(3)


def test_sessions_and_days_by_keys(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
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


def test_a_vehicle_is_chosen_by_keyboard_alone(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    page.keyboard.press("v")
    expect(page.get_by_role("option")).to_have_count(2)
    alpha, bravo = (page.get_by_role("option", name=name) for name in ("EV_ALPHA", "EV_BRAVO"))
    expect(alpha).to_contain_text("last seen 15 Jan 2025")
    expect(alpha).to_contain_text("67K frames")
    expect(alpha).to_contain_text("100 % decoded")
    expect(bravo).to_contain_text("99.98 % decoded · 2 with unknown ids · 1 with an error · 1 in quarantine")
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


def test_signals_are_found_marked_and_found_again(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
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


def test_events_are_listed_and_jumped_through(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
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
    page.get_by_role("button", name="info 4").click()
    expect(rows).to_have_count(0)
    expect(page.get_by_role("tabpanel")).to_contain_text("press the marks above")


def test_other_runs_are_chosen_to_lie_over_the_view(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    page.keyboard.press("3")
    page.get_by_role("checkbox", name="Overlay EV_ALPHA 15 Jan 2025 08:00:00").check()
    page.get_by_label("Sessions of").select_option("EV_BRAVO")
    page.get_by_role("checkbox", name=re.compile("^Overlay EV_BRAVO 15 Jan 2025 08:05")).check()
    page.get_by_role("radio", name="By the clock").check()
    expect(page.get_by_role("tab", name="Overlay")).to_contain_text("2")
    page.wait_for_url(re.compile(r"o=EV_ALPHA@2025-01-15T08:00:00Z,EV_BRAVO@2025-01-15T08:0.*oa=clock"))
    page.get_by_role("region", name="Overlay").get_by_role("button", name="Clear").click()
    expect(page.get_by_role("tab", name="Overlay")).not_to_contain_text("2")


def test_the_sheet_of_keys_opens_and_closes_by_keys(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys and gestures")
    for text in ("next session", "next event", "set cursor A", "choose a vehicle", "fleet", "light or dark"):
        expect(sheet.get_by_text(text, exact=True)).to_be_visible()
    page.keyboard.press("p")  # a dialog is all there is
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    expect(start_of(page)).to_have_value("2025-01-15 16:10:00")
    page.keyboard.press("p")
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")


def test_every_key_of_the_sheet_does_something(page: Page, fleet_site: str) -> None:
    """Those that no other test presses."""
    opened(page, fleet_site)
    page.keyboard.press("c")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("m")
    expect(page.get_by_role("slider", name="Cursor A")).to_be_visible()
    expect(page.get_by_role("slider", name="Cursor B")).to_be_visible()
    page.keyboard.press("x")
    expect(page.get_by_role("slider", name="Cursor A")).to_have_count(0)
    page.keyboard.press("t")
    expect(page.get_by_role("switch", name="Live")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("h")
    expect(page.get_by_role("switch", name="Live")).to_have_attribute("aria-checked", "false")
    expect(start_of(page)).to_have_value("2025-01-15 16:08:30")
    page.keyboard.press("ArrowRight")
    expect(start_of(page)).to_have_value("2025-01-15 16:10:00")
    page.keyboard.press("-")
    expect(start_of(page)).to_have_value("2025-01-15 16:08:30")
    page.keyboard.press("[")
    expect(start_of(page)).to_have_value("2025-01-15 16:10:00")
    for key, tab in (("3", "Overlay"), ("2", "Events"), ("1", "Signals")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Shift+G")
    expect(page.get_by_role("heading", name="Fleet")).to_be_visible()
    page.keyboard.press("g")
    settled(page)
