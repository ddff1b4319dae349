"""The version that decoded objects carry: a change of it makes them stale."""

from typing import Final

__version__: Final = "0.1.0"
