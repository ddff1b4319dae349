"""What looking around leaves behind: nothing that grows with it."""

import pytest
from playwright.sync_api import CDPSession, Page, Route, expect

from tests.e2e.screen import settled

pytestmark = pytest.mark.slow

QUICK = ",".join(f"MotorCtrl_Status.{name}" for name in ("Motor_RPM", "Motor_Torque", "Motor_Power"))
"""Signals with a sample every ten milliseconds."""
WHOLE = f"?v=EV_ALPHA&s={QUICK}&from=2025-01-15T08:00:00Z&to=2025-01-15T08:03:00Z"
JUMPS = 40

# every chart has nearly all samples of what it shows: not the picture from before, which is stretched until they come
FINE = """() => [...window.__telemetry.charts.values()].every(({ data: [times], scales: { x: { min, max } } }) =>
  times.filter((time) => min <= time && time < max).length > (0.9 * (max - min)) / 10)"""
# what the charts hold, as numbers of eight bytes
HELD = """() => [...window.__telemetry.charts.values()].flatMap(({ data }) => data)
  .reduce((bytes, column) => bytes + 8 * column.length, 0)"""


def without_neighbours(route: Route) -> None:
    """Whether they are fetched ahead in time depends on the machine, and they are kept, for a while."""
    if route.request.post_data_json["max_points"] > 10_000:
        route.abort()
    else:
        route.continue_()


def heap_bytes(session: CDPSession) -> int:
    """What is alive of JavaScript's objects."""
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    return used


def test_looking_around_does_not_fill_the_memory(page: Page, fleet_site: str) -> None:
    page.route("**/query", without_neighbours)
    page.goto(f"{fleet_site}/{WHOLE}")
    settled(page)
    for _ in range(3):
        page.keyboard.press("+")
    expect(page.locator(".span-badge")).to_have_text("22.5 s")
    page.wait_for_function(FINE)
    track = page.locator(".slider-track")
    box = track.bounding_box()
    assert box is not None

    def jump(count: int) -> None:
        """Press beside the slider's window, so far from where it was that its samples are asked for."""
        for step in range(count):
            part = 0.1 + 0.8 * ((step * 0.37) % 1)
            track.click(position={"x": box["width"] * part, "y": 4}, force=True)
            page.wait_for_function(FINE)

    session = page.context.new_cdp_session(page)
    jump(20)  # what is kept for going back is kept then
    before = heap_bytes(session)
    jump(JUMPS)
    grown = heap_bytes(session) - before
    # the charts' numbers of every jump, kept for ever, would be twice the limit; usual is a sixth of it
    limit = JUMPS * page.evaluate(HELD) / 2
    assert grown < limit, f"{grown:,} bytes more after {JUMPS} jumps, {limit:,.0f} would be a leak"
