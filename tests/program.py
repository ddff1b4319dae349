"""The `telemetry` program called as its entry point calls it, in this process: reading its libraries takes 1.7 s of CPU.

What only a process shows (signals, ports, its own death) is tested with a process.
"""

import io
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from unittest.mock import patch

from telemetry_pipeline.cli.main import main

Answer = subprocess.CompletedProcess[str]
"""Exit code and words, as of a process."""


def run(*arguments: str, env: Mapping[str, str]) -> Answer:
    """Exit code and words of one command; an exception that the program would die of is let out."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    root, code = logging.getLogger(), 0
    handlers, level = root.handlers[:], root.level
    with (
        patch.dict(os.environ, env, clear=True),
        patch.object(sys, "argv", ["telemetry", *arguments]),
        warnings.catch_warnings(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        warnings.resetwarnings()
        root.handlers[:] = []  # the program makes its own
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
    said, complained = (stream.buffer.getvalue().decode() for stream in (out, err))  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(arguments, code, said, complained)
