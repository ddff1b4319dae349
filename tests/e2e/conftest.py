"""What a browser test needs: the built dashboard, Chromium, a lake of simulated drives, and the real service over it."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.servers import ended, free_port, wait_for_http

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "dashboard"
CHROMIUM = Path("/usr/bin/chromium")
TELEMETRY = Path(sys.executable).parent / "telemetry"

# the network is this machine's own: the browser's talk with its maker is noise
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

GEARS = {"0": "Park", "1": "Reverse", "2": "Neutral", "3": "Drive", "4": "Low"}

# an id that no database knows, another one, and a frame that holds no whole signal
ODD_LOG = """\
(1736928000.000000) can0 7DF#0201
(1736928001.000000) can0 555#0102030405
(1736928002.000000) can0 1A0#00
"""

Serve = Callable[..., AbstractContextManager[str]]


def run_telemetry(lake: str, *arguments: str) -> None:
    """One `telemetry` command over a lake; its words when it fails."""
    env = os.environ | {"TELEMETRY_LAKE": lake}
    done = subprocess.run(
        [str(TELEMETRY), *arguments], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, f"telemetry {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"


def drive(lake: str, vehicle: str, start: str, duration: str) -> None:
    """Simulate a drive and decode it."""
    run_telemetry(lake, "simulate", "--vehicle", vehicle, "--start", start, "--duration", duration)
    run_telemetry(lake, "decode", "--pending")


def copy_of_lake(name: str, fill: Callable[[str], None], factory: pytest.TempPathFactory) -> str:
    """The URL of a lake that one worker fills and that each has a copy of: its tests may change it."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    made = shared / f"lake-{name}"
    with (shared / f"lake-{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            half = shared / f"lake-{name}.half"
            shutil.rmtree(half, ignore_errors=True)
            half.mkdir()
            fill((half / "lake").as_uri())
            half.rename(made)
    copy = factory.mktemp(name) / "lake"
    shutil.copytree(made / "lake", copy)
    return copy.as_uri()


def gearbox_database(folder: Path) -> Path:
    """The bundled database and a gear whose values have names, as a file in a lake's folder of databases."""
    gearbox = 'BO_ 700 Gearbox: 1 MotorController\n SG_ Gear : 0|3@1+ (1,0) [0|4] "" TelemetryUnit\n'
    names = " ".join(f'{value} "{name}"' for value, name in GEARS.items())
    text = (ROOT / "dbc" / "ev_powertrain.dbc").read_text()
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "ev_powertrain.dbc"
    database.write_text(text.replace('CM_ "', f'{gearbox}\nCM_ "', 1) + f"\nVAL_ 700 Gear {names} ;\n")
    return database


@pytest.fixture(scope="session")
def dashboard() -> Path:
    """The folder of the dashboard, built from the sources as they are now."""
    built = DASHBOARD / "dist" / "index.html"
    sources = [DASHBOARD / name for name in ("index.html", "package-lock.json", "vite.config.ts")]
    sources += [
        path for folder in ("src", "public") for path in (DASHBOARD / folder).rglob("*") if path.is_file()
    ]
    if built.is_file() and built.stat().st_mtime >= max(path.stat().st_mtime for path in sources):
        return built.parent
    if not (npm := shutil.which("npm")):
        pytest.skip(
            "the dashboard is not built, and there is no npm to build it: install Node 20.19 or newer"
        )
    installed = DASHBOARD / "node_modules" / ".package-lock.json"
    lock = DASHBOARD / "package-lock.json"
    commands = [["run", "build"]]
    if not installed.is_file() or installed.stat().st_mtime < lock.stat().st_mtime:
        commands.insert(0, ["ci"])
    for command in commands:
        done = subprocess.run(
            [npm, *command], cwd=DASHBOARD, capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"npm {' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    return built.parent


@pytest.fixture(scope="session")
def serve(dashboard: Path, tmp_path_factory: pytest.TempPathFactory) -> Serve:
    """Runs the service over a lake; the context is its URL."""

    @contextmanager
    def running(lake: str, port: int | None = None) -> Iterator[str]:
        port = port or free_port()
        env = os.environ | {"TELEMETRY_LAKE": lake, "TELEMETRY_DASHBOARD": str(dashboard)}
        log = tmp_path_factory.mktemp("serve") / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [str(TELEMETRY), "serve", "--port", str(port)],
                env=env,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with ended(process):
            wait_for_http(f"http://127.0.0.1:{port}/health", process, log=log)
            yield f"http://127.0.0.1:{port}"

    return running


@pytest.fixture(scope="session")
def drives(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a lake with two vehicles: the older one paused for two minutes in the middle of its session."""

    def fill(lake: str) -> None:
        drive(lake, "EV_PAUSED", "2025-01-15T08:00Z", "2m")
        drive(lake, "EV_PAUSED", "2025-01-15T08:04Z", "2m")
        drive(lake, "EV_LATEST", "2025-01-16T09:30Z", "2m")

    return copy_of_lake("drives", fill, tmp_path_factory)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a lake with two vehicles and rules; of one an object is torn, and three frames are odd."""

    def fill(url: str) -> None:
        folder = Path(url.removeprefix("file://"))
        run_telemetry(url, "rules", "add", str(ROOT / "dbc" / "rules.yaml"))
        for vehicle, start in (
            ("EV_ALPHA", "2025-01-13T07:30Z"),
            ("EV_ALPHA", "2025-01-15T08:00Z"),
            ("EV_ALPHA", "2025-01-15T16:10Z"),
            ("EV_BRAVO", "2025-01-15T08:05Z"),
        ):
            run_telemetry(url, "simulate", "--vehicle", vehicle, "--start", start, "--duration", "3m")
        day = folder / "raw/vehicle_id=EV_BRAVO/year=2025/month=01/day=15"
        (day / "20250115T120000.000Z_raw.parquet").write_bytes(b"PAR1 torn")
        log = folder.with_name("odd.log")
        log.write_text(ODD_LOG)
        run_telemetry(url, "import", str(log), "--vehicle", "EV_BRAVO")
        run_telemetry(url, "decode", "--pending")

    return copy_of_lake("fleet", fill, tmp_path_factory)


@pytest.fixture(scope="session")
def fleet_site(serve: Serve, fleet: str) -> Iterator[str]:
    """The URL of a service over `fleet`."""
    with serve(fleet) as url:
        yield url


@pytest.fixture(scope="module")
def site(serve: Serve, drives: str) -> Iterator[str]:
    """The URL of the service over `drives`."""
    with serve(drives) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's own Chromium."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install chromium")
    expect.set_options(timeout=180_000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; nothing that its script complains about is accepted."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(180_000)
    complaints: list[str] = []
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    # what the browser itself says about a service that is away is not the page's fault
    assert [text for text in complaints if not text.startswith("Failed to load resource")] == []
