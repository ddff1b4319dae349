"""What Dagster's storage says of a fleet's runs, asked by processes that are part of it."""

import subprocess
import sys

from benchmarks.fleet_stack import Fleet
from tests.servers import wait_until


def events(fleet: Fleet) -> str:
    """What Dagster's storage holds, as the UI would count it."""
    program = (
        "import json, dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    key, cursor, count = dg.AssetKey('decoded_signals'), None, 0\n"
        "    while True:\n"
        "        found = instance.fetch_materializations(key, limit=1000, cursor=cursor)\n"
        "        count, cursor = count + len(found.records), found.cursor\n"
        "        if not found.has_more: break\n"
        "    runs = instance.get_runs()\n"
        "    by = {}\n"
        "    for run in runs:\n"
        "        name = f'{run.job_name} {run.status.value}'\n"
        "        by[name] = by.get(name, 0) + 1\n"
        "    partitions = len(instance.get_materialized_partitions(key))\n"
        "    print(json.dumps({'materializations': count, 'partitions': partitions, 'runs': by}))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], env=fleet.env, capture_output=True, text=True, check=True
    )
    return answer.stdout.splitlines()[-1]


def backfill_status(fleet: Fleet, backfill_id: str) -> str:
    """How a backfill ended, once it has."""
    program = (
        "import sys, dagster as dg\n"
        "with dg.DagsterInstance.get() as instance:\n"
        "    found = instance.get_backfill(sys.argv[1])\n"
        "    print(found.status.value, found.backfill_end_timestamp and found.backfill_end_timestamp - found.backfill_timestamp)\n"
    )

    def status() -> str:
        command = [sys.executable, "-c", program, backfill_id]
        answer = subprocess.run(command, env=fleet.env, capture_output=True, text=True, check=True)
        words = answer.stdout.splitlines()[-1]
        return "" if words.startswith(("REQUESTED", "COMPLETING")) else words

    return str(wait_until(status, "the backfill to end", seconds=3600.0, pause=5.0))
