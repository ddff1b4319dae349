"""Where files lie that come with the program and are no code: the built dashboard, the demo's database and rules.

In the source tree they are at its top; a wheel has them inside the package (see `hatch_build.py`).
"""

from pathlib import Path
from typing import Final

FOLDER: Final = "_shipped"
"""Where a wheel has them."""

_PACKAGE: Final = Path(__file__).parent


def shipped(name: str) -> Path:
    """The path of a file or folder, by its name in the source tree; it may not be there."""
    packed = _PACKAGE / FOLDER / name
    return packed if packed.exists() else _PACKAGE.parent / name
