"""The sensor that tells people what the asset checks find: any check of the code location, whoever defines it.

What stands is read from the newest evaluations; the cursor remembers whom it was told to. Telling is `alerts`' business.
"""

import time
from collections.abc import Collection
from typing import Any

import dagster as dg

from telemetry_pipeline.alerts.targets import LogTarget, Target, TopicTarget, WebhookTarget
from telemetry_pipeline.alerts.tracker import Tracker
from telemetry_pipeline.defs.findings import FINDINGS
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.settings import Settings


def alerts(settings: Settings) -> dg.SensorDefinition:
    """Tell of failed checks and silent vehicles, and of their end.

    Args:
        settings: Where to: always the log, and the webhook and the topic that they name.
    """

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed checks and silent vehicles: each once, and once when it is resolved.",
    )
    def tell(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        targets: list[Target] = [LogTarget(context.log.warning)]
        if settings.alert_webhook:
            targets.append(WebhookTarget(settings.alert_webhook))
        if settings.alert_topic:
            targets.append(TopicTarget(settings.alert_topic, settings.endpoint_url))
        tracker = Tracker(context.cursor, [target.name for target in targets])
        repository = context.repository_def
        checks: Collection[dg.AssetCheckKey] = (
            () if repository is None else repository.asset_graph.asset_check_keys
        )
        found, unknown = _standing(context.instance, checks)
        tracker.observe(found, time.time(), unknown=unknown)
        said: list[str] = []
        for target in targets:
            message = tracker.message_for(target.name, time.time())
            if message is None:
                continue
            try:
                target.tell(message, settings.lake)
            except TelemetryError as error:
                said.append(tracker.failed(target.name, time.time()))
                context.log.error("%s: %s", said[-1], error)  # noqa: TRY400  expected, and it has said all
            else:
                tracker.delivered(target.name, message)
                said.append(f"{target.name}: {message.summary}")
        said += [f"{name} is asked again later" for name in tracker.waiting() if not said]
        return dg.SensorResult(skip_reason="; ".join(said) or "nothing new", cursor=tracker.dump())

    return tell


def _standing(
    instance: dg.DagsterInstance, checks: Collection[dg.AssetCheckKey]
) -> tuple[dict[str, str], list[str]]:
    """What the newest evaluations find, by id, and the beginnings of the ids of checks that cannot be asked now."""
    found: dict[str, str] = {}
    unknown: list[str] = []
    for check in sorted(checks, key=lambda check: (check.asset_key.to_user_string(), check.name)):
        name = f"{check.asset_key.to_user_string()}/{check.name}"
        record = instance.get_latest_asset_check_evaluation_record(check)
        if record is None:
            continue
        evaluation = record.evaluation
        if not isinstance(evaluation, dg.AssetCheckEvaluation) or evaluation.partition is not None:
            unknown.append(f"{name}/")  # planned only, or about to be told over all partitions
        elif not evaluation.passed:
            found.update(_findings(name, evaluation))
    return found, unknown


def _findings(name: str, evaluation: dg.AssetCheckEvaluation) -> dict[str, str]:
    listed: Any = evaluation.metadata[FINDINGS].value if FINDINGS in evaluation.metadata else None
    if isinstance(listed, dict) and listed:
        return {f"{name}/{subject}": str(text) for subject, text in listed.items()}
    return {f"{name}/": str(evaluation.description or "the check fails")}
