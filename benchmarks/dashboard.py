"""How quick the dashboard is in a real browser, over a service that runs already: wall time as a person meets it.

    python benchmarks/dashboard.py http://127.0.0.1:8000 --vehicle V --signals A.a,B.b --start ISO --end ISO

It needs a quiet machine and Debian's chromium. Nothing is compared with a target here: the page of results does that.
Memory is JavaScript's heap after it was tidied up.
"""

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from playwright.sync_api import CDPSession, Page, sync_playwright

_CHROMIUM: Final = "/usr/bin/chromium"
_FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--enable-precise-memory-info",
)
_DRAWN: Final = "main[aria-busy=false] .uplot"

# how long frames took while something went on: the longest, and how many there were
_FRAMES: Final = """() => { const took = []; let last = performance.now(); window.__frames = took;
  const next = (now) => { took.push(now - last); last = now; if (window.__frames === took) requestAnimationFrame(next); };
  requestAnimationFrame(next); }"""
_STOP: Final = "() => { const took = window.__frames.slice(1); window.__frames = null; return took; }"


@contextmanager
def opened(site: str, view: str) -> Iterator[tuple[Page, CDPSession]]:
    """A page that shows a view, drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(f"{site}/?{view}")
        page.wait_for_selector(_DRAWN)
        yield page, page.context.new_cdp_session(page)
        browser.close()


def heap_mb(session: CDPSession) -> float:
    """JavaScript's heap, tidied up."""
    session.send("HeapProfiler.collectGarbage")
    used = session.send("Runtime.getHeapUsage")["usedSize"]
    return round(float(used) / 1e6, 1)


def first_picture_ms(site: str, view: str, rounds: int) -> list[float]:
    """From the click on a signal that stands beside the others to its line, everything being asked for anew."""
    found = []
    for _ in range(rounds):
        with opened(site, view) as (page, _session):
            box = page.locator(".signal input:checked").first
            box.uncheck()
            page.wait_for_selector(_DRAWN)
            page.evaluate("() => new Promise((done) => setTimeout(done, 500))")
            begun = time.perf_counter()
            box.check()
            page.wait_for_selector("main[aria-busy=true]", timeout=2_000)
            page.wait_for_selector(_DRAWN)
            found.append(round((time.perf_counter() - begun) * 1e3, 1))
    return found


def zoom_steps_ms(page: Page, steps: int) -> list[float]:
    """From the key to new detail, the rest before the question included; steps that ask nothing are left out."""
    found = []
    for _ in range(steps):
        begun = time.perf_counter()
        page.keyboard.press("+")
        try:
            page.wait_for_selector("main[aria-busy=true]", timeout=400)
        except Exception:  # what is there already is fine enough
            break
        page.wait_for_selector(_DRAWN)
        found.append(round((time.perf_counter() - begun) * 1e3, 1))
    page.keyboard.press("f")
    page.wait_for_selector(_DRAWN)
    return found


def pan_frames(page: Page) -> dict[str, Any]:
    """Frames while a pan of two seconds goes on."""
    box = page.locator(".u-over").first.bounding_box()
    if box is None:
        raise RuntimeError("no panel is on the page")
    y = box["y"] + box["height"] / 2
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.8, y)
    page.mouse.down()
    page.evaluate(_FRAMES)
    page.mouse.move(box["x"] + box["width"] * 0.3, y, steps=120)
    took = sorted(page.evaluate(_STOP))
    page.mouse.up()
    page.keyboard.up("Shift")
    points = page.evaluate(
        "() => [...window.__telemetry.charts.values()].map((chart) => chart.data[0].length)"
    )
    late = sum(frame > 50 for frame in took)
    return {
        "rows_of_panels": points,
        "frames": len(took),
        "longest_ms": round(took[-1], 1),
        "over_50_ms": late,
    }


def zoom_memory(page: Page, session: CDPSession, zooms: int) -> dict[str, float]:
    """The heap before and after so many zooms, in and out again."""
    for _ in range(4):
        page.keyboard.press("+")
        page.wait_for_timeout(300)
        page.keyboard.press("-")
        page.wait_for_timeout(300)
    before = heap_mb(session)
    for step in range(zooms):
        page.keyboard.press("+" if step % 8 < 4 else "-")
        page.wait_for_timeout(200)
        page.wait_for_selector(_DRAWN)
    return {"before_mb": before, "after_mb": heap_mb(session), "zooms": zooms}


def main() -> None:
    """Measure and print one JSON document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("site")
    parser.add_argument("--vehicle", required=True)
    parser.add_argument("--signals", required=True, help="Message.Signal, several with commas between them")
    parser.add_argument("--start", required=True)
    parser.add_argument("--end", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--zooms", type=int, default=200)
    asked = parser.parse_args()
    view = f"v={asked.vehicle}&s={asked.signals}&from={asked.start}&to={asked.end}"
    found: dict[str, Any] = {"first_picture_ms": first_picture_ms(asked.site, view, asked.rounds)}
    with opened(asked.site, view) as (page, session):
        page.wait_for_timeout(1_000)
        found["zoom_steps_ms"] = zoom_steps_ms(page, 12)
        found["pan"] = pan_frames(page)
        found["memory"] = zoom_memory(page, session, asked.zooms)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
