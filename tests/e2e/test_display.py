"""How charts are drawn, as somebody likes it: the number of points and the grid, in the menu, by key, and remembered."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.screen import plot, settled
from tests.servers import wait_until

pytestmark = pytest.mark.slow

PAINTED = """() => {
    const canvas = document.querySelector("[data-unit=rpm] canvas");
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""
"""Pixels of a panel that hold anything."""


def test_the_number_of_points_is_a_choice(page: Page, site: str) -> None:
    page.goto(site)
    settled(page)
    page.get_by_role("button", name="Display").click()
    with page.expect_request(
        lambda request: request.url.endswith("/query") and request.post_data_json["max_points"] == 500
    ) as asked:
        page.get_by_label("Points per signal").select_option("500")
    counts = [len(series["columns"]["t"]) for series in asked.value.response().json()["signals"]]
    assert 250 < max(counts) <= 500
    page.reload()
    settled(page)
    page.get_by_role("button", name="Display").click()
    expect(page.get_by_label("Points per signal")).to_have_value("500")
    page.get_by_label("Points per signal").select_option("")
    settled(page)


def test_the_grid_comes_and_goes(page: Page, site: str) -> None:
    page.goto(site)
    settled(page)
    expect(plot(page, "rpm")).to_be_visible()
    with_grid = page.evaluate(PAINTED)
    page.keyboard.press("#")
    wait_until(lambda: page.evaluate(PAINTED) < with_grid, "the lines of the grid to go")
    page.get_by_role("button", name="Display").click()
    box = page.get_by_role("checkbox", name="Grid")
    expect(box).not_to_be_checked()
    page.reload()
    settled(page)
    assert page.evaluate(PAINTED) < with_grid
    page.get_by_role("button", name="Display").click()
    box.check()
    wait_until(lambda: page.evaluate(PAINTED) == with_grid, "the same picture as before")
    page.keyboard.press("Escape")
    expect(box).to_have_count(0)
