"""A function that takes long, is busy or fails, behind a stand-in of Lambda's door."""

import json
import threading
from collections.abc import Callable

import pytest

from telemetry_pipeline.smoke.aws import LONGEST_S, Aws, faults
from telemetry_pipeline.smoke.function import run_function
from telemetry_pipeline.smoke.step import Failed
from tests.moto_server import ENV
from tests.servers import Answer, Asked, answering

NAME = "fleet-catalog"
BUSY = Answer(
    json.dumps(
        {"Reason": "ReservedFunctionConcurrentInvocationLimitExceeded", "message": "Rate Exceeded."}
    ).encode(),
    429,
    {"x-amzn-ErrorType": "TooManyRequestsException"},
)


@pytest.fixture(autouse=True)
def signed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)


def run(monkeypatch: pytest.MonkeyPatch, answer: Callable[[Asked], Answer], seconds: float = 60.0) -> None:
    with answering(answer) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        run_function(Aws().functions(), NAME, seconds)


def test_it_is_waited_for_as_long_as_a_function_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = Aws().functions()
    assert functions.meta.config.read_timeout == LONGEST_S > 900
    # the same wait, with an end that a test can see
    asked: list[Asked] = []
    over = threading.Event()

    def never(request: Asked) -> Answer:
        asked.append(request)
        over.wait(60)
        return Answer(b"{}")

    with answering(never) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", url)
        try:
            with pytest.raises(faults(), match="Read timeout"):
                run_function(Aws(longest_s=0.5).functions(), NAME, 60)
        finally:
            over.set()
    assert len(asked) == 1, "each time that it is asked it runs once more"


def test_one_that_is_busy_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [BUSY, BUSY, Answer(b"{}")]
    run(monkeypatch, lambda _: answers.pop(0))
    assert answers == []
    with pytest.raises(Failed, match="not busy"):
        run(monkeypatch, lambda _: BUSY, seconds=0)


def test_one_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Answer(b'{"errorMessage": "Task timed out"}', headers={"X-Amz-Function-Error": "Unhandled"})
    with pytest.raises(Failed, match="Task timed out"):
        run(monkeypatch, lambda _: told)
