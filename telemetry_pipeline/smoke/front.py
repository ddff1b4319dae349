"""The doors that people and programs use: the service with and without a token, and the dashboard's page."""

from typing import Final

from telemetry_pipeline.lake.instant import format_instant
from telemetry_pipeline.query.reader import SignalName
from telemetry_pipeline.smoke.outputs import Outputs
from telemetry_pipeline.smoke.passage import Passage, wait_for
from telemetry_pipeline.smoke.step import Failed
from telemetry_pipeline.smoke.web import Page, ask

HEADERS: Final = ("content-security-policy", "strict-transport-security", "x-frame-options")
_UNKNOWN_YET: Final = 404
"""What is new in the lake is known to a service that runs when it looks again."""

_NOBODYS: Final = "not.a.token"


def see_unsigned_refused(outputs: Outputs) -> str:
    """Ask without a token, and with one that nobody signed.

    Raises:
        Failed: That is answered, or the service is not there at all.
    """
    base = outputs["ApiUrl"].rstrip("/")
    health = ask(f"{base}/health")
    if health.status != 200:
        raise Failed(f"it answers {health.status}", health.url, "See the log of the service's function")
    for page in (ask(f"{base}/vehicles"), ask(f"{base}/vehicles", token=_NOBODYS)):
        if page.status != 401:
            raise Failed(f"a request without a good token is answered {page.status}", page.url)
    return "/health answers, /vehicles refuses with 401"


def ask_service(outputs: Outputs, passage: Passage, name: SignalName, wanted: int, token: str) -> str:
    """Ask for a signal of the object until the service knows all of its samples.

    Raises:
        Failed: It refuses, or does not come to know them.
    """
    url = f"{outputs['ApiUrl'].rstrip('/')}/vehicles/{passage.vehicle_id}/query"
    question = {
        "signals": [{"message_name": name[0], "signal_name": name[1]}],
        "start_time": format_instant(passage.start_ns),
        "end_time": format_instant(passage.end_ns),
    }

    def answered() -> bool:
        page = ask(url, token=token, body=question)
        if page.status not in (200, _UNKNOWN_YET):
            raise Failed(f"it answers {page.status}: {page.body[:200].decode(errors='replace')}", url)
        return page.status == 200 and _samples(page) == wanted

    wait_for(answered, f"{wanted:,} samples of {name[0]}.{name[1]} at {url}", passage.timeout_s)
    return f"{wanted:,} samples of {name[0]}.{name[1]}"


def see_dashboard(outputs: Outputs) -> str:
    """Fetch the page and what it is told about signing in.

    Raises:
        Failed: It is none, its headers are missing, or it signs in elsewhere.
    """
    page = ask(outputs["DashboardUrl"])
    if page.status != 200 or b"<!doctype html" not in page.body[:200].lower():
        raise Failed(f"it answers {page.status} and no page", page.url)
    if missing := [name for name in HEADERS if name not in page.headers]:
        raise Failed(f"its page comes without {', '.join(missing)}", page.url)
    where = ask(f"{outputs['DashboardUrl'].rstrip('/')}/auth-config")
    if where.status != 200 or where.json().get("client_id") != outputs["CognitoClientId"]:
        raise Failed("it does not say where to sign in", where.url)
    return f"{page.url}, {len(page.body):,} bytes"


def _samples(page: Page) -> int:
    try:
        return sum(len(series["data"]) for series in page.json()["signals"])
    except (KeyError, TypeError) as error:
        raise Failed("the answer is none to a query", page.url) from error
