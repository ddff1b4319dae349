"""The pictures of the guide: each page at rest, in a window of 1280 x 800, on which nothing is cut off.

With `--write-images` they are of longer drives, and those of `docs/` are taken anew.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import ODD_LOG, ROOT, Serve, gearbox_database, run_telemetry
from tests.e2e.screen import plot, settled

pytestmark = pytest.mark.slow

IMAGES = ROOT / "docs" / "images"
SIGNALS = "MotorCtrl_Status.Motor_RPM,BMS_PackStatus.Pack_Voltage,BMS_PackStatus.Pack_SOC,MotorCtrl_Thermal.Stator_Temp"
VIEW = f"/?v=EV_ALPHA&s={SIGNALS}"


@pytest.fixture(scope="module")
def written(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--write-images"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, *, written: bool) -> Path:
    """Where screenshots go: into the documentation if that was asked for."""
    return IMAGES if written else tmp_path_factory.mktemp("images")


@pytest.fixture(scope="module")
def demo(serve: Serve, tmp_path_factory: pytest.TempPathFactory, *, written: bool) -> Iterator[str]:
    """The URL of a service over two vehicles, one of which has trouble."""
    folder = tmp_path_factory.mktemp("demo") / "lake"
    lake = folder.as_uri()
    database = gearbox_database(folder / "dbc")
    run_telemetry(lake, "rules", "add", str(ROOT / "dbc" / "rules.yaml"))
    long = "20m" if written else "3m"
    drives = [("EV_ALPHA", "2025-01-15T08:00Z", "0"), ("EV_OTHER", "2025-01-15T08:05Z", "2")]
    if written:
        drives += [("EV_ALPHA", f"2025-01-{day}T{clock}Z", day) for day, clock in DRIVES]
    for vehicle, start, seed in drives:
        where = ("--vehicle", vehicle, "--start", start, "--duration", long)
        run_telemetry(lake, "simulate", *where, "--dbc", str(database), "--seed", seed)
    day = folder / "raw/vehicle_id=EV_OTHER/year=2025/month=01/day=15"
    (day / "20250115T120000.000Z_raw.parquet").write_bytes(b"PAR1 torn")
    (folder.parent / "odd.log").write_text(ODD_LOG)
    run_telemetry(lake, "import", str(folder.parent / "odd.log"), "--vehicle", "EV_OTHER")
    run_telemetry(lake, "decode", "--pending")
    with serve(lake) as url:
        yield url


DRIVES = (("13", "07:30"), ("13", "17:05"), ("14", "07:45"), ("15", "16:10"))


def rested(page: Page) -> None:
    """Wait until everything that was asked for is drawn."""
    page.wait_for_function(
        "() => !document.querySelector('[aria-busy=true], .skeleton-list, .skeleton-panels')"
    )


def taken(page: Page, folder: Path, name: str) -> None:
    """A screenshot, small enough to be kept with the sources."""
    rested(page)
    path = folder / f"dashboard{name and '-'}{name}.png"
    page.screenshot(path=path, animations="disabled")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert 10_000 < path.stat().st_size < 300_000


def is_whole(page: Page) -> None:
    """Nothing sticks out of the window, and the last panel's time axis is to be seen without scrolling."""
    needed, wide = page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
    assert needed <= wide
    hidden = page.evaluate(
        """() => [...document.querySelectorAll('.panels')].map((one) => one.scrollHeight - one.clientHeight)"""
    )
    assert all(pixels <= 2 for pixels in hidden), hidden


def pointed(page: Page) -> None:
    plot(page, "rpm").hover(position={"x": 420, "y": 30})
    expect(page.locator(".crosshair-clock")).to_be_visible()


def picking(page: Page) -> None:
    page.keyboard.press("v")
    expect(page.get_by_role("option", name="EV_OTHER")).to_contain_text("1 in quarantine")


def jumped(page: Page) -> None:
    page.keyboard.press("2")
    page.locator(".event").first.click()
    settled(page)


def laid_over(page: Page) -> None:
    page.keyboard.press("3")
    page.get_by_label("Sessions of").select_option("EV_OTHER")
    page.get_by_role("checkbox", name=re.compile("^Overlay EV_OTHER 15 Jan 2025 08:05")).check()
    settled(page)


def measured(page: Page) -> None:
    page.keyboard.press("m")
    expect(page.get_by_role("region", name="Measurement").get_by_role("row")).to_have_count(5)


def troubled(page: Page) -> None:
    page.get_by_role("button", name="EV_OTHER: 1 object in quarantine").click()
    expect(page.locator(".fleet-details")).to_contain_text("0x7DF")


PICTURES: dict[str, tuple[str, str, Callable[[Page], None]]] = {
    "": (f"{VIEW}&from=2025-01-15T08:00:30Z&to=2025-01-15T08:02:30Z", "dark", pointed),
    "charts-light": (
        f"{VIEW}&p=BMS_PackStatus.Pack_Voltage~rpm",
        "light",
        lambda page: page.keyboard.press("d"),
    ),
    "events-dark": (f"/?v=EV_ALPHA&s={SIGNALS.rpartition(',')[0]}", "dark", jumped),
    "overlay-light": (VIEW, "light", laid_over),
    "measuring-dark": (VIEW, "dark", measured),
    "vehicles-dark": (VIEW, "dark", picking),
    "keys-light": (VIEW, "light", lambda page: page.keyboard.press("?")),
    "fleet-dark": ("/fleet?", "dark", troubled),
    "fleet-light": ("/fleet?", "light", troubled),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_the_guide_is_whole(page: Page, demo: str, pictures: Path, name: str) -> None:
    path, theme, do = PICTURES[name]
    page.goto(f"{demo}{path}&theme={theme}")
    page.wait_for_selector("main[aria-busy=false] .uplot, .fleet-row")
    page.wait_for_load_state("networkidle")
    do(page)
    is_whole(page)
    taken(page, pictures, name)


def test_a_picture_of_states_while_the_view_follows(
    page: Page, demo: str, pictures: Path, *, written: bool
) -> None:
    """The newest half minute, with the names of gears in their strip."""
    times = ("16:29:30", "16:30:00") if written else ("08:02:30", "08:03:00")
    start, end = (f"2025-01-15T{time}Z" for time in times)
    signals = "MotorCtrl_Status.Motor_RPM,MotorCtrl_Status.Motor_Power,Gearbox.Gear"
    page.goto(f"{demo}/?v=EV_ALPHA&s={signals}&from={start}&to={end}&live=1&theme=dark")
    settled(page)
    expect(page.get_by_role("switch", name="Live")).to_have_attribute("aria-checked", "true")
    expect(page.get_by_role("article", name="Panel States")).to_be_visible()
    expect(page.get_by_label("From (UTC)")).to_have_value(start[:-1].replace("T", " "))
    is_whole(page)
    taken(page, pictures, "live-dark")


def test_a_picture_of_a_tablet_is_whole(browser: Browser, demo: str, pictures: Path) -> None:
    context = browser.new_context(viewport={"width": 820, "height": 1180}, has_touch=True)
    page = context.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{demo}{VIEW}&theme=dark")
    settled(page)
    page.get_by_role("button", name="Measure").tap()
    expect(page.get_by_role("region", name="Measurement").get_by_role("row")).to_have_count(5)
    is_whole(page)
    taken(page, pictures, "tablet")
    context.close()
