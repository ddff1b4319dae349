"""Chromium as a stopwatch: how long something takes as the page itself sees it, and what its main thread did meanwhile.

Times of the main thread are its CPU time, which other programs on the machine do not lengthen; the others are wall time.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
DRAWN: Final = "main[aria-busy=false] .uplot"
_PATIENCE_MS: Final = 60_000

# From an action to the next frame, and to the end of the question that it asked; null when it asked nothing.
_TIMED: Final = """async (act) => {
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const busy = () => document.querySelector("main")?.getAttribute("aria-busy") === "true";
  const begun = performance.now();
  const since = () => performance.now() - begun;
  if (act.key) document.dispatchEvent(new KeyboardEvent("keydown", { key: act.key, bubbles: true }));
  else document.querySelector(act.click).click();
  await frame(); await frame();
  const first = since();
  while (!busy() && since() < 400) await frame();
  if (!busy()) return [first, null];
  while (busy()) await frame();
  await frame();
  return [first, since()]; }"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The machine's own Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """A page of its own that shows a view, drawn and at rest."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.set_default_timeout(_PATIENCE_MS)
    page.goto(address)
    page.wait_for_selector(DRAWN)
    page.wait_for_load_state("networkidle")
    yield page
    page.close()


def timed(page: Page, *, key: str = "", click: str = "") -> tuple[float, float | None]:
    """Milliseconds from a key or a click to the next picture, and to the answer's; None: nothing was asked."""
    first, detail = page.evaluate(_TIMED, {"key": key, "click": click})
    return float(first), None if detail is None else float(detail)


def loaded_ms(browser: Browser, address: str) -> float:
    """Milliseconds from opening an address, with nothing kept, to its charts."""
    context = browser.new_context(viewport={"width": 1600, "height": 1000})
    page = context.new_page()
    page.goto(address, wait_until="commit")
    page.wait_for_function("() => document.querySelector('main[aria-busy=false] .uplot')")
    found = float(page.evaluate("() => performance.now()"))
    context.close()
    return found


def tasks_ms(browser: Browser, page: Page, action: Callable[[], None]) -> list[float]:
    """CPU milliseconds of each task of the page's main thread during an action, the longest first."""
    browser.start_tracing(
        page=page, categories=["disabled-by-default-devtools.timeline", "toplevel", "devtools.timeline"]
    )
    action()
    events: list[dict[str, Any]] = json.loads(browser.stop_tracing())["traceEvents"]
    threads = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = [
        event["tdur"] / 1000
        for event in events
        if event.get("ph") == "X"
        and event["name"].endswith("RunTask")
        and (event["pid"], event["tid"]) in threads
        if "tdur" in event
    ]
    return sorted(tasks, reverse=True)


def heap_mb(session: CDPSession) -> float:
    """JavaScript's heap, tidied up."""
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    return float(used) / 1e6
