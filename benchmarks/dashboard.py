"""How quick the dashboard is in a real browser: pictures of a month, zooming, panning, memory, and Lighthouse's marks.

    python -m benchmarks.dashboard [--folder LAKE] [--only PART ...] [--lighthouse] [--write]

The lake is the one of `benchmarks.query`, and is built where it is not there (150 CPU seconds). It needs Debian's chromium,
and for wall times a machine on which nothing else runs.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from playwright.sync_api import Browser, Page

from benchmarks import browser, lighthouse
from benchmarks.browser import DRAWN, chromium, opened, timed
from benchmarks.measure import Line, Result
from benchmarks.page import print_result, write_page
from benchmarks.query import build
from benchmarks.query_lake import DAYS, FIRST, VEHICLE, Built
from benchmarks.query_questions import NAMES
from benchmarks.query_server import serving
from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.lake.layout import DAY_NS

PAGE: Final = Path(__file__).parents[1] / "docs" / "dashboard-benchmarks.md"
_INTRODUCTION: Final = """# Benchmarks of the dashboard

Made by `python -m benchmarks.dashboard --lighthouse --write`; do not edit. Chromium without a graphics card, a window of
1600 x 1000, the service and the browser on one machine. Times are wall time as the page sees it, medians of several rounds;
those of frames are CPU time of the page's main thread.
"""
_POINTS: Final = 100_000
_SERIES: Final = 8
_FRAME_MS: Final = 50
_PARTS: Final = ("pictures", "zooms", "pan", "memory")

# The service's own answers, with as many samples of a noisy walk for each signal, over the range that was asked for.
_MANY_POINTS: Final = """{ const asks = window.fetch; window.fetch = async (path, init) => {
  const response = await asks(path, init);
  if (!String(path).endsWith("/query") || !response.ok) return response;
  const { start_time, end_time, max_points } = JSON.parse(init.body);
  if (max_points < 2000) return response;  // the small picture of the whole session
  const [start, end, count] = [Date.parse(start_time), Date.parse(end_time), %d];
  const answer = await response.json();
  const t = Array.from({ length: count }, (_, i) => start + ((end - start) * i) / count);
  for (const series of answer.signals) {
    let value = 0;
    series.columns = { t, v: t.map(() => (value += Math.random() - 0.5)) };
    Object.assign(series, { downsampled: false, source_points: count, gaps: [], envelope: null });
  }
  return { ok: true, status: 200, headers: response.headers, json: async () => answer }; }; }"""


def view(signals: Sequence[str], start_ns: int, end_ns: int) -> str:
    """The address of a view of the lake's vehicle."""
    names = ",".join(map(quote, signals))
    return f"/?v={VEHICLE}&s={names}&from={format_instant(start_ns)}&to={format_instant(end_ns)}"


