"""The Lambda package, built for this interpreter and run from its folder alone."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import schema

ROOT = Path(__file__).parents[1]
MEMORY_MB = 1024


@dataclass(frozen=True)
class Invocations:
    """What became of a function's invocations, each an answer or an error with its seconds, and of their process."""

    answers: list[dict[str, Any]]
    import_cpu_s: float
    peak_mb: float
    strangers: list[str]
    log: list[dict[str, Any]]


def build_package(out: Path, package: str = "decoder") -> str:
    """Build a package into a folder; gives what the builder said."""
    command = [
        sys.executable,
        str(ROOT / "scripts" / "build_lambda.py"),
        package,
        "--here",
        "--out",
        str(out),
    ]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout


def invoke_package(
    package: Path,
    events: Sequence[Mapping[str, Any]],
    env: Mapping[str, str],
    *,
    threads: int = 1,
    module: str = "telemetry_pipeline.lambda_handler",
) -> Invocations:
    """Invoke the package's handler in a process that sees no other library, with `MEMORY_MB` of memory."""
    answers = package.with_name("answers.json")
    runtime = [str(ROOT / "tests" / "function_runtime.py"), str(package), str(MEMORY_MB), str(threads)]
    run = subprocess.run(
        # the interpreter of the virtual environment would bring its packages; a function's folder is read-only
        [os.path.realpath(sys.executable), "-I", "-S", "-B", *runtime, str(answers), module],
        input="".join(f"{json.dumps(event)}\n" for event in events),
        env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", **env},
        cwd=package,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return Invocations(
        log=[json.loads(line) for line in run.stdout.splitlines()], **json.loads(answers.read_text())
    )


def busy_frames(count: int, start_ns: int, ids: Sequence[int]) -> pa.Table:
    """Frames of a busy bus, a millisecond apart, with payloads that no compression makes smaller."""
    rng = np.random.default_rng(7)
    offsets = pa.array(np.arange(count + 1, dtype=np.int32) * 8)
    payload = rng.integers(0, 256, count * 8, np.uint8)
    columns = {
        "timestamp": pa.array(start_ns + np.arange(count) * 1_000_000, schema.TIMESTAMP),
        "arb_id": pa.array(rng.choice(np.array(ids, np.uint32), count)),
        "dlc": pa.array(np.full(count, 8, np.uint8)),
        "data": pa.BinaryArray.from_buffers(
            pa.binary(), count, [None, offsets.buffers()[1], pa.py_buffer(payload)]
        ),
        "vehicle_id": pa.array(["EV_001"] * count),
        "is_extended_id": pa.array(np.zeros(count, bool)),
        "is_fd": pa.array(np.zeros(count, bool)),
        "is_error_frame": pa.array(np.zeros(count, bool)),
        "is_remote_frame": pa.array(np.zeros(count, bool)),
        "channel": pa.array(["can0"] * count),
    }
    return pa.table(columns, schema=schema.RAW)
