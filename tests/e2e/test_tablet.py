"""Somebody with a tablet: the drawer, and fingers in the charts, as the browser's own touch events."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.screen import ALPHA, opened, plot, settled, start_of
from tests.servers import wait_until

pytestmark = pytest.mark.slow

WIDTH = 820
Point = tuple[float, float]
"""A fraction of the panel's width, and pixels from its top."""
Touch = Callable[..., None]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": WIDTH, "height": 1180}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(180_000)
    yield page
    context.close()


@pytest.fixture
def touch(page: Page) -> Touch:
    """Puts fingers on the first panel, draws them step by step, and lifts them."""
    session = page.context.new_cdp_session(page)

    def send(kind: str, points: list[Point]) -> None:
        box = wait_until(plot(page, "rpm").bounding_box, "the panel's place on the page")
        fingers = [
            {"x": box["x"] + x * box["width"], "y": box["y"] + y, "id": i} for i, (x, y) in enumerate(points)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def draw(*ways: tuple[Point, Point], steps: int = 5) -> None:
        for count in range(1, len(ways) + 1):  # one finger after the other
            send("touchStart", [start for start, _ in ways[:count]])
        for step in range(1, steps + 1):
            part = step / steps
            send("touchMove", [(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part) for a, b in ways])
        send("touchEnd", [])

    return draw


def flick(page: Page, target: Locator, way: float) -> None:
    """A finger draws what is in the middle of a thing sideways, by so many pixels, and lets go while it moves."""
    session = page.context.new_cdp_session(page)
    box = wait_until(target.bounding_box, "its place on the page")
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for kind, at in (("touchStart", x), ("touchMove", x + way / 2), ("touchMove", x + way)):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_tablet_has_a_drawer_and_room_for_fingers(page: Page, fleet_site: str) -> None:
    opened(page, fleet_site)
    side = page.get_by_role("complementary", name="What to show")
    expect(side).to_be_hidden()
    page.get_by_role("button", name="Sessions and signals").tap()
    expect(side).to_be_visible()
    day = page.get_by_role("button", name="13 Jan 2025, 1 session")
    day.tap()
    expect(start_of(page)).to_have_value("2025-01-13 07:30:00")
    settled(page)
    for path in (f"/{ALPHA}", "/fleet"):
        page.goto(f"{fleet_site}{path}")
        page.wait_for_selector("main[aria-busy=false] .uplot, .fleet-row")
        assert page.evaluate("() => document.documentElement.scrollWidth") <= WIDTH  # nothing sticks out


def test_fingers_move_and_zoom_the_view(page: Page, fleet_site: str, touch: Touch) -> None:
    opened(page, fleet_site, f"/{ALPHA}&from=2025-01-15T08:00:00Z&to=2025-01-15T08:02:00Z")
    end = page.get_by_label("To (UTC)")
    touch(((0.8, 40), (0.3, 40)))
    expect(start_of(page)).to_have_value("2025-01-15 08:01:00")
    expect(end).to_have_value("2025-01-15 08:03:00")
    touch(
        ((0.4, 40), (0.25, 40)), ((0.6, 50), (0.75, 50))
    )  # 24 s between the fingers come to half of the width
    expect(page.locator(".span-badge")).to_have_text("48 s")
    back = page.get_by_role("button", name="Back")
    back.tap()
    expect(start_of(page)).to_have_value("2025-01-15 08:01:00")
    back.tap()
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")
    touch(((0.5, 60), (0.5, 10)))  # up and down is for the page
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")
    expect(back).to_be_disabled()
    touch(((0.4, 40), (0.25, 40)), ((0.6, 50), (0.75, 50)))
    expect(start_of(page)).not_to_have_value("2025-01-15 08:00:00")
    for _ in range(2):
        touch(((0.5, 40), (0.5, 40)), steps=1)
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")


def test_fingers_measure(page: Page, fleet_site: str, touch: Touch) -> None:
    opened(page, fleet_site, f"/{ALPHA}&from=2025-01-15T08:00:00Z&to=2025-01-15T08:02:00Z")
    page.get_by_role("button", name="Measure").tap()
    expect(page.get_by_test_id("delta-t")).to_have_text("40 s")
    touch(((1 / 3, 40), (1 / 12, 40)))
    expect(page.get_by_test_id("delta-t")).to_have_text("70 s (1 min 10 s)")
    expect(start_of(page)).to_have_value("2025-01-15 08:00:00")  # the view stays
    page.get_by_role("button", name="Measure").tap()
    expect(page.get_by_test_id("delta-t")).to_have_count(0)
    plot(page, "rpm").tap(position={"x": 300, "y": 20})
    expect(page.locator(".crosshair-clock")).to_be_visible()


def test_a_tap_right_after_a_flick_is_a_press(page: Page, fleet_site: str, touch: Touch) -> None:
    """Chromium would take a quick drag for a fling, and the next tap for what stops it."""
    opened(page, fleet_site, f"/{ALPHA}&from=2025-01-15T08:00:00Z&to=2025-01-15T08:02:00Z")
    measure = page.get_by_role("button", name="Measure")
    for pressed, ways in (("true", ((0.3, 40), (0.6, 40))), ("false", ((0.6, 40), (0.35, 55)))):
        touch(ways)
        measure.tap()
        expect(measure).to_have_attribute("aria-pressed", pressed)
    for pressed, way in (("true", 40), ("false", -40)):
        flick(page, page.locator(".slider-window"), way)
        measure.tap()
        expect(measure).to_have_attribute("aria-pressed", pressed)
