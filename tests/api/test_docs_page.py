"""The page of the API's description, in a browser that reaches nothing but the service."""

import re

import pytest
from playwright.sync_api import expect, sync_playwright

from api.app import create_app
from telemetry_pipeline.query.parquet_reader import ParquetReader
from tests.api.small_lake import RANGE, fill
from tests.e2e.conftest import CHROMIUM, FLAGS


@pytest.fixture
def client(folder_lake, serving):
    fill(folder_lake)
    return serving(create_app(ParquetReader(folder_lake), lake=folder_lake.url, store=folder_lake))


def test_the_page_needs_nobody_else_and_runs_nothing_else(client):
    answer = client.get("/docs")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", policy["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/=]{44}'", policy["style-src"])
    assert policy["connect-src"] == "'self'"
    assert not re.findall(r"(?:src|href)=\"?(?:https?:)?//", answer.text)
    assert "innerHTML" not in answer.text


@pytest.mark.slow
def test_every_endpoint_is_shown_and_can_be_asked(client):
    base = str(client.base_url)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            page = browser.new_page()
            strangers, complaints = [], []
            page.on(
                "request",
                lambda request: request.url.startswith((base, "data:")) or strangers.append(request.url),
            )
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"{base}/docs")
            paths = client.get("/openapi.json").json()["paths"]
            count = sum(len(operations) for operations in paths.values())
            expect(page.locator("details")).to_have_count(count, timeout=60_000)
            for number in range(count):
                page.locator("summary").nth(number).click()
            expect(page.get_by_role("button", name="Send")).to_have_count(count, timeout=60_000)

            listed = page.locator(
                "details", has=page.locator("summary", has_text=re.compile(r"^GET/vehicles\s"))
            )
            listed.get_by_role("button", name="Send").click()
            expect(listed.locator("pre[aria-live]")).to_contain_text('"vehicle_id":"EV_001"', timeout=60_000)

            asked = page.locator(
                "details", has=page.locator("summary", has_text="POST/vehicles/{vehicle_id}/query")
            )
            body = asked.get_by_label("post /vehicles/{vehicle_id}/query body")
            assert '"message_name"' in body.input_value()
            asked.get_by_label("query vehicle_id").fill("EV_001")
            body.fill(
                '{"signals": [{"message_name": "Drive", "signal_name": "Speed"}], "max_points": 10, '
                f'"start_time": "{RANGE["start"]}", "end_time": "{RANGE["end"]}"}}'
            )
            asked.get_by_role("button", name="Send").click()
            expect(asked.locator("pre[aria-live]")).to_contain_text("200 application/json", timeout=60_000)
            expect(asked.locator("pre[aria-live]")).to_contain_text('"source_points":600', timeout=60_000)
        finally:
            browser.close()
    assert not strangers
    assert not complaints
