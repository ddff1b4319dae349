"""Somebody who has to sign in: a real browser, the real service, and an issuer that checks what the standard asks for.

The issuer is `tests/oidc_login.py`, which says what of it is simulated.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import serious
from tests.e2e.conftest import ROOT, Serve
from tests.e2e.screen import drawn, settled
from tests.oidc_login import CLIENT
from tests.servers import ended, free_port, wait_for_http

pytestmark = pytest.mark.slow

ROWS = 24_000  # two minutes of Motor_RPM and of Motor_Power, 100 a second each
VIEW = "v=EV_LATEST&s=MotorCtrl_Status.Motor_RPM,MotorCtrl_Status.Motor_Power"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """Tokens are renewed half a minute before they end: those of 32 s after two seconds."""
    port = free_port()
    command = [sys.executable, "-m", "tests.oidc_login", "--port", str(port), "--lifetime", "32"]
    process = subprocess.Popen([*command, "--vehicles", "EV_LATEST"], cwd=ROOT, start_new_session=True)
    with ended(process):
        wait_for_http(f"http://127.0.0.1:{port}/keys", process)
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def locked(serve: Serve, drives: str, issuer: str) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TELEMETRY_AUTH_ISSUER", issuer)
        patched.setenv("TELEMETRY_AUTH_AUDIENCE", CLIENT)
        with serve(drives) as url:
            yield url


def asked(issuer: str, what: str) -> int:
    return int(httpx.get(f"{issuer}/asked", timeout=60.0).json().get(what, 0))


def enter(page: Page) -> None:
    """From the closed dashboard over the issuer's page back to charts."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="I am Ada").click()
    settled(page)


def test_a_link_survives_signing_in_and_shows_ones_own_vehicles(page: Page, locked: str) -> None:
    page.goto(f"{locked}/?v=EV_LATEST&s=BMS_PackStatus.Pack_SOC")
    expect(page.get_by_role("heading", name="Sign in to see your vehicles")).to_be_visible()
    expect(page.get_by_test_id("health")).to_have_text("Connected")
    enter(page)
    assert "code=" not in page.url
    assert list(drawn(page)) == ["BMS_PackStatus.Pack_SOC"]
    expect(page.get_by_test_id("account")).to_have_text("Ada Lovelace")
    page.keyboard.press("v")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Escape")

    page.reload()  # the tab is still signed in
    settled(page)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_token_is_renewed_before_it_ends(page: Page, locked: str, issuer: str) -> None:
    page.goto(locked)
    enter(page)
    before = asked(issuer, "/token refresh_token")
    page.wait_for_function(
        "() => JSON.parse(sessionStorage['can-telemetry.tokens']).expires - Date.now() < 30000"
    )
    page.get_by_role("button", name="Zoom in").click()
    settled(page)
    expect(page.get_by_test_id("account")).to_be_visible()
    assert asked(issuer, "/token refresh_token") > before

    httpx.get(f"{issuer}/forget", timeout=60.0)  # the issuer ends the session: nothing can be renewed
    page.wait_for_function(
        "() => JSON.parse(sessionStorage['can-telemetry.tokens'])?.expires - Date.now() < 30000"
    )
    page.get_by_role("button", name="Zoom in").click()
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()


def test_a_refusal_is_told_and_can_be_tried_again(page: Page, locked: str) -> None:
    page.goto(locked)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="I would rather not").click()
    expect(page.get_by_role("alert")).to_contain_text("Ada would rather not")
    enter(page)


def test_an_answer_that_nobody_asked_for_is_not_taken(page: Page, locked: str, issuer: str) -> None:
    before = asked(issuer, "/token authorization_code")
    page.goto(f"{locked}/?code=stolen&state=guessed")
    expect(page.get_by_role("alert")).to_contain_text("no question of this tab")
    assert asked(issuer, "/token authorization_code") == before


def export(page: Page, choice: str) -> None:
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name=choice).click()


def test_exports_carry_the_token(page: Page, locked: str, tmp_path: Path) -> None:
    # a browser that cannot write to a file collects the answer
    page.add_init_script("delete window.showSaveFilePicker")
    page.goto(f"{locked}/?{VIEW}")
    enter(page)
    with page.expect_download() as parquet:
        export(page, "Every sample as Parquet")
    parquet.value.save_as(tmp_path / "rows.parquet")
    assert pq.read_table(tmp_path / "rows.parquet").num_rows == ROWS
    assert parquet.value.suggested_filename == "EV_LATEST_2025-01-16T09-30-00Z.parquet"
    expect(page.get_by_role("group", name="Export")).to_have_count(0)  # the menu closes when it is done
    page.route("**/export*", lambda route: route.continue_(url=f"{route.request.url}&start=teatime"))
    export(page, "Every sample as CSV")
    expect(page.get_by_role("alert")).to_contain_text("start")
    # nobody who has no token gets one out of the address
    assert httpx.get(f"{locked}/vehicles/EV_LATEST/export?format=csv", timeout=60.0).status_code == 401


def test_an_export_is_streamed_to_the_file_that_was_chosen(page: Page, locked: str) -> None:
    # the dialog is the system's: what it gives is taken from the browser's own files instead
    page.add_init_script(
        """window.showSaveFilePicker = async ({ suggestedName }) => {
          const folder = await navigator.storage.getDirectory();
          return folder.getFileHandle(suggestedName, { create: true }); }"""
    )
    page.goto(f"{locked}/?{VIEW}")
    enter(page)
    export(page, "Every sample as CSV")
    expect(page.get_by_role("group", name="Export")).to_have_count(0)
    text = page.evaluate(
        """async () => { const folder = await navigator.storage.getDirectory();
          const [handle] = await Array.fromAsync(folder.values());
          return [handle.name, await (await handle.getFile()).text()]; }"""
    )
    assert text[0] == "EV_LATEST_2025-01-16T09-30-00Z.csv"
    assert len(text[1].splitlines()) == ROWS + 1


def test_the_live_tail_carries_the_token(page: Page, locked: str) -> None:
    page.goto(f"{locked}/?{VIEW}")
    enter(page)
    with page.expect_response(lambda answer: "/live?" in answer.url) as live:
        page.get_by_role("switch", name="Live").click()
    assert live.value.status == 200
    assert live.value.request.headers["authorization"].startswith("Bearer ")
    expect(page.get_by_test_id("account")).to_be_visible()


def test_axe_finds_nothing_serious_in_front_of_the_door(page: Page, locked: str) -> None:
    page.goto(locked)
    expect(page.get_by_role("heading", name="Sign in to see your vehicles")).to_be_visible()
    assert {theme: faults for theme, faults in serious(page).items() if faults} == {}
