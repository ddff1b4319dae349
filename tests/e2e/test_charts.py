"""Charts as somebody measures with them: what is drawn and what is said is compared with what the service answers."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, Request, expect

from tests.e2e.conftest import GEARS, Serve, gearbox_database, run_telemetry
from tests.e2e.screen import answered, drag, drawn, is_query, plot, settled
from tests.servers import wait_until

pytestmark = pytest.mark.slow

RPM, VOLTAGE, GEAR = "MotorCtrl_Status.Motor_RPM", "BMS_PackStatus.Pack_Voltage", "Gearbox.Gear"
VIEW = f"v=EV_CHART&s={RPM},{VOLTAGE},{GEAR}&from=2025-01-15T08:00:00Z&to=2025-01-15T08:20:00Z"
DAY = {"start": "2025-01-15T00:00:00Z", "end": "2025-01-16T00:00:00Z"}


@pytest.fixture(scope="module")
def charted(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a service over two vehicles whose gears have names, with a rule that finds something."""
    folder = tmp_path_factory.mktemp("charted") / "lake"
    database = gearbox_database(folder / "dbc")
    (folder / "dbc" / "rules.yaml").write_text("rules:\n  - name: moving\n    when: Motor_RPM > 500 for 2s\n")
    lake = folder.as_uri()
    for vehicle, start in (("EV_CHART", "2025-01-15T08:00Z"), ("EV_OTHER", "2025-01-16T09:00Z")):
        arguments = ("--vehicle", vehicle, "--start", start, "--duration", "20m", "--dbc", str(database))
        run_telemetry(lake, "simulate", *arguments)
    run_telemetry(lake, "decode", "--pending")
    with serve(lake) as url:
        yield url


def open_view(page: Page, site: str, more: str = "") -> None:
    """Open the view that these tests begin with."""
    page.goto(f"{site}/?{VIEW}{more}")
    settled(page)


def statistics(site: str, vehicle: str, signal: str, start_ms: float, end_ms: float) -> dict[str, Any]:
    """What the service counts of a signal in [start_ms, end_ms)."""
    message, name = signal.split(".")
    times = [f"{_iso(start_ms)}", f"{_iso(end_ms)}"]
    body = {
        "signals": [{"message_name": message, "signal_name": name}],
        "ranges": [{"start_time": times[0], "end_time": times[1]}],
    }
    response = httpx.post(f"{site}/vehicles/{vehicle}/stats", json=body, timeout=60.0)
    response.raise_for_status()
    found: dict[str, Any] = response.json()["ranges"][0]["signals"][0]
    return found


def _iso(ms: float) -> str:
    micros = round(ms * 1000)
    days, rest = divmod(micros, 86_400_000_000)
    hours, rest = divmod(rest, 3_600_000_000)
    minutes, rest = divmod(rest, 60_000_000)
    assert days == 20_103  # 15 January 2025
    return f"2025-01-15T{hours:02}:{minutes:02}:{rest / 1e6:09.6f}Z"


def text_of(value: float) -> str:
    """A number as the tables write it."""
    return f"{value:.6g}"


def test_envelope_and_badge_are_the_services_numbers(page: Page, charted: str) -> None:
    with page.expect_request(is_query) as asked:
        open_view(page, charted)
    body = asked.value.post_data_json
    answer = httpx.post(asked.value.url, json=body, timeout=60.0).json()["signals"][0]
    data = page.evaluate(
        """() => { const chart = window.__telemetry.charts.get("rpm");
        const [t, high, low] = chart.data;
        return [...t].flatMap((_, i) => typeof high[i] === "number" ? [[high[i], low[i]]] : []); }"""
    )
    assert data == [
        list(pair) for pair in zip(answer["envelope"]["max"], answer["envelope"]["min"], strict=True)
    ]
    assert drawn(page) == answered(asked.value)
    badge = page.locator("[data-unit='rpm'] .resolution")
    count = statistics(charted, "EV_CHART", RPM, 1_736_928_000_000, 1_736_929_200_000)["count"]
    expect(badge).to_have_text(re.compile(rf"^[\d,]+ of {count:,} samples, .+ buckets, exact extremes$"))
    drag(page, plot(page, "rpm"), 0.5, 0.505)
    expect(badge).to_have_text(re.compile("^every sample: "))


def test_a_pan_draws_what_was_fetched_ahead(page: Page, charted: str) -> None:
    open_view(page, charted)
    with page.expect_response(lambda answer: _is_neighbourhood(answer.request)):
        drag(page, plot(page, "rpm"), 0.4, 0.5)
        settled(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if is_query(request) else None)
    start = page.get_by_label("From (UTC)")
    before = start.input_value()
    page.keyboard.press("l")
    expect(start).not_to_have_value(before)
    settled(page)
    expect(page.locator("main")).to_have_attribute("aria-busy", "false")
    visible = page.evaluate(
        """() => { const chart = window.__telemetry.charts.get("rpm"); const { min, max } = chart.scales.x;
        return [min, max, chart.data[0].at(0), chart.data[0].at(-1)]; }"""
    )
    assert visible[2] <= visible[0] < visible[1] <= visible[3]
    assert asked == []


