"""Somebody who looks after a fleet: what is behind every number, which vehicles need a look, and the way to their charts."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screen import drawn, opened, settled, start_of

pytestmark = pytest.mark.slow


def test_the_fleet_says_what_is_behind_every_number(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    page.keyboard.press("Shift+G")
    page.wait_for_url(re.compile("/fleet"))
    expect(page.locator(".fleet-row")).to_have_count(2)
    page.get_by_role("button", name="EV_BRAVO: 1 object in quarantine").click()
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


def test_the_fleet_is_ordered_searched_and_looked_at_for_other_days(page: Page, fleet_site: str) -> None:
    page.goto(f"{fleet_site}/fleet")
    names = page.locator(".vehicle-link")
    expect(names).to_have_text(["EV_ALPHA", "EV_BRAVO"])
    page.get_by_role("columnheader", name="Unknown ids").get_by_role("button").click()
    expect(names).to_have_text(["EV_BRAVO", "EV_ALPHA"])
    expect(page.get_by_role("columnheader", name="Unknown ids")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("columnheader", name="Unknown ids").get_by_role("button").press("Enter")
    expect(names).to_have_text(["EV_ALPHA", "EV_BRAVO"])
    page.get_by_role("columnheader", name="Vehicle").get_by_role("button").click()
    expect(names).to_have_text(["EV_ALPHA", "EV_BRAVO"])
    page.get_by_role("columnheader", name="Vehicle").get_by_role("button").click()
    expect(names).to_have_text(["EV_BRAVO", "EV_ALPHA"])
    page.get_by_label("Find a vehicle").fill("alp")
    expect(names).to_have_text(["EV_ALPHA"])
    page.get_by_label("Find a vehicle").fill("nobody")
    expect(page.get_by_text("No vehicle of that name")).to_be_visible()
    page.get_by_label("Find a vehicle").fill("")
    page.get_by_label("Days").select_option("1")
    expect(page.locator(".fleet-row").first.locator(".day-cell")).to_have_count(1)
    page.reload()
    expect(names).to_have_count(2)
    names.filter(has_text="EV_BRAVO").click()
    settled(page)
    expect(page.get_by_role("button", name="Vehicle EV_BRAVO")).to_be_visible()


def test_the_numbers_of_the_fleet_lead_to_the_vehicles_behind_them(page: Page, fleet_site: str) -> None:
    page.goto(f"{fleet_site}/fleet")
    numbers = page.get_by_role("list", name="The fleet in numbers").get_by_role("button")
    expect(numbers).to_have_text(
        [
            *("vehicles 2", "frames 89.3K", "decoded 99.99 %", "unknown ids 2", "errors 1", "bad rows 0"),
            *("in quarantine 1", "waiting 0"),
        ]
    )
    names = page.locator(".vehicle-link")
    page.get_by_role("button", name="in quarantine 1").click()
    expect(names).to_have_text(["EV_BRAVO", "EV_ALPHA"])
    expect(page.locator(".fleet-details")).to_contain_text("20250115T120000.000Z_raw.parquet")
    page.get_by_role("button", name="frames 89.3K").click()
    expect(names).to_have_text(["EV_ALPHA", "EV_BRAVO"])
    expect(page.locator(".fleet-details")).to_have_count(0)
