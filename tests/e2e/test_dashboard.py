"""A person in front of the dashboard: real browser, real service, real simulated drives."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Request, Route, expect

from tests.e2e.conftest import Serve, drive
from tests.servers import free_port, wait_until

pytestmark = pytest.mark.slow

ABSENT = "absent"

# undefined (no sample of this signal at this time) and null (a gap) must not look the same on this side
CHARTS = """() => [...window.__telemetry.charts].map(([unit, chart]) => ({
  unit,
  from: chart.scales.x.min,
  to: chart.scales.x.max,
  times: [...chart.data[0]],
  series: chart.series.slice(1).map((series, i) => [
    series.label, Array.from(chart.data[i + 1], (value) => (value === undefined ? "absent" : value)),
  ]).filter(([label]) => label !== "envelope"),
}))"""


def drawn(page: Page) -> dict[str, list[tuple[float, float | None]]]:
    """What uPlot holds, by Message.Signal: times and values, None where the line is interrupted."""
    return {
        label: [(t, v) for t, v in zip(chart["times"], values, strict=True) if v != ABSENT]
        for chart in page.evaluate(CHARTS)
        for label, values in chart["series"]
    }


def answered(request: Request) -> dict[str, list[tuple[float, float | None]]]:
    """What the service says to the same request, with its gaps as interruptions."""
    body = request.post_data_json
    response = httpx.post(request.url, json=body, timeout=60.0)
    response.raise_for_status()
    found = {}
    for series in response.json()["signals"]:
        points = list(zip(series["columns"]["t"], series["columns"]["v"], strict=True))
        middles = [((before + after) / 2, None) for before, after in series["gaps"]]
        found[f"{series['message_name']}.{series['name']}"] = sorted(
            points + middles, key=lambda point: point[0]
        )
    return found


def settled(page: Page) -> None:
    """Wait until the charts show the newest answer."""
    page.wait_for_selector("main[aria-busy=false] .uplot")


def is_query(request: Request) -> bool:
    """A question about what is visible: neighbours are asked for with more points, the small overview with fewer."""
    return request.url.endswith("/query") and 2_000 <= request.post_data_json["max_points"] <= 10_000


def query_after(page: Page, action: Callable[[], Any]) -> Request:
    """The query that an action sends, once its answer is drawn."""
    with page.expect_response(lambda response: is_query(response.request)) as caught:
        action()
    settled(page)
    return caught.value.request


def plot(page: Page, unit: str) -> Locator:
    """The area of a panel in which the pointer counts."""
    return page.locator(f"[data-unit='{unit}'] .u-over")


def drag(page: Page, area: Locator, start: float, end: float, *, down_px: float = 0.0) -> None:
    """Drag across an area, from one fraction of its width to another."""
    # a panel that is drawn anew has no box for a moment
    box = wait_until(area.bounding_box, "the panel's place on the page")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * start, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * end, y + down_px, steps=6)
    page.mouse.up()


def open_vehicle(page: Page, site: str, vehicle: str) -> Request:
    """Open the dashboard and pick a vehicle."""
    page.goto(site)
    settled(page)
    page.get_by_role("button", name=re.compile("^Vehicle ")).click()
    return query_after(page, page.get_by_role("option", name=vehicle).click)


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


def test_zooming_asks_again_and_draws_the_answer(page: Page, site: str) -> None:
    first = open_vehicle(page, site, "EV_PAUSED")
    page.get_by_label("Find a signal or message").fill("torque")
    query_after(page, page.get_by_role("checkbox", name="MotorCtrl_Status.Motor_Torque").check)
    expect(plot(page, "Nm")).to_be_visible()

    request = query_after(page, lambda: drag(page, plot(page, "rpm"), 0.2, 0.9))

    body, before = request.post_data_json, first.post_data_json
    assert body["method"] == "m4"  # the one that keeps both of two opposite spikes
    assert before["start_time"] < body["start_time"] < body["end_time"] < before["end_time"]
    assert "MotorCtrl_Status.Motor_Torque" in drawn(page)
    assert drawn(page) == answered(request)
    charts = page.evaluate(CHARTS)
    assert len(charts) == 5
    assert len({(chart["from"], chart["to"]) for chart in charts}) == 1  # all panels show the same range
    expect(page.locator("[data-unit='rpm'] .resolution")).to_have_text(
        re.compile(r"^[\d,]+ of [\d,]+ samples, \d+ ms buckets, exact extremes$")
    )

    plot(page, "%").dblclick()
    settled(page)
    expect(page.get_by_label("From (UTC)")).to_have_value("2025-01-15 08:00:00")
    expect(page.get_by_label("To (UTC)")).to_have_value("2025-01-15 08:06:00")


def test_a_pause_is_a_gap_in_every_line(page: Page, site: str) -> None:
    request = open_vehicle(page, site, "EV_PAUSED")
    lines = drawn(page)
    assert lines == answered(request)
    for points in lines.values():
        (gap,) = [index for index, (_, value) in enumerate(points) if value is None]
        assert points[gap + 1][0] - points[gap - 1][0] > 119_000


def test_a_drag_may_end_outside_of_its_panel(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    query_after(page, lambda: drag(page, plot(page, "rpm"), 0.5, 0.75, down_px=250.0))
    chart = page.evaluate(CHARTS)[0]
    assert chart["to"] - chart["from"] == pytest.approx(90_000, abs=2_000)
    page.keyboard.press("f")
    expect(page.get_by_label("From (UTC)")).to_have_value("2025-01-15 08:00:00")
    settled(page)
    drag(page, plot(page, "rpm"), 0.5, 1.03)
    expect(page.get_by_label("To (UTC)")).to_have_value("2025-01-15 08:06:00")


def test_buttons_and_keys_move_the_range(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    start = page.get_by_label("From (UTC)")
    page.get_by_role("button", name="Zoom in").click()
    expect(start).to_have_value("2025-01-15 08:01:30")
    page.get_by_role("button", name="Later").click()
    expect(start).to_have_value("2025-01-15 08:03:00")
    page.get_by_role("button", name="Back").click()
    expect(start).to_have_value("2025-01-15 08:01:30")
    page.keyboard.press("]")
    expect(start).to_have_value("2025-01-15 08:03:00")
    page.keyboard.press("f")
    expect(start).to_have_value("2025-01-15 08:00:00")
    expect(page.get_by_role("button", name="Reset zoom")).to_be_disabled()
    start.fill("2025-01-15 08:05")
    start.press("Enter")
    expect(page.locator(".span-badge")).to_have_text("1 min")
    start.fill("teatime")
    expect(start).to_have_attribute("aria-invalid", "true")
    start.press("Escape")
    expect(start).to_have_value("2025-01-15 08:05:00")


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


def test_a_range_without_samples_leads_back(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    start = page.get_by_label("From (UTC)")
    start.fill("2025-01-15 08:02:30")
    start.press("Enter")
    end = page.get_by_label("To (UTC)")
    end.fill("2025-01-15 08:03:30")
    end.press("Enter")
    expect(page.get_by_role("heading", name="No samples here")).to_be_visible()
    page.get_by_role("button", name="Show the whole session").click()
    settled(page)
    expect(end).to_have_value("2025-01-15 08:06:00")


def test_only_the_newest_question_is_waited_for(page: Page, site: str) -> None:
    open_vehicle(page, site, "EV_PAUSED")
    before = drawn(page)
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held or not is_query(route.request):
            route.continue_()
        else:
            held.append(route)

    page.route("**/query", hold_first)
    zoom_in = page.get_by_role("button", name="Zoom in")
    with page.expect_event("requestfailed") as aborted:
        with page.expect_request(is_query):
            zoom_in.click()
        assert drawn(page) == before  # the old picture stays until the new one is there
        request = query_after(page, page.get_by_role("button", name="Earlier").click)
    assert aborted.value == held[0].request
    assert "ABORTED" in (aborted.value.failure or "")
    assert drawn(page) == answered(request)


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
        drive(lake, "EV_FIRST", "2025-01-15T08:00Z", "30s")
        settled(page)
        expect(page.get_by_role("button", name="Vehicle EV_FIRST")).to_be_visible()


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
