"""The Lambda packages, built by the project's own command and run from their folders alone.

What an invocation is made of is `function_runtime`'s business, what the queue does between S3 and it `function_queue`'s.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from telemetry_pipeline.lake import schema

ROOT = Path(__file__).parents[1]
MEMORY_MB = 1024
INTERPRETER = os.path.realpath(sys.executable)
"""The one of the virtual environment would bring its packages."""
HERE = "here"
"""This machine and its interpreter, where Lambda's names of machines are for its own Python."""


@dataclass(frozen=True)
class Package:
    """A package that was built.

    Attributes:
        folder: Where it lies; nothing may be written there.
        said: What the builder said: sizes, and what is large in it.
    """

    folder: Path
    said: str

    @property
    def size_line(self) -> str:
        """How large it is, of how much."""
        return self.said.partition("\n")[0].partition(": ")[2]


@dataclass(frozen=True)
class Invocations:
    """What became of a function's invocations, each an answer or an error with its seconds, and of their process."""

    answers: list[dict[str, Any]]
    import_s: float
    import_cpu_s: float
    peak_mb: float
    modules: list[str]
    strangers: list[str]
    log: list[dict[str, Any]]

    @property
    def cold_start(self) -> str:
        """What the first event waited for, in words."""
        first = self.answers[0]
        return (
            f"cold start {self.import_s + first['seconds']:.2f} s with the first answer "
            f"({self.import_cpu_s:.2f} CPU s of import, {first['cpu_s']:.2f} CPU s of answer), "
            f"{self.peak_mb:.0f} MB of memory"
        )


def build_package(out: Path, package: str = "decoder", machine: str = HERE) -> str:
    """Build a package into a folder; gives what the builder said."""
    command = [sys.executable, str(ROOT / "scripts" / "build_lambda.py"), package]
    command += ["--here"] if machine == HERE else ["--arch", machine]
    run = subprocess.run(
        [*command, "--out", str(out)], capture_output=True, text=True, timeout=1500, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def built_once(shared: Path, package: str, machine: str = HERE) -> Package:
    """A package that is built once for all workers of a session: who comes second waits and takes it.

    Args:
        shared: The folder of all workers.
        package: `decoder` or `api`.
        machine: `here`, `arm64` or `x86_64`.
    """
    folder = shared / f"lambda-{package}-{machine}"
    said = folder.with_suffix(".said")
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            text = build_package(folder, package, machine)
            said.write_text(text)
    return Package(folder, said.read_text())


def invoke_package(
    package: Path,
    events: Sequence[Mapping[str, Any]],
    env: Mapping[str, str],
    *,
    threads: int = 1,
    module: str = "telemetry_pipeline.lambda_handler",
    interpreter: Sequence[str] = (INTERPRETER,),
    memory_mb: int = MEMORY_MB,
) -> Invocations:
    """Invoke the package's handler in a process that sees no other library, with a function's memory.

    Args:
        package: Its folder.
        events: One invocation each.
        env: The function's environment.
        threads: So many invocations at once.
        module: Where the handler is.
        interpreter: The program that runs it, with its own arguments.
        memory_mb: How much it may write to.
    """
    with tempfile.TemporaryDirectory() as own:
        answers = Path(own) / "answers.json"
        runtime = [str(ROOT / "tests" / "function_runtime.py"), str(package), str(memory_mb), str(threads)]
        run = subprocess.run(
            # a function's folder is read-only
            [*interpreter, "-I", "-S", "-B", *runtime, str(answers), module],
            input="".join(f"{json.dumps(event)}\n" for event in events),
            env={"PATH": os.defpath, "OPENBLAS_NUM_THREADS": "1", **env},
            cwd=package,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        told = json.loads(answers.read_text())
    return Invocations(log=[json.loads(line) for line in run.stdout.splitlines()], **told)


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
