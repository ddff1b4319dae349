"""cantools without what it drags along: it imports python-can, and that every reader of log files that is installed.

asammdf alone brings pandas and more: a second of every command, and half the memory of a decoder. Only the importer of
MF4 logs needs it, and that is a program of its own.
"""

import importlib
import sys
from types import ModuleType


def import_without(name: str, unwanted: str) -> ModuleType:
    """Import a module while another one that it could do without passes for not installed.

    Args:
        name: The module.
        unwanted: The other one; nothing changes for it when it has been imported before.

    Raises:
        ImportError: There is no such module.
    """
    if unwanted in sys.modules:
        return importlib.import_module(name)
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    modules[unwanted] = None  # the documented way to make an import fail
    try:
        return importlib.import_module(name)
    finally:
        del modules[unwanted]
