"""The visible range: zoomed, moved, typed, undone, and what is asked for it."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.screen import CHARTS, answered, drag, drawn, is_query, open_vehicle, plot, query_after, settled

pytestmark = pytest.mark.slow


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
