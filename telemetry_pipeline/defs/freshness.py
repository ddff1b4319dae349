"""The asset check `vehicle_freshness`: vehicles that no longer send, looked at by a sensor without starting a run.

When a vehicle counts as silent is `health.silence`'s business.
"""

import datetime as dt
import hashlib
import json
import time
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.defs.findings import REPEAT_S, findings_metadata, usable_thresholds
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.health.silence import Silent, find_silent
from telemetry_pipeline.lake.duration import format_duration
from telemetry_pipeline.lake.store import Store

VEHICLE_FRESHNESS: Final = "vehicle_freshness"

ASSET_POLICY: Final = dg.FreshnessPolicy.time_window(
    fail_window=dt.timedelta(hours=24), warn_window=dt.timedelta(hours=6)
)
"""Of the asset as a whole: it speaks when nothing at all is decoded. Single vehicles are the check's."""

_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def with_freshness(assets: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """The same assets, which are late when nothing at all was decoded for a day."""
    return assets.map_asset_specs(lambda spec: dg.apply_freshness_policy(spec, ASSET_POLICY))


def freshness_check(asset: dg.AssetKey) -> dg.AssetChecksDefinition:
    """The check by itself, when somebody asks for it."""

    @dg.asset_check(asset=asset, name=VEHICLE_FRESHNESS, description="Every vehicle still sends.")
    def vehicle_freshness(lake: LakeResource) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(**_look(lake.store()))

    return vehicle_freshness


def vehicle_silence(asset: dg.AssetKey) -> dg.SensorDefinition:
    """Look every five minutes, and tell when something changed, or after an hour."""

    @dg.sensor(
        name="vehicle_silence",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for vehicles that no longer send.",
    )
    def vehicle_silence(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult:
        found = _look(lake.store())
        told = hashlib.sha256(repr((found["description"], found["metadata"])).encode()).hexdigest()
        last = _cursor(context.cursor)
        if last.get("told") == told and time.time() - last.get("at", 0.0) < REPEAT_S:
            return dg.SensorResult(skip_reason=f"as before: {found['description']}", cursor=context.cursor)
        event = dg.AssetCheckEvaluation(asset_key=asset, check_name=VEHICLE_FRESHNESS, **found)
        return dg.SensorResult(
            asset_events=[event], cursor=json.dumps({"told": told, "at": round(time.time(), 3)})
        )

    return vehicle_silence


def _look(store: Store) -> dict[str, Any]:
    """The arguments that the check's evaluation and its result have in common."""
    thresholds, fault = usable_thresholds(store)
    found = find_silent(store, thresholds, time.time_ns())
    silent = len(found.silent)
    return {
        "passed": not silent,
        "severity": dg.AssetCheckSeverity.WARN,
        "description": f"{silent} of {found.vehicles} vehicles are silent.{fault}",
        "metadata": {
            "vehicles": found.vehicles,
            "retired": found.retired,
            **findings_metadata({item.vehicle_id: _said(item) for item in found.silent}, "vehicle"),
        },
    }


def _said(item: Silent) -> str:
    if item.since_ns is None:
        return "no frame with a believable time"
    since = _EPOCH + dt.timedelta(seconds=item.since_ns // 1_000_000_000)
    return f"silent since {since:%Y-%m-%dT%H:%M:%SZ}; {format_duration(item.allowed_ns)} are allowed"


def _cursor(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
