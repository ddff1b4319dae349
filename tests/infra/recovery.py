"""`python -m tests.infra.recovery --objects N`: seconds that recovery takes on moto, for a lake of so many minute objects.

What is measured is our part and moto's, which answers one request after the other: AWS's own times are AWS's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from telemetry_pipeline.lake.store import Store
from tests.infra.recover_lake import BUCKET, make_versioned
from tests.moto_server import moto_running
from tests.raw_lake import NOON, SECOND, add_dbc, land

_VEHICLES = 10


def main() -> None:
    """Print one line for each thing that was lost and is there again."""
    parser = argparse.ArgumentParser(prog="python -m tests.infra.recovery", description=__doc__)
    parser.add_argument("--objects", type=int, default=500, help="raw objects, over ten vehicles")
    count = parser.parse_args().objects
    with tempfile.TemporaryDirectory() as folder, moto_running(Path(folder)) as aws:
        env = {**os.environ, **aws.env(), "TELEMETRY_LAKE": f"s3://{BUCKET}"}
        os.environ.update(aws.env())
        make_versioned(aws)
        store = Store.open(f"s3://{BUCKET}", endpoint_url=aws.endpoint)
        add_dbc(store)
        for number in range(count):
            land(store, f"EV_{number % _VEHICLES}", NOON + number // _VEHICLES * 60 * SECOND, count=6_000)
        size = sum(info.size for info in store.list_objects("raw"))
        print(f"{count} raw objects of 6,000 frames, {size / 1e6:.1f} MB, {_VEHICLES} vehicles")
        _timed("decoded from raw", env, "telemetry", "decode", "--pending")
        _timed("catalogue from the lake", env, "telemetry", "catalog", "sync")
        then = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        time.sleep(2)
        keys = [info.key for info in store.list_objects("decoded")]
        for key in keys:
            store.delete(key)
        recover = ("python", "-m", "infra.recover", BUCKET, "decoded/", "--at", then, "--apply")
        _timed(f"{len(keys)} deleted objects from their versions", env, *recover)
        assert sorted(info.key for info in store.list_objects("decoded")) == sorted(keys)


def _timed(what: str, env: dict[str, str], program: str, *arguments: str) -> None:
    began = time.monotonic()
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    subprocess.run(command, env=env, capture_output=True, check=True, timeout=3600)
    print(f"{what}: {time.monotonic() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
