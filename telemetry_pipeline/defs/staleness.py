"""The asset check `stale`: which partitions today's databases would decode differently, and what asks for it.

Every decoded partition is judged when `dbc/` or the decoder has changed, and once a day; those that are stale are judged
again every five minutes. What stale means is `stale`'s business.
"""

import json
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from telemetry_pipeline.defs.findings import findings_metadata, is_unspoken
from telemetry_pipeline.defs.heartbeat import beating
from telemetry_pipeline.defs.partitions import from_key, to_key
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.errors import BadKey, NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store, digest
from telemetry_pipeline.stale import Verdict, find_stale
from telemetry_pipeline.version import DECODER_VERSION

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

STALE: Final = "stale"
JOB: Final = "find_stale"
AGAIN_S: Final = 300.0
DAILY_S: Final = 86_400.0

_STATE: Final = f"{layout.STATE}stale.json"
_LISTED: Final = 5000
_LOOK: Final = "can_telemetry/look"
_ALL: Final = "all"
_AGAIN: Final = "again"
_DONE: Final = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def stale_check(asset: dg.AssetKey) -> dg.AssetChecksDefinition:
    """The check by itself."""

    @dg.asset_check(
        asset=asset,
        name=STALE,
        description="Every partition is decoded as today's databases, bindings and decoder would.",
    )
    def stale(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
        store = lake.store()
        with beating(store, context.run.run_id):
            known = _load(store) if context.run.tags.get(_LOOK) == _AGAIN else None
            if known is None:
                found = _state(find_stale(store, lake.databases()))
            else:
                only = [from_key(key) for key in known["listed"]]
                found = _state(find_stale(store, lake.databases(), only=only), known)
            store.put(_STATE, json.dumps(found).encode())
        return dg.AssetCheckResult(**_standing(found))

    return stale


def repeat_stale(instance: dg.DagsterInstance, asset: dg.AssetKey, store: Store) -> None:
    """Tell again what the last look has found, if nobody has spoken since a run has planned the check."""
    known = _load(store)
    if known is not None and is_unspoken(instance, dg.AssetCheckKey(asset, STALE)):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=asset, check_name=STALE, **_standing(known))
        )


def stale_job(asset: dg.AssetKey) -> "UnresolvedAssetJobDefinition":
    """The check by itself."""
    return dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.checks(dg.AssetCheckKey(asset, STALE)),
        executor_def=dg.in_process_executor,
        description="Find what today's databases would decode differently.",
    )


def look_for_stale(job: "UnresolvedAssetJobDefinition") -> dg.SensorDefinition:
    """Ask for the check when it may say something else than before: one listing of `dbc/` a minute.

    Args:
        job: The job of the check.
    """

    @dg.sensor(
        name="look_for_stale",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for stale partitions when databases, bindings or the decoder have changed.",
    )
    def look_for_stale(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        store = lake.store()
        now = time.time()
        fingerprint = f"{DECODER_VERSION} {lake.strict_length} {_fingerprint(store)}"
        last = _cursor(context.cursor)
        known = _load(store)
        if not last and known is None and not store.list_dirs(layout.DECODED):
            # a lake that begins: a run now would delay the first drain, and say nothing
            return dg.SensorResult(skip_reason="nothing is decoded yet")
        waited = now - last.get("at", 0.0)
        if last.get("fingerprint") != fingerprint or waited > DAILY_S:
            look = _ALL
        elif waited > AGAIN_S and known is not None and known["count"]:
            # more than are listed: only a look at all of them tells
            look = _AGAIN if known["count"] == len(known["listed"]) else _ALL
        else:
            return dg.SensorResult(skip_reason="nothing has changed")
        if _in_flight(context.instance):
            return dg.SensorResult(skip_reason="a look is under way")
        cursor = json.dumps({"fingerprint": fingerprint, "at": now})
        return dg.SensorResult(run_requests=[dg.RunRequest(tags={_LOOK: look})], cursor=cursor)

    return look_for_stale


def _fingerprint(store: Store) -> str:
    """What changes with the databases and their bindings: one listing."""
    others = (layout.RULES, layout.THRESHOLDS)  # neither changes a decoded byte
    found = sorted((info.key, info.etag) for info in store.list_objects(layout.DBC) if info.key not in others)
    return digest(json.dumps(found).encode())


def _in_flight(instance: dg.DagsterInstance) -> bool:
    unfinished = [status for status in dg.DagsterRunStatus if status not in _DONE]
    return bool(instance.get_runs_count(dg.RunsFilter(job_name=JOB, statuses=unfinished)))


def _cursor(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _state(verdicts: Iterable[Verdict], known: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a look has found, as it is kept: the newest stale partitions with why, and how many there are.

    Args:
        verdicts: The look's.
        known: What is known from a look at everything, when this one was at its stale partitions alone.
    """
    listed: dict[str, str] = {}
    blocked: dict[str, int] = {}
    judged = 0
    for verdict in verdicts:
        judged += 1
        if verdict.stale:
            listed[to_key(verdict.partition)] = verdict.stale
        elif verdict.blocked:
            blocked[verdict.blocked] = blocked.get(verdict.blocked, 0) + 1
    newest = sorted(listed, reverse=True)[:_LISTED]  # keys begin with the date
    return {
        "judged": judged if known is None else known["judged"],
        "count": len(listed),
        "listed": {key: listed[key] for key in newest},
        "blocked": blocked if known is None else known["blocked"],
    }


def _load(store: Store) -> dict[str, Any] | None:
    """What the last look has found, None when nobody looked or it cannot be read."""
    try:
        plain = json.loads(store.get(_STATE))
        listed = {str(key): str(why) for key, why in plain["listed"].items()}
        for key in listed:
            from_key(key)
        blocked = {str(why): int(number) for why, number in plain["blocked"].items()}
        return {
            "judged": int(plain["judged"]),
            "count": int(plain["count"]),
            "listed": listed,
            "blocked": blocked,
        }
    except (NotFound, BadKey, ValueError, KeyError, TypeError, AttributeError):
        return None


def _standing(found: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the check's evaluation and its result have in common."""
    count, blocked = found["count"], found["blocked"]
    return {
        "passed": not count,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": f"{count} of {found['judged']} partitions are stale."
        + (" Decode them again with: telemetry stale --launch" if count else "")
        + "".join(f" {number} cannot be decoded today: {why}" for why, number in blocked.items()),
        "metadata": {
            "judged": found["judged"],
            "stale": count,
            **findings_metadata(found["listed"], "partition"),
        },
    }