def pictures(chrome: Browser, site: str, days: int, rounds: int) -> list[Line]:
    """A month of four signals: by a click in an open page, and by a link into a new one. Each round asks something new."""
    signals = [".".join(name) for name in NAMES]
    firsts, details, loads = [], [], []
    for number in range(rounds):
        shift = number * 61_000_000_000
        start, span = FIRST.start_ns + shift, (days * DAY_NS) // 2
        with opened(chrome, site + view(signals, start + span // 2, start + span // 2 + span)) as page:
            first, detail = timed(page, click="[aria-label='Zoom out']")
            firsts.append(first)
            details.append(detail or first)
        loads.append(browser.loaded_ms(chrome, site + view(signals, start + 7, start + 2 * span + 7)))
    text = f"4 signals × {days} days"
    return [
        Line(f"{text}: from the click to a coarse picture", took=_ms(firsts)),
        _line(f"{text}: from the click to the answer's picture", details, 1000),
        _line(f"{text}: from a link to the answer's picture, nothing kept", loads, 1000),
    ]


def zooms(chrome: Browser, site: str, days: int, rounds: int) -> list[Line]:
    """Zooming in step by step from a month to seconds, as a person with the key does."""
    firsts, details = [], []
    for number in range(rounds):
        shift = number * 61_000_000_000
        start = FIRST.start_ns + shift
        with opened(
            chrome, site + view([".".join(name) for name in NAMES], start, start + days * DAY_NS)
        ) as page:
            for _ in range(14):
                first, detail = timed(page, key="+")
                firsts.append(first)
                if detail is not None:
                    details.append(detail)
                page.wait_for_load_state("networkidle")
    return [
        Line("a zoom step: to the stretched picture", took=_ms(firsts)),
        _line("a zoom step that asks: to new detail", details or [0.0], 150),
    ]


def pan(chrome: Browser, site: str) -> list[Line]:
    """Shift and drag over eight series of 100,000 points each, put into the service's answers."""
    lines = []
    for text, placed in (("in one panel", True), ("in panels by unit", False)):
        signals = _signals(chrome, site)[:_SERIES]
        start = FIRST.start_ns + 8 * 3_600_000_000_000
        address = site + view(signals, start, start + 3_600_000_000_000)
        if placed:
            address += "&p=" + ",".join(f"{quote(signal)}~one" for signal in signals)
        page = chrome.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(120_000)
        page.add_init_script(_MANY_POINTS % _POINTS)
        page.goto(address)
        page.wait_for_selector(DRAWN)
        page.wait_for_load_state("networkidle")
        tasks = browser.tasks_ms(chrome, page, lambda page=page: _drag(page))  # type: ignore[misc]
        drawn = page.evaluate(
            "() => [...window.__telemetry.charts.values()].map((chart) => chart.data[0].length)"
        )
        late = sum(task > _FRAME_MS for task in tasks)
        lines.append(
            Line(
                f"panning {_SERIES} × {_POINTS:,} points {text} ({len(drawn)} panels)",
                took=f"{tasks[0]:.0f} ms longest task",
                ratio=f"{late} of {len(tasks):,} over {_FRAME_MS} ms",
                target="0",
                met=late == 0,
            )
        )
        page.close()
    return lines


def memory(chrome: Browser, site: str, days: int, zooms_: int) -> list[Line]:
    """JavaScript's heap before and after many zooms in and out again."""
    signals = [".".join(name) for name in NAMES]
    with opened(chrome, site + view(signals, FIRST.start_ns, FIRST.start_ns + days * DAY_NS)) as page:
        session = page.context.new_cdp_session(page)

        def rounds(count: int) -> None:
            for step in range(count):
                timed(page, key="+" if step % 10 < 5 else "-")

        rounds(20)  # what is kept for going back is kept then
        before = browser.heap_mb(session)
        rounds(zooms_)
        after = browser.heap_mb(session)
    grown = after - before
    text = f"the heap after {zooms_} zooms"
    return [Line(text, took=f"{after:.1f} MB", ratio=f"{grown:+.1f} MB", target="≤ +2 MB", met=grown <= 2)]


def judged(site: str, days: int) -> list[Line]:
    """Lighthouse's marks of both pages."""
    signals = [".".join(name) for name in NAMES]
    pages = {"charts": view(signals, FIRST.start_ns, FIRST.start_ns + days * DAY_NS), "fleet": "/fleet"}
    return [
        Line(
            f"Lighthouse, {name}: {category}",
            took=f"{mark:.0f}",
            target=f"≥ {lighthouse.LEAST}",
            met=mark >= lighthouse.LEAST,
        )
        for name, path in pages.items()
        for category, mark in lighthouse.marks(site + path).items()
    ]


def _signals(chrome: Browser, site: str) -> list[str]:
    page = chrome.new_page()
    messages = page.request.get(f"{site}/vehicles/{VEHICLE}/messages").json()
    found = []
    for message in messages:
        name = message["message_name"]
        signals = page.request.get(f"{site}/vehicles/{VEHICLE}/messages/{name}/signals").json()
        found += [f"{name}.{signal['signal_name']}" for signal in signals]
    page.close()
    return found


def _drag(page: Page) -> None:
    box = page.locator(".u-over").first.bounding_box()
    if box is None:
        raise SystemExit("no panel is on the page")
    y = box["y"] + box["height"] / 2
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + box["width"] * 0.8, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, y, steps=60)
    page.mouse.up()
    page.keyboard.up("Shift")


def _ms(found: Sequence[float]) -> str:
    return f"{statistics.median(found):.0f} ms (worst {max(found):.0f})"


def _line(who: str, found: Sequence[float], limit_ms: float) -> Line:
    return Line(who, took=_ms(found), target=f"≤ {limit_ms:.0f} ms", met=statistics.median(found) <= limit_ms)


def main() -> None:
    """Build or find the lake, measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the lake is, or is built and stays")
    parser.add_argument("--days", type=int, default=DAYS, help=f"days of the lake: {DAYS}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--zooms", type=int, default=200)
    parser.add_argument(
        "--only",
        nargs="*",
        choices=_PARTS,
        default=_PARTS,
        help="these parts of it, or none beside Lighthouse",
    )
    parser.add_argument(
        "--lighthouse", action="store_true", help="ask Lighthouse as well; installs it under build/"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"put the table into {PAGE.name}: on a quiet machine only"
    )
    asked = parser.parse_args()
    result = Result("The dashboard", "Medians; the worst round in brackets.")
    with tempfile.TemporaryDirectory() as temporary:
        folder = (asked.folder or Path(temporary)).resolve()
        built = Built.of(folder) or build(folder, asked.days, year=False)
        with serving(folder.as_uri()) as server:
            site = f"http://127.0.0.1:{server.port}"
            with chromium() as chrome:
                result.notes.append(f"Chromium {chrome.version}; {built.rows / 1e6:.0f} M rows in the lake.")
                if "pictures" in asked.only:
                    result.lines += pictures(chrome, site, asked.days, asked.rounds)
                if "zooms" in asked.only:
                    result.lines += zooms(chrome, site, asked.days, asked.rounds)
                if "pan" in asked.only:
                    result.lines += pan(chrome, site)
                if "memory" in asked.only:
                    result.lines += memory(chrome, site, asked.days, asked.zooms)
            if asked.lighthouse:
                result.lines += judged(site, asked.days)
    print_result(result)
    if asked.write and set(asked.only) != set(_PARTS):
        raise SystemExit("the page is written of a whole run only: leave --only away")
    if asked.write:
        write_page(PAGE, [result], _INTRODUCTION)


if __name__ == "__main__":
    main()
