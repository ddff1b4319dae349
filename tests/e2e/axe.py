"""axe-core in a page: what it finds that keeps somebody from using the page, in both themes."""

import pytest
from playwright.sync_api import Page

from tests.e2e.conftest import DASHBOARD

_SOURCE = DASHBOARD / "node_modules" / "axe-core" / "axe.min.js"
_RUN = "(options) => axe.run(document, { resultTypes: ['violations'], ...options })"
# colours fade over; what pulses for ever does not count
_RESTED = """() => document.getAnimations().every((one) =>
  one.playState !== 'running' || one.effect.getComputedTiming().endTime === Infinity)"""
_CONTRAST = {"runOnly": ["color-contrast"]}

Faults = list[tuple[str, str, list[str]]]
"""The rule, what it asks for, and some of the elements that do not keep it."""


def serious(page: Page) -> dict[str, Faults]:
    """What is serious or critical on a page as it is, by theme. Only colours are looked at a second time."""
    if not _SOURCE.is_file():
        pytest.skip("axe-core is not installed: npm ci in dashboard/")
    page.evaluate(_SOURCE.read_text())
    found = {}
    for theme, options in (("dark", {}), ("light", _CONTRAST)):
        # not by its key: a dialog takes no keys
        page.evaluate("(theme) => { document.documentElement.dataset.theme = theme }", theme)
        page.wait_for_function(_RESTED)
        found[theme] = [
            (rule["id"], rule["help"], [node["html"][:200] for node in rule["nodes"][:3]])
            for rule in page.evaluate(_RUN, options)["violations"]
            if rule["impact"] in ("serious", "critical")
        ]
    return found
