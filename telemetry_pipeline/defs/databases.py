"""The asset `dbc`: observed whenever the lake's CAN databases or their bindings change.

What a database says is `decode.dbc`'s business, what it makes stale `stale`'s.
"""

import json
from typing import Final

import dagster as dg

from telemetry_pipeline.bindings import Databases
from telemetry_pipeline.decode.inspection import inspect
from telemetry_pipeline.defs import lineage
from telemetry_pipeline.defs.metadata import table
from telemetry_pipeline.defs.resources import LakeResource
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store, digest

_VERSION: Final = "dagster/data_version"


def databases_changed() -> dg.SensorDefinition:
    """Observe the databases when one of them changed: a listing each minute, and a reading when it differs."""

    @dg.sensor(
        name="databases_changed",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Observes dbc when a CAN database or a binding is added, changed or removed.",
    )
    def sensor(context: dg.SensorEvaluationContext, lake: LakeResource) -> dg.SensorResult | dg.SkipReason:
        store = lake.store()
        fingerprint = store.fingerprint(layout.DBC)
        if fingerprint == context.cursor:
            return dg.SkipReason("no database has changed")
        version, metadata = describe(store)
        observed = dg.AssetObservation(lineage.DBC, metadata=metadata, tags={_VERSION: version})
        return dg.SensorResult(asset_events=[observed], cursor=fingerprint)

    return sensor


def describe(store: Store) -> tuple[str, dict[str, dg.MetadataValue]]:
    """The digest of everything that decoding depends on, and what the databases are like."""
    bodies = {
        info.key: digest(store.get(info.key))
        for info in store.list_objects(layout.DBC)
        if info.key not in (layout.RULES, layout.THRESHOLDS)
    }
    found = Databases.load(store)
    rows: list[dict[str, str | int]] = []
    for name in sorted({*found.dbcs, *found.broken}):
        if name in found.broken:
            rows.append(
                {
                    "database": name,
                    "messages": 0,
                    "signals": 0,
                    "warnings": 0,
                    "error": str(found.broken[name]),
                }
            )
            continue
        dbc = found.dbcs[name]
        said = inspect(dbc)
        warnings = len(said.warnings) + len(said.not_decoded)
        rows.append(
            {
                "database": name,
                "messages": said.messages,
                "signals": said.signals,
                "warnings": warnings,
                "error": "",
            }
        )
    columns = {
        "database": "string",
        "messages": "int",
        "signals": "int",
        "warnings": "int",
        "error": "string",
    }
    metadata: dict[str, dg.MetadataValue] = {
        "databases": table(columns, rows),
        "bound": dg.MetadataValue.bool(layout.BINDINGS in bodies),
        "refused": dg.MetadataValue.int(len(found.broken)),
    }
    return digest(json.dumps(sorted(bodies.items())).encode())[:32], metadata
