"""The versions: of the distribution, and of what its decoder makes of the same bytes."""

from typing import Final

__version__: Final = "0.1.0"
"""The distribution's; it changes with every release and makes nothing stale."""

DECODER_VERSION: Final = "1"
"""The decoder's, which decoded objects carry as `code_version`. It is counted up when the same raw and database bytes
give other rows or another account than before; every partition is stale then."""
