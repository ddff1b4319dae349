"""The CAN database that simulation and live decoding use, read from a file when it is needed."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from telemetry_pipeline.errors import BadDbc
from telemetry_pipeline.shipped import shipped

if TYPE_CHECKING:
    from telemetry_pipeline.decode.dbc import Dbc

BUNDLED: Final = shipped("dbc/ev_powertrain.dbc")
"""The synthetic EV powertrain: what is simulated unless another database is named."""


def read_database(path: Path) -> tuple[bytes, "Dbc"]:
    """A DBC file's bytes, and what they say.

    Raises:
        BadDbc: There is no such file, or it cannot be used.
    """
    # a vehicle that only captures needs no DBC parser
    from telemetry_pipeline.decode.dbc import load_dbc  # noqa: PLC0415

    try:
        body = path.read_bytes()
    except OSError as error:
        raise BadDbc(
            f"cannot be read ({error.strerror})", str(path), "Name a CAN database with --dbc"
        ) from error
    return body, load_dbc(body, path.name)
