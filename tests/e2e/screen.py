"""What a person sees of the dashboard and does to it, for every test of a browser: what is drawn, asked, and waited for."""

import re
from collections.abc import Callable
from typing import Any

import httpx
from playwright.sync_api import Locator, Page, Request

from tests.servers import wait_until

ALPHA = "?v=EV_ALPHA&s=MotorCtrl_Status.Motor_RPM,BMS_PackStatus.Pack_SOC"
"""The newest session of a vehicle of the fleet, two of its signals."""

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


def start_of(page: Page) -> Locator:
    """The field that says where the view begins."""
    return page.get_by_label("From (UTC)")


def opened(page: Page, fleet_site: str, path: str = f"/{ALPHA}") -> None:
    """Open a page of the fleet's service, and wait for its charts."""
    page.goto(f"{fleet_site}{path}")
    settled(page)
