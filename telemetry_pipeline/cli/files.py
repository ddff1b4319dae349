"""Files that a command is given: read and written with an error that names them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from telemetry_pipeline.errors import BadSetting, NotFound


def read_file(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        NotFound: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"cannot be read ({error.strerror or error})", str(path)) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around whatever writes a file.

    Raises:
        BadSetting: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise BadSetting(
            f"cannot be written ({error.strerror or error})",
            str(path),
            "Name a file in a folder that is there",
        ) from error
