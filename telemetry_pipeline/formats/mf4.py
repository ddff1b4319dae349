"""ASAM MDF 4 logs (CANedge and others): a process of its own reads them and hands the frames over as an Arrow file.

On a damaged file asammdf prints tracebacks on stdout and can end in a segmentation fault: neither may reach whoever
imports a folder of logs.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa

from telemetry_pipeline.errors import BadLog
from telemetry_pipeline.formats import mf4_reader
from telemetry_pipeline.formats.frames import Frames
from telemetry_pipeline.formats.report import LogReport

MF4_MAGICS: Final = (b"MDF     ", b"UnFinMF ")
"""How MDF files begin, closed in order and not."""


def read_mf4(path: Path, report: LogReport) -> Iterator[Frames]:
    """Read the CAN frames of an MF4 log, all buses merged in order of time; a file without any gives nothing.

    Raises:
        BadLog: The file is no MF4, or cannot be read.
    """
    report.format = "MF4"
    with TemporaryDirectory(prefix="mf4-") as folder:
        reader = subprocess.run(
            [sys.executable, "-m", mf4_reader.__name__, str(path.absolute()), folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if reader.returncode != 0:
            reason = Path(folder) / mf4_reader.REASON
            why = reason.read_text() if reason.exists() else f"its reader ended with {reader.returncode}"
            raise BadLog(f"not a readable MF4 file ({why})", str(path))
        frames = Path(folder) / mf4_reader.FRAMES
        if not frames.exists():
            return
        with pa.OSFile(str(frames)) as source, pa.ipc.open_file(source) as file:
            if cut := int(file.schema.metadata[mf4_reader.CUT.encode()]):
                report.damage = f"it is cut: {cut} last record without its payload"
            for index in range(file.num_record_batches):
                yield Frames.from_arrow(file.get_batch(index))
