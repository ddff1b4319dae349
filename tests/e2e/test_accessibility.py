"""Everybody: axe finds nothing serious on any page, panel, dialog or menu, light or dark; Tab leads to everything."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious
from tests.e2e.screen import ALPHA, settled

pytestmark = pytest.mark.slow

# links and controls that are there, can be used, and are not left out of the order of Tab on purpose
STOPS = """() => [...document.querySelectorAll('a[href], button, input, select, [tabindex="0"]')].filter((e) =>
  !e.disabled && e.tabIndex >= 0 && e.checkVisibility({ visibilityProperty: true }))"""
NAMED = (
    "(e) => `${e.tagName.toLowerCase()} ${e.getAttribute('aria-label') ?? e.textContent ?? ''}`.slice(0, 80)"
)
# which of the stops has the focus, and whether that is seen: a ring, or the border of a field
HERE = f"""() => {{ const e = document.activeElement; const style = getComputedStyle(e);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const accent = getComputedStyle(document.documentElement).getPropertyValue('--accent').trim();
  const probe = document.createElement('i'); probe.style.color = accent; document.body.append(probe);
  const bordered = style.borderTopColor === getComputedStyle(probe).color; probe.remove();
  return [({STOPS})().indexOf(e), ring || (e.matches('.input') && bordered), ({NAMED})(e)]; }}"""


def keys(*pressed: str) -> Callable[[Page], None]:
    def press(page: Page) -> None:
        for key in pressed:
            page.keyboard.press(key)

    return press


def searched(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("state of charge")
    expect(page.get_by_role("checkbox", name="BMS_PackStatus.Pack_SOC", exact=True)).to_be_visible()


def marked(page: Page) -> None:
    page.get_by_role("checkbox", name="BMS_PackStatus.Pack_SOC", exact=True).press("*")
    expect(page.get_by_role("button", name="Favourites")).to_be_visible()


def measured(page: Page) -> None:
    page.keyboard.press("m")
    expect(page.get_by_role("region", name="Measurement").get_by_role("row")).to_have_count(3)


def laid_over(page: Page) -> None:
    page.keyboard.press("3")
    page.get_by_role("checkbox", name="Overlay EV_ALPHA 15 Jan 2025 08:00:00").check()
    settled(page)


def opened_vehicle(page: Page) -> None:
    page.get_by_role("button", name="EV_BRAVO: 1 object in quarantine").click()
    expect(page.locator(".fleet-details")).to_contain_text("0x7DF")


def picking(page: Page) -> None:
    page.keyboard.press("v")
    expect(page.get_by_role("option", name="EV_BRAVO")).to_contain_text("1 in quarantine")


def exporting(page: Page) -> None:
    page.get_by_role("button", name="Export").click()
    expect(page.get_by_role("link", name="Every sample as CSV")).to_be_visible()


STATES: dict[str, tuple[str, Callable[[Page], None]]] = {
    "charts": (f"/{ALPHA}&p=BMS_PackStatus.Pack_SOC~rpm", keys("d")),
    "vehicles": (f"/{ALPHA}", picking),
    "events": (f"/{ALPHA}", keys("2", "e")),
    "overlay": (f"/{ALPHA}", laid_over),
    "measuring": (f"/{ALPHA}", measured),
    "searched": (f"/{ALPHA}", searched),
    "favourites": (f"/{ALPHA}", marked),
    "exporting": (f"/{ALPHA}", exporting),
    "following": (f"/{ALPHA}", keys("t")),
    "keys": (f"/{ALPHA}", keys("?")),
    "fleet": ("/fleet", opened_vehicle),
    "unknown vehicle": ("/?v=NOBODY", keys()),
    "unknown signal": ("/?v=EV_ALPHA&s=A.b", keys()),
    "no signal": ("/?v=EV_ALPHA&s=", keys()),
    "no samples": (f"/{ALPHA}&from=2025-01-15T10:00:00Z&to=2025-01-15T10:05:00Z", keys()),
}


def shown(page: Page, site: str, state: str) -> None:
    """Bring the page into a state, at rest."""
    path, do = STATES[state]
    page.goto(f"{site}{path}")
    page.wait_for_selector(
        "main[aria-busy=false] .uplot, .fleet-row, .notice h2:not(:text('Loading…'), :text('Looking'))"
    )
    do(page)
    page.wait_for_function("() => !document.querySelector('.skeleton-list, .skeleton-panels')")


def test_axe_finds_nothing_serious_in_any_state(page: Page, fleet_site: str) -> None:
    found = {}
    for state in STATES:
        shown(page, fleet_site, state)
        found |= {f"{state}, {theme}": faults for theme, faults in serious(page).items() if faults}
    assert found == {}, json.dumps(found, indent=2)


@pytest.mark.parametrize("state", ["charts", "measuring", "events", "fleet"])
def test_tab_leads_to_everything_and_is_seen(page: Page, fleet_site: str, state: str) -> None:
    shown(page, fleet_site, state)
    page.evaluate("() => document.activeElement.blur()")
    stops: list[Any] = page.evaluate(f"() => ({STOPS})().map({NAMED})")
    assert len(stops) > 20
    reached, unseen = set(), []
    for _ in range(len(stops) + 5):
        page.keyboard.press("Tab")
        at, seen, name = page.evaluate(HERE)
        reached.add(at)
        if at >= 0 and not seen:
            unseen.append(name)
    assert [name for at, name in enumerate(stops) if at not in reached] == []
    assert unseen == []
