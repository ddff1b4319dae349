"""A function that is run once and waited for. What it does is its own business."""

from typing import Any

from telemetry_pipeline.smoke.passage import wait_for
from telemetry_pipeline.smoke.step import Failed


def run_function(functions: Any, name: str, seconds: float) -> None:  # noqa: ANN401  a client, made at run time
    """Have a function run, and wait until it has.

    Args:
        functions: The client of functions.
        name: Its name.
        seconds: How long it may be busy with something else: one that runs every hour may be at work, and runs once at a
            time.

    Raises:
        Failed: It failed, or was busy all that time.
    """
    answers: list[dict[str, Any]] = []

    def ran() -> bool:
        try:
            answers.append(functions.invoke(FunctionName=name, Payload=b"{}"))
        except functions.exceptions.TooManyRequestsException:
            return False
        return True

    wait_for(ran, f"{name}: a moment in which it is not busy", seconds)
    if answers[0].get("FunctionError"):
        raise Failed(f"it fails: {answers[0]['Payload'].read(300).decode(errors='replace')}", name)
