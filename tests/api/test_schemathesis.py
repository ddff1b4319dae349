"""Schemathesis over the whole description of the service, with signing in and without.

It makes up requests from the description, sensible ones and broken ones, and checks every answer against it: no 5xx, no
status, content type, header or body that is not described, broken requests refused, and none answered without a token.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.app import create_app
from api.auth import SignIn
from telemetry_pipeline.query.events import EventReader
from telemetry_pipeline.query.parquet_reader import ParquetReader
from telemetry_pipeline.service_settings import Limits
from tests.api.small_lake import fill

EXAMPLES = 8
"""Made-up requests of each endpoint in the phase of random ones; there are several hundred others."""

NOT_SAID = (
    # that a range ends after it starts, and that a name exists, is more than a schema can say
    "positive_data_acceptance"
)
STREAMS = "/live$"
"""Answers without an end: `test_api_live` and `test_live_service` read those."""


@pytest.mark.slow
@pytest.mark.parametrize("signed_in", [False, True], ids=["open", "signed-in"])
def test_no_made_up_request_is_answered_other_than_described(
    folder_lake, serving, issuer, tmp_path, signed_in
):
    fill(folder_lake, samples=40)
    app = create_app(
        ParquetReader(folder_lake),
        lake=folder_lake.url,
        access=SignIn(issuer.settings()) if signed_in else None,
        events=EventReader(folder_lake),
        store=folder_lake,
        limits=Limits(rate=0),
    )
    client = serving(app)
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "run", f"{client.base_url}/openapi.json"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"),
        *("--checks", "all", "--exclude-checks", NOT_SAID, "--exclude-path-regex", STREAMS),
        *("--request-timeout", "60", "--continue-on-failure", "--no-color"),
        *("--suppress-health-check", "all"),
    ]
    if signed_in:
        command += ["--header", f"Authorization: {issuer.headers(exp=2**31)['Authorization']}"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=os.environ | {"NO_COLOR": "1"},
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr
    cases = re.search(r"([\d,]+) generated", done.stdout)
    assert cases, done.stdout
    print(f"schemathesis: {cases[1]} cases, {'signed in' if signed_in else 'open'}")
    assert int(cases[1].replace(",", "")) > 300
    tested = re.search(r"Tested: (\d+)", done.stdout)
    assert tested
    described = sum(map(len, app.openapi()["paths"].values()))
    assert int(tested[1]) == described - 1, "an endpoint was left out"
