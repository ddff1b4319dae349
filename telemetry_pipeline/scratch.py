"""A folder for what is too large for memory, made when it is first needed and removed in the end."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """The path of a folder that is not there yet; most objects never need it, and then nothing is made or removed."""
    folder = Path(tempfile.gettempdir()) / f"telemetry-{uuid.uuid4().hex}"
    try:
        yield folder
    finally:
        if folder.exists():
            shutil.rmtree(folder)
