"""What can go wrong, in one tree: permanent faults need a person, transient ones need time.

Every error says what, where and what to do, in one line. Nothing here imports anything of ours.

    TelemetryError
    ├── PermanentError      trying again gives the same result
    │   ├── BadSetting      a setting, an option or an argument
    │   ├── BadKey          an object key that the layout does not know
    │   ├── BadRaw          a raw object that cannot be read
    │   ├── BadDbc          a CAN database that cannot be used
    │   ├── BadLog          a log file that cannot be imported
    │   ├── BadQuery        a query that cannot be answered as asked
    │   │   └── TooLarge    its answer would be larger than one answer may be
    │   ├── NotFound        an object, a vehicle or a signal that is not there
    │   │   └── NoVehicle   nothing is known of a vehicle, whatever was asked about it
    │   ├── AlreadyExists   an object that must not be written twice
    │   └── Unforeseen      a fault of ours: what nobody thought of
    └── TransientError      a store or a network that may be well again in a minute
"""

from typing import Final

FIRST_LINE_MAX: Final = 200
"""Characters of a foreign error that are said: libraries put pages of their insides into theirs."""


class TelemetryError(Exception):
    """An error of ours, as one line: what, where, what to do.

    Args:
        what: What is wrong, without a full stop.
        where: The file, key, setting or row it was found in.
        remedy: What the reader can do about it.
    """

    def __init__(self, what: str, where: str = "", remedy: str = "") -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}" if self.where else self.what
        return f"{line}. {self.remedy}" if self.remedy else line


class PermanentError(TelemetryError):
    """Trying again gives the same result."""


class TransientError(TelemetryError):
    """Trying again later may well work."""


class BadSetting(PermanentError):
    """A setting, an option or an argument that cannot be used."""


class BadKey(PermanentError):
    """An object key or a vehicle id that the lake's layout does not know."""


class BadRaw(PermanentError):
    """A raw object that cannot be read as frames."""


class BadDbc(PermanentError):
    """A CAN database that cannot be used."""


class BadLog(PermanentError):
    """A log file that cannot be imported."""


class BadQuery(PermanentError):
    """A query that cannot be answered as it was asked."""


class TooLarge(BadQuery):
    """A query whose answer would be larger than one answer may be."""


class NotFound(PermanentError):
    """An object, a vehicle, a message or a signal that is not there."""


class NoVehicle(NotFound):
    """A vehicle that is not there: told apart so that a service can answer so for vehicles that are not the asker's."""


class AlreadyExists(PermanentError):
    """An object that is there already and must not be written twice."""


class Unforeseen(PermanentError):
    """A fault of ours that nobody thought of; its traceback is in the log."""


def first_line(error: BaseException | str) -> str:
    """What an error says, for a message of ours: its first line, of a foreign one at most `FIRST_LINE_MAX` characters.

    One that says nothing is called by its name.
    """
    line = str(error).strip().partition("\n")[0]
    if not line and isinstance(error, BaseException):
        return type(error).__name__
    return line if isinstance(error, TelemetryError) else line[:FIRST_LINE_MAX]
