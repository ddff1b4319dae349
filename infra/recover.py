"""`python -m infra.recover`: objects of a versioned bucket as they were at an instant, and archived ones made readable.

Nothing is overwritten for good: what is brought back is a new version, what was deleted loses its delete marker. Without
`--apply` it only says what it would do.
"""

import argparse
import datetime as dt
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from telemetry_pipeline.errors import BadSetting, PermanentError, TelemetryError
from telemetry_pipeline.lake.instant import format_instant, parse_instant

Deed = Literal["undelete", "copy back", "thaw"]

ARCHIVED: Final = ("GLACIER", "DEEP_ARCHIVE")
_LARGEST_COPY: Final = 5 * 1024**3


@dataclass(frozen=True)
class Task:
    """What is to be done with one object.

    Attributes:
        deed: `undelete` (take its delete markers away), `copy back` (make an earlier version the newest) or `thaw`.
        key: The object.
        versions: The delete markers, or the one version.
    """

    deed: Deed
    key: str
    versions: tuple[str, ...]


def plan(s3: Any, bucket: str, prefix: str, at_ns: int | None) -> Iterator[Task]:  # noqa: ANN401  a client
    """What has to be done below a prefix.

    Args:
        s3: The client.
        bucket: The bucket.
        prefix: Whose objects.
        at_ns: The instant that they are to be brought back to, nanoseconds since the epoch; objects that are younger
            stay as they are. None thaws what is archived and does nothing else.

    Raises:
        PermanentError: A version is too large for one copy.
    """
    for key, history in _histories(s3, bucket, prefix):
        newest = history[0]
        if at_ns is None:
            if newest.get("StorageClass") in ARCHIVED:
                yield Task("thaw", key, (newest["VersionId"],))
            continue
        then = next((item for item in history if _ns(item["LastModified"]) <= at_ns), None)
        if then is None or then is newest or "StorageClass" not in then:
            continue  # it was not there, it still is, or it was deleted then, too
        if "StorageClass" in newest and (newest["ETag"], newest["Size"]) == (then["ETag"], then["Size"]):
            continue  # the same bytes: it was copied back before
        later = history[: history.index(then)]
        if all("StorageClass" not in item for item in later):
            yield Task("undelete", key, tuple(item["VersionId"] for item in later))
        elif then["Size"] > _LARGEST_COPY:
            raise PermanentError("too large for one copy", f"s3://{bucket}/{key}", "Copy it in parts by hand")
        else:
            yield Task("copy back", key, (then["VersionId"],))


def carry_out(s3: Any, bucket: str, task: Task, days: int) -> str:  # noqa: ANN401  a client
    """Do it; what was done, in a word or two.

    Args:
        s3: The client.
        bucket: The bucket.
        task: One task.
        days: How long what is thawed can be read.
    """
    if task.deed == "undelete":
        for version in task.versions:
            s3.delete_object(Bucket=bucket, Key=task.key, VersionId=version)
        return "undeleted"
    if task.deed == "copy back":
        source = {"Bucket": bucket, "Key": task.key, "VersionId": task.versions[0]}
        s3.copy_object(Bucket=bucket, Key=task.key, CopySource=source)
        return "copied back"
    state = str(s3.head_object(Bucket=bucket, Key=task.key).get("Restore", ""))
    if 'ongoing-request="false"' in state:
        return "readable"
    if not state:
        tier = {"Days": days, "GlacierJobParameters": {"Tier": "Standard"}}
        s3.restore_object(Bucket=bucket, Key=task.key, RestoreRequest=tier)
        return "asked for"
    return "on its way"


def _histories(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:  # noqa: ANN401
    """Every key and its versions and delete markers, the newest first; S3 lists them by key."""
    held: list[dict[str, Any]] = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
        # a key's versions may go on in the next page: the last key of a page waits for it
        held = sorted([*held, *found], key=lambda item: item["Key"])
        last = held[-1]["Key"] if held and page["IsTruncated"] else None
        yield from _by_key([item for item in held if item["Key"] != last])
        held = [item for item in held if item["Key"] == last]
    yield from _by_key(held)


def _by_key(items: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    of: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        of.setdefault(item["Key"], []).append(item)
    for key, history in of.items():
        # of the same second the one that S3 calls the latest is the newest
        yield (
            key,
            sorted(history, key=lambda item: (bool(item["IsLatest"]), item["LastModified"]), reverse=True),
        )


def _ns(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1e9)


def main(argv: Sequence[str] | None = None) -> int:
    """Say or do it; 2 when an argument will not do, 1 when AWS refuses."""
    parser = argparse.ArgumentParser(prog="python -m infra.recover", description=__doc__)
    parser.add_argument("bucket")
    parser.add_argument("prefix", help="such as decoded/vehicle_id=EV_1/")
    chosen = parser.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--at", help="bring objects back to this instant, ISO 8601 with a zone")
    chosen.add_argument(
        "--thaw", action="store_true", help="make archived objects readable; hours later again"
    )
    parser.add_argument("--days", type=int, default=7, help="how long they are, once thawed")
    parser.add_argument("--apply", action="store_true", help="do it")
    told = parser.parse_args(argv)
    began = time.monotonic()
    done: Counter[str] = Counter()
    try:
        at_ns = parse_instant(told.at) if told.at else None
        s3, faults = _client(told.bucket)
        try:
            for task in plan(s3, told.bucket, told.prefix, at_ns):
                done[carry_out(s3, told.bucket, task, told.days) if told.apply else f"to {task.deed}"] += 1
        except faults as error:
            raise PermanentError(str(error), f"s3://{told.bucket}/{told.prefix}") from error
    except TelemetryError as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, BadSetting) else 1
    when = f" at {format_instant(at_ns)}" if at_ns is not None else ""
    what = ", ".join(f"{count:,} {deed}" for deed, count in sorted(done.items())) or "nothing to do"
    sys.stdout.write(f"s3://{told.bucket}/{told.prefix}{when}: {what}, {time.monotonic() - began:.1f} s\n")
    if done and not told.apply:
        sys.stdout.write("nothing was done: --apply does it\n")
    return 0


def _client(bucket: str) -> tuple[Any, tuple[type[Exception], ...]]:
    try:
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415  only machines that use AWS carry it
        from botocore.exceptions import (  # type: ignore[import-untyped]  # noqa: PLC0415
            BotoCoreError,
            ClientError,
        )
    except ImportError as error:
        raise BadSetting("it needs boto3", bucket, "pip install 'can-telemetry[aws]'") from error
    return boto3.session.Session().client("s3"), (BotoCoreError, ClientError)


if __name__ == "__main__":
    sys.exit(main())