def _is_neighbourhood(request: Request) -> bool:
    """Of the part that the test looks at, not of the whole session."""
    body: Any = request.post_data_json if request.url.endswith("/query") else None
    return bool(body and body["max_points"] > 10_000 and body["start_time"] > "2025-01-15T08:02:00Z")


def test_cursors_measure_exactly(page: Page, charted: str) -> None:
    open_view(page, charted)
    area = plot(page, "rpm")
    area.hover(position={"x": 200, "y": 20})
    page.keyboard.press("a")
    area.hover(position={"x": 500, "y": 20})
    page.keyboard.press("b")
    page.wait_for_url(re.compile("&b="))
    a, b = (page.get_by_role("slider", name=f"Cursor {name}") for name in "AB")
    row = page.get_by_role("region", name="Measurement").get_by_role("row").filter(has_text=RPM)

    def check() -> None:
        start, end = (float(cursor.get_attribute("aria-valuenow") or "nan") for cursor in (a, b))
        between = statistics(charted, "EV_CHART", RPM, start, end)
        at = [statistics(charted, "EV_CHART", RPM, t - 60_000, t + 0.001)["last"] for t in (start, end)]
        wanted = [*map(text_of, at), text_of(at[1] - at[0]), f"{between['count']:,}"]
        wanted += [text_of(between[name]) for name in ("min", "max", "mean", "std")]
        expect(row.get_by_role("cell")).to_have_text(wanted)
        expect(page.get_by_test_id("delta-t")).to_contain_text(f"{(end - start) / 1000:.6g} s")

    check()
    a.focus()
    held = a.get_attribute("aria-valuenow")
    page.keyboard.press("Shift+ArrowRight")
    expect(a).not_to_have_attribute("aria-valuenow", str(held))
    check()
    box = wait_until(area.bounding_box, "the panel's place on the page")
    page.mouse.move(box["x"] + 500, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + 600, box["y"] + 30, steps=4)
    page.mouse.up()
    check()
    page.keyboard.press("x")
    expect(a).to_have_count(0)


def test_statistics_follow_the_view(page: Page, charted: str) -> None:
    open_view(page, charted)
    drag(page, plot(page, "rpm"), 0.2, 0.8)
    settled(page)
    page.wait_for_url(lambda url: "08:00:00Z" not in str(url))
    chart = page.evaluate(
        "() => { const { min, max } = window.__telemetry.charts.get('rpm').scales.x; return [min, max]; }"
    )
    found = statistics(charted, "EV_CHART", VOLTAGE, *chart)
    cells = page.get_by_role("region", name="Statistics").get_by_role("row").filter(has_text=VOLTAGE)
    wanted = ["V", f"{found['count']:,}", *(text_of(found[name]) for name in ("min", "max", "mean", "std"))]
    expect(cells.get_by_role("cell")).to_have_text(wanted)


def test_signals_move_between_panels(page: Page, charted: str) -> None:
    open_view(page, charted)
    before = drawn(page)
    handle = page.get_by_role("button", name=f"Move {VOLTAGE} to another panel")
    handle.drag_to(page.locator("[data-unit='rpm']"))
    expect(page.get_by_role("article", name="Panel rpm, V")).to_be_visible()
    expect(page.locator(".new-panel")).to_be_hidden()  # there while something is dragged, and no longer
    scales = page.evaluate(
        """() => { const chart = window.__telemetry.charts.get("rpm");
        return chart.axes.slice(1).map((axis) => [axis.side, chart.scales[axis.scale].min]); }"""
    )
    assert [side for side, _ in scales] == [3, 1]
    assert scales[0][1] != scales[1][1]
    assert drawn(page) == before
    page.wait_for_url(re.compile("p=BMS_PackStatus.Pack_Voltage~rpm"))
    page.reload()
    settled(page)
    expect(page.get_by_role("article", name="Panel rpm, V")).to_be_visible()
    handle.focus()
    page.keyboard.press("ArrowUp")  # round to the end: a panel of its own
    expect(page.get_by_role("article", name="Panel V")).to_be_visible()
    expect(page.get_by_role("article", name="Panel rpm", exact=True)).to_be_visible()


def test_named_values_are_strips_and_events_are_marks(page: Page, charted: str) -> None:
    open_view(page, charted)
    plot(page, "states").hover(position={"x": 300, "y": 10})
    time = page.evaluate("() => window.__telemetry.charts.get('states').posToVal(300, 'x')")
    nearest = min(drawn(page)[GEAR], key=lambda point: abs(point[0] - time))
    assert nearest[1] is not None
    legend = page.locator(".legend li").filter(has_text=GEAR).locator(".legend-value")
    expect(legend).to_have_text(GEARS[f"{nearest[1]:.0f}"])
    events = httpx.get(f"{charted}/vehicles/EV_CHART/events", params=DAY, timeout=60.0).json()["events"]
    assert events
    mark = page.get_by_role("group", name="Events of rules").get_by_role("button").first
    expect(mark).to_have_attribute("aria-label", re.compile("^moving, warning"))
    mark.click()
    expect(page.get_by_label("From (UTC)")).not_to_have_value("2025-01-15 08:00:00")


