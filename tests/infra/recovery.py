"""`python -m tests.infra.recovery --objects N [--write]`: seconds that recovery takes on moto, for a lake of minute objects.

What is measured is our part and moto's, which answers one request after the other: AWS's own times are AWS's. `--write`
puts the table into docs/recovery.md.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from telemetry_pipeline.lake.store import Store
from tests.infra.conftest import ROOT
from tests.infra.recover_lake import BUCKET, make_versioned
from tests.moto_server import Aws, moto_running
from tests.raw_lake import NOON, SECOND, add_dbc, land

PAGE: Final = ROOT / "docs" / "recovery.md"
BEGIN: Final = "<!-- written by: python -m tests.infra.recovery --write -->"
END: Final = "<!-- end -->"

_VEHICLES: Final = 10


@dataclass(frozen=True)
class Recovered:
    """One thing that was lost and is there again: how many objects, by which command, in how many seconds."""

    what: str
    objects: int
    command: str
    seconds: float


def main() -> None:
    """Print the table, or write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.recovery", description=__doc__)
    parser.add_argument("--objects", type=int, default=500, help="raw objects, over ten vehicles")
    parser.add_argument("--write", action="store_true", help="write the table of docs/recovery.md anew")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, moto_running(Path(folder)) as aws:
        text = table(list(_recoveries(aws, chosen.objects)))
    if chosen.write:
        PAGE.write_text(with_table(PAGE.read_text(), text))
    else:
        print(text)


def table(rows: Sequence[Recovered]) -> str:
    """The rows as Markdown."""
    lines = ["| what was lost | objects | command | seconds |", "| --- | --- | --- | --- |"]
    lines += [f"| {it.what} | {it.objects:,} | `{it.command}` | {it.seconds:.1f} |" for it in rows]
    return "\n".join(lines) + "\n"


def with_table(page: str, text: str) -> str:
    """A page with another table between its marks."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    assert begin, f"no {BEGIN} in {PAGE}"
    assert end, f"no {END} in {PAGE}"
    return f"{head}{BEGIN}\n\n{text}\n{END}{tail}"


def _recoveries(aws: Aws, count: int) -> Iterator[Recovered]:
    env = {**os.environ, **aws.env(), "TELEMETRY_LAKE": f"s3://{BUCKET}"}
    os.environ.update(aws.env())
    make_versioned(aws)
    store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
    add_dbc(store)
    for number in range(count):
        land(store, f"EV_{number % _VEHICLES}", NOON + number // _VEHICLES * 60 * SECOND, count=6_000)
    decode = ("telemetry", "decode", "--pending")
    yield _timed("decoded objects, made again from raw ones of 6,000 frames", count, env, *decode)
    yield _timed("the catalogue", count, env, "telemetry", "catalog", "sync")
    for what in ("deleted", "written over"):
        kept = {info.key: store.get(info.key) for info in store.list_objects("decoded")}
        then = _next_second()
        for key in kept:
            if what == "deleted":
                store.delete(key)
            else:
                store.put(key, b"-")
        recover = ("python", "-m", "infra.recover", BUCKET, "decoded/", "--at", then, "--apply")
        yield _timed(f"objects that were {what}, from their versions", len(kept), env, *recover)
        assert {info.key: store.get(info.key) for info in store.list_objects("decoded")} == kept


def _next_second() -> str:
    """An instant after all that is there and before all that comes: S3 dates versions by seconds."""
    then = int(time.time()) + 1
    while time.time() <= then + 1:
        time.sleep(0.05)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(then))


def _timed(what: str, objects: int, env: dict[str, str], program: str, *arguments: str) -> Recovered:
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    began = time.monotonic()
    subprocess.run(command, env=env, capture_output=True, check=True, timeout=3600)
    seconds = time.monotonic() - began
    shown = " ".join("…" if "T" in word and word.endswith("Z") else word for word in (program, *arguments))
    return Recovered(what, objects, shown.replace(BUCKET, "BUCKET"), seconds)


if __name__ == "__main__":
    main()
