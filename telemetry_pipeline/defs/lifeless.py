"""The sensor that declares runs failed whose signs of life have ended, so that Dagster begins them again.

Dagster sees that a run's process died as long as the code server that started it lives; after a power cut nobody does.
What a sign of life is, is `heartbeat`'s business.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import dagster as dg

from telemetry_pipeline.defs import checks, jobs, lineage, staleness
from telemetry_pipeline.defs.heartbeat import DEAD_AFTER_S, forget, owes_a_sign, signs_of_life
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.defs.retention import RETENTION
from telemetry_pipeline.defs.roll_up import ROLL_UP
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.store import Store

LOOK_S: Final = 30
FIRST_SIGN_S: Final = 300.0
"""Between the start of a run and its first sign lies what Dagster does before the work."""

_ASSETS: Final = frozenset(
    {lineage.DECODED_SIGNALS, lineage.SIGNAL_SERIES, lineage.FLEET_DAILY, lineage.GLUE_PARTITIONS}
)
_JOBS: Final = frozenset({jobs.DRAIN, jobs.RECONCILE, ROLL_UP, RETENTION, staleness.JOB, checks.JOB})
"""Others may have runs in the same books; those need not show anything."""

_AT_WORK: Final = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


def lifeless_runs() -> dg.SensorDefinition:
    """Look for runs that are at work in Dagster's books and show no sign of life."""

    @dg.sensor(
        name="lifeless_runs",
        minimum_interval_seconds=LOOK_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Declares runs failed that gave no sign of life for a minute; Dagster begins them again.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        store = lake.store()
        try:
            found = _look(context.instance, store, signs_of_life(store), _load(context.cursor))
        except TransientError as error:
            # nobody could show one, either: what was seen before says nothing
            return dg.SensorResult(skip_reason=str(error), cursor="{}")
        said = f"buried: {', '.join(found.dead)}" if found.dead else f"{len(found.seen)} runs live"
        return dg.SensorResult(skip_reason=said, cursor=json.dumps(found.seen))

    return sensor


@dataclass
class _Found:
    """The last sign of each run, when it was first seen, and the runs that are declared failed."""

    seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    dead: list[str] = field(default_factory=list)


def _look(
    instance: dg.DagsterInstance,
    store: Store,
    signs: Mapping[str, str],
    seen: Mapping[str, tuple[str, float]],
) -> _Found:
    """Bury who gave the same sign for too long, by the clock of whoever looks alone."""
    now, found = time.time(), _Found()
    runs = {
        record.dagster_run.run_id: record.dagster_run
        for record in instance.get_run_records(dg.RunsFilter(statuses=list(_AT_WORK)))
    }
    for run_id in signs.keys() - runs.keys():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            forget(store, run_id)
    for run_id, run in runs.items():
        if run_id not in signs and not _will_show_signs(run):
            continue
        sign = signs.get(run_id, "")
        before = seen.get(run_id)
        since = before[1] if before is not None and before[0] == sign else now
        patience_s = DEAD_AFTER_S if sign else FIRST_SIGN_S
        if now - since >= patience_s and owes_a_sign(store, run_id):
            instance.report_run_failed(run, f"Its process is gone: no sign of life for {patience_s:.0f} s.")
            found.dead.append(run_id)
        else:
            found.seen[run_id] = (sign, since)
    return found


def _will_show_signs(run: dg.DagsterRun) -> bool:
    return run.job_name in _JOBS or not _ASSETS.isdisjoint(run.asset_selection or ())


def _load(cursor: str | None) -> dict[str, tuple[str, float]]:
    try:
        return {
            str(run_id): (str(sign), float(at)) for run_id, (sign, at) in json.loads(cursor or "{}").items()
        }
    except (ValueError, TypeError, AttributeError):
        return {}
