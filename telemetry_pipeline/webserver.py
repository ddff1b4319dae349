"""Dagster's webserver, asked from outside: which partitions it tracks, and a backfill of some of them.

Nothing here imports Dagster: the machine that asks need not have it.
"""

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any, Final

from telemetry_pipeline.errors import PermanentError, TransientError, first_line
from telemetry_pipeline.lake.layout import Partition

_ASSET: Final = "decoded_signals"
_TIMEOUT_S: Final = 120.0

_TRACKED: Final = """query ($asset: AssetKeyInput!) { assetNodeOrError(assetKey: $asset) { __typename
    ... on AssetNode { partitionKeysByDimension { name partitionKeys } } } }"""
_LAUNCH: Final = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
    ... on UnauthorizedError { message } ... on PartitionKeysNotFoundError { message } } }"""


def tracked(url: str, partitions: Iterable[Partition]) -> tuple[list[Partition], list[Partition]]:
    """Sort partitions into those that Dagster tracks and the others, each in their order.

    Args:
        url: The webserver's address.
        partitions: Decoded partitions.

    Raises:
        PermanentError: It refuses, or does not know the asset.
        TransientError: It does not answer.
    """
    node = _ask(url, _TRACKED, {"asset": {"path": [_ASSET]}})["assetNodeOrError"]
    if node["__typename"] != "AssetNode":
        raise PermanentError(f"no asset {_ASSET}", url, "Is its code location loaded?")
    keys = {
        dimension["name"]: set(dimension["partitionKeys"]) for dimension in node["partitionKeysByDimension"]
    }
    known: list[Partition] = []
    unknown: list[Partition] = []
    for partition in partitions:
        there = partition.date.isoformat() in keys["date"] and partition.vehicle_id in keys["vehicle_id"]
        (known if there else unknown).append(partition)
    return known, unknown


def launch_backfill(url: str, partitions: Iterable[Partition], title: str) -> str:
    """Start one backfill that decodes partitions again, and return its id.

    Raises:
        PermanentError: The webserver refuses.
        TransientError: It does not answer.
    """
    params = {
        "assetSelection": [{"path": [_ASSET]}],
        "partitionNames": [
            f"{partition.date.isoformat()}|{partition.vehicle_id}" for partition in partitions
        ],
        "title": title,
    }
    answer = _ask(url, _LAUNCH, {"params": params})["launchPartitionBackfill"]
    if answer["__typename"] != "LaunchBackfillSuccess":
        why = first_line(str(answer.get("message", "")))
        raise PermanentError(f"no backfill was started ({answer['__typename']}: {why})", url)
    return str(answer["backfillId"])


def _ask(url: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310  settings checks it
            answer = json.load(response)
    except urllib.error.HTTPError as error:
        error.close()
        kind = TransientError if error.code >= 500 else PermanentError
        raise kind(f"answers {error.code} {error.reason}", url, "Is this Dagster's webserver?") from error
    except (OSError, http.client.HTTPException) as error:
        raise TransientError(f"does not answer ({error})", url, "Start dagster-webserver") from error
    except ValueError as error:
        raise PermanentError("does not answer in JSON", url, "Is this Dagster's webserver?") from error
    if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
        raise PermanentError(f"refuses ({json.dumps(answer)[:200]})", url)
    return dict(answer["data"])
