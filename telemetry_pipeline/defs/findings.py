"""What all asset checks have in common: how findings are shown, and whether the newest word of a check is a word.

A backfill's run plans every check of its asset and then skips their steps, for its asset gives no output: until
somebody speaks, the check's page shows that instead of what it found before.
"""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

import dagster as dg

from telemetry_pipeline.errors import BadSetting
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.thresholds import Thresholds, load_thresholds

FINDINGS: Final = "findings"
"""The metadata entry of an evaluation that lists its findings: a JSON object of text by partition or vehicle."""

SHOWN: Final = 50
LISTED: Final = 300
REPEAT_S: Final = 3600.0
"""A check that stands unchanged is evaluated again after this long, so that its page tells how old its word is."""

_log: Final = logging.getLogger(__name__)


def findings_metadata(findings: Mapping[str, str], column: str) -> dict[str, Any]:
    """Findings as a table for people and as JSON for programs, the first of each."""
    items = list(findings.items())
    table = [dg.TableRecord({column: name, "finding": text}) for name, text in items[:SHOWN]]
    return {
        "found": len(items),
        **({"table": dg.MetadataValue.table(table)} if table else {}),
        FINDINGS: dg.MetadataValue.json(dict(items[:LISTED])),
    }


def is_unspoken(instance: dg.DagsterInstance, check: dg.AssetCheckKey) -> bool:
    """Whether the newest record of a check is none, is planned only, or is old."""
    record = instance.get_latest_asset_check_evaluation_record(check)
    if record is None or not isinstance(record.evaluation, dg.AssetCheckEvaluation):
        return True
    return time.time() - record.create_timestamp > REPEAT_S


def usable_thresholds(store: Store) -> tuple[Thresholds, str]:
    """The lake's thresholds; with a file that cannot be used, the defaults and what is wrong with it."""
    try:
        return load_thresholds(store), ""
    except BadSetting as error:
        _log.error("the default thresholds hold: %s", error)
        return Thresholds(), f" The default thresholds hold, for {error}"