def test_the_range_slider_and_the_wheel_move_the_view_and_all_is_undone(page: Page, charted: str) -> None:
    open_view(page, charted)
    start, end = page.get_by_label("From (UTC)"), page.get_by_label("To (UTC)")
    page.get_by_role("slider", name="End of the visible range").press("ArrowLeft")
    expect(end).to_have_value("2025-01-15 08:18:00")
    page.get_by_role("slider", name="Start of the visible range").press("ArrowRight")
    expect(start).to_have_value("2025-01-15 08:01:48")
    plot(page, "rpm").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(start).not_to_have_value("2025-01-15 08:01:48")
    back = page.get_by_role("button", name="Back")
    # the turn of the wheel, the slider's start, and its end
    for ends in (("08:01:48", "08:18:00"), ("08:00:00", "08:18:00"), ("08:00:00", "08:20:00")):
        back.click()
        expect(start).to_have_value(f"2025-01-15 {ends[0]}")
        expect(end).to_have_value(f"2025-01-15 {ends[1]}")
    expect(back).to_be_disabled()


def test_other_runs_lie_over_the_own_one(page: Page, charted: str) -> None:
    open_view(page, charted, "&o=EV_OTHER@2025-01-16T09:00:00Z&o0=2025-01-15T08:00:00Z")
    label = f"{RPM} · EV_OTHER 16 Jan 2025 09:00"
    expect(page.get_by_title(label, exact=True)).to_contain_text("EV_OTHER 16 Jan 2025 09:00")
    own = drawn(page)
    message, name = RPM.split(".")
    body = {
        "signals": [{"message_name": message, "signal_name": name}],
        "start_time": "2025-01-16T09:00:00Z",
        "end_time": "2025-01-16T09:20:00Z",
        "method": "raw",
        "shape": "columns",
    }
    raw = httpx.post(f"{charted}/vehicles/EV_OTHER/query", json=body, timeout=60.0).json()["signals"][0][
        "columns"
    ]
    shift = 90_000_000  # a day and an hour
    there = {(round(t - shift, 3), v) for t, v in zip(raw["t"], raw["v"], strict=True)}
    assert len(own[label]) > 500
    assert {(round(t, 3), v) for t, v in own[label]} <= there
    assert own[RPM] != own[label]


def test_every_sample_is_exported(page: Page, charted: str, tmp_path: Path) -> None:
    open_view(page, charted)
    count = statistics(charted, "EV_CHART", RPM, 1_736_928_000_000, 1_736_929_200_000)["count"]
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as parquet:
        page.get_by_role("link", name="Every sample as Parquet").click()
    parquet.value.save_as(tmp_path / "rows.parquet")
    rows = pq.read_table(tmp_path / "rows.parquet", columns=["signal_name"]).column(0).to_pylist()
    assert rows.count("Motor_RPM") == count
    page.get_by_role("button", name="Export").click()
    link = page.get_by_role("link", name="Every sample as CSV").get_attribute("href") or ""
    asked = parse_qs(urlsplit(link).query)
    assert asked["signals"] == [f"{RPM},{VOLTAGE},{GEAR}"]
    assert (asked["start"], asked["format"]) == (["2025-01-15T08:00:00Z"], ["csv"])
    with page.expect_download() as png:
        page.get_by_role("button", name="Save V as PNG").click()
    png.value.save_as(tmp_path / "v.png")
    head = (tmp_path / "v.png").read_bytes()[:24]
    # a panel without times on the page has its time axis in the picture
    assert int.from_bytes(head[20:24], "big") >= 300


def test_a_link_holds_cursors_panels_runs_and_theme(page: Page, charted: str) -> None:
    more = f"&p={VOLTAGE}~rpm&a=2025-01-15T08:05:00Z&b=2025-01-15T08:10:00Z"
    open_view(
        page, charted, f"{more}&o=EV_OTHER@2025-01-16T09:00:00Z&o0=2025-01-15T08:00:00Z&oa=clock&theme=light"
    )
    expect(page.get_by_test_id("delta-t")).to_have_text("300 s (5 min)")
    expect(page.get_by_test_id("rate")).to_have_text("3.3333 mHz")
    expect(page.get_by_role("article", name="Panel rpm, V")).to_be_visible()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "light"
    assert page.evaluate("() => localStorage.getItem('can-telemetry.theme')") is None
    # the address is written anew once something moves, and still says all of it
    page.keyboard.press("+")
    page.wait_for_url(lambda url: "from=2025-01-15T08:05:00Z" in str(url))
    for part in (*more.split("&")[1:], "o=EV_OTHER@2025-01-16T09:00:00Z", "oa=clock", "theme=light"):
        assert part in page.url
