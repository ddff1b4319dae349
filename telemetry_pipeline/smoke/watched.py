"""What watches a deployment: its alarms, and the queue of what nobody could settle."""

from typing import Any, Final

from telemetry_pipeline.smoke.outputs import Outputs
from telemetry_pipeline.smoke.step import Failed

ALARMS: Final = {"critical": 3, "warning": 4}
"""How many alarms of each severity the stacks make: three, and three with one for dead letters."""

_DEPTHS: Final = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")


def see_alarms(cloudwatch: Any, name: str, outputs: Outputs) -> str:  # noqa: ANN401  a client, made at run time
    """Look that all alarms are there and tell somebody.

    Raises:
        Failed: One is missing, or mute.
    """
    pages = cloudwatch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{name}-")
    made = [alarm for page in pages for alarm in page["MetricAlarms"]]
    for severity, most in ALARMS.items():
        of = [alarm for alarm in made if alarm["AlarmName"].startswith(f"{name}-{severity}-")]
        # without a function that decodes there is no alarm of its duration
        wanted = most - (severity == "warning" and "decode" not in outputs.stacks)
        if len(of) < wanted:
            raise Failed(f"{len(of)} of {wanted} {severity} alarms are there", name)
        if mute := [alarm["AlarmName"] for alarm in of if not alarm.get("AlarmActions")]:
            raise Failed("it tells nobody", mute[0])
    ringing = [alarm["AlarmName"] for alarm in made if alarm["StateValue"] == "ALARM"]
    return f"{len(made)} alarms" + (f", ringing now: {', '.join(ringing)}" if ringing else "")


def see_dead_letters(sqs: Any, url: str) -> str:  # noqa: ANN401  as above
    """Look that the queue is empty.

    Raises:
        Failed: It is not.
    """
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))
    waiting = sum(int(answer["Attributes"][name]) for name in _DEPTHS)
    if waiting:
        raise Failed(f"{waiting} messages wait in it", url)
    return "the queue is empty"
