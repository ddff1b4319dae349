"""A person in front of the dashboard: real browser, real service, real simulated drives."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screen import answered, drag, drawn, open_vehicle, plot, query_after, settled

pytestmark = pytest.mark.slow


def test_a_stranger_sees_the_newest_drive_at_once(page: Page, site: str) -> None:
    page.goto(site)
    settled(page)
    expect(page.get_by_role("button", name="Vehicle EV_LATEST")).to_be_visible()
    expect(page.get_by_test_id("health")).to_have_text("Connected")
    expect(page.locator(".session")).to_have_count(1)
    expect(page.locator(".session")).to_contain_text("16 Jan 2025")
    lines = drawn(page)
    assert set(lines) == {
        "MotorCtrl_Status.Motor_RPM",
        "BMS_PackStatus.Pack_Voltage",
        "BMS_PackStatus.Pack_SOC",
        "MotorCtrl_Thermal.Stator_Temp",
    }
    assert all(len(points) > 100 for points in lines.values())
    row = page.get_by_role("row").filter(has_text="MotorCtrl_Thermal.Stator_Temp")
    expect(row).to_contain_text("240")  # two minutes, a sample every half second


def test_a_pause_is_a_gap_in_every_line(page: Page, site: str) -> None:
    request = open_vehicle(page, site, "EV_PAUSED")
    lines = drawn(page)
    assert lines == answered(request)
    for points in lines.values():
        (gap,) = [index for index, (_, value) in enumerate(points) if value is None]
        assert points[gap + 1][0] - points[gap - 1][0] > 119_000


def test_values_under_the_crosshair_in_every_panel(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    plot(page, "rpm").hover(position={"x": 200, "y": 20})
    time = page.evaluate(
        "() => { const chart = [...window.__telemetry.charts.values()][0]; return chart.posToVal(200, 'x') }"
    )
    for label, points in drawn(page).items():
        nearest = min(points, key=lambda point: abs(point[0] - time))
        legend = page.locator(".legend li").filter(has_text=label).locator(".legend-value")
        expect(legend).to_have_text(f"{nearest[1]:g}")


def test_a_link_shows_the_same_view(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    query_after(page, page.get_by_role("checkbox", name="BMS_PackStatus.Pack_SOC").uncheck)
    query_after(page, lambda: drag(page, plot(page, "rpm"), 0.1, 0.3))
    page.wait_for_url(re.compile(r"from=2025-01-15T08:00:3"))
    here = (drawn(page), page.url)
    other = page.context.new_page()
    other.goto(here[1])
    settled(other)
    assert (drawn(other), other.url) == here
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Link").click()
    expect(page.get_by_role("status").filter(has_text="Copy the address above")).to_be_visible()


def test_files_hold_what_is_drawn(page: Page, site: str, tmp_path: Path) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    with page.expect_download() as csv:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("button", name="What is drawn as CSV").click()
    csv.value.save_as(tmp_path / "drawn.csv")
    header, *rows = [line.split(",") for line in (tmp_path / "drawn.csv").read_text().splitlines()]
    lines = drawn(page)
    assert [name.split(" ")[0] for name in header[1:]] == list(lines)
    for column, points in enumerate(lines.values(), start=1):
        values = [float(row[column]) for row in rows if row[column]]
        assert values == [value for _, value in points if value is not None]
    with page.expect_download() as png:
        page.get_by_role("button", name="Save rpm as PNG").click()
    png.value.save_as(tmp_path / "rpm.png")
    assert png.value.suggested_filename.startswith("EV_PAUSED_2025-01-15T08-00-00Z_rpm")
    assert (tmp_path / "rpm.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_the_page_is_laid_out_and_has_two_themes(page: Page, site: str) -> None:
    page.goto(site)
    settled(page)
    ground = "() => getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    list_, charts = page.locator(".session").first.bounding_box(), page.locator("main").bounding_box()
    assert list_ is not None
    assert charts is not None
    assert list_["x"] + list_["width"] <= charts["x"] + 1  # beside the charts, not above them
    page.get_by_role("button", name="Light theme").click()
    light = page.evaluate(ground)
    assert sum(map(int, re.findall(r"\d+", light)[:3])) > sum(map(int, re.findall(r"\d+", dark)[:3])) + 300
    page.reload()
    settled(page)
    assert page.evaluate(ground) == light
