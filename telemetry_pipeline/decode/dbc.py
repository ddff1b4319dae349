"""A CAN database from its file's bytes: encoding, parser, and everything that a person should be warned about.

cantools parses; here is decided what it is given and what is refused. Nothing here opens a file.
"""

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from telemetry_pipeline.decode.bits import Field
from telemetry_pipeline.decode.extent import BYTES_MAX, oversized
from telemetry_pipeline.decode.lean import import_without
from telemetry_pipeline.decode.repair import mend, missing_statements, open_end
from telemetry_pipeline.decode.report import format_id
from telemetry_pipeline.errors import BadDbc

_cantools: Final = import_without("cantools.database", "asammdf")

FORMATS: Final = {".dbc": "dbc", ".kcd": "kcd", ".sym": "sym", ".arxml": "arxml"}
"""File name endings and cantools' names of their formats; the content is never guessed at."""

_XML: Final = frozenset({"kcd", "arxml"})


@dataclass(frozen=True)
class Dbc:
    """A CAN database.

    Attributes:
        name: Its file name, for messages and footers.
        sha256: Digest of the file's bytes, in hex.
        database: The `cantools.database.Database`.
        warnings: What a person should know, one line each.
        encoding: How its text was read.
    """

    name: str
    sha256: str
    database: Any
    warnings: tuple[str, ...]
    encoding: str = "UTF-8"


def load_dbc(body: bytes, name: str) -> Dbc:
    """Read a CAN database.

    The text is UTF-8 (with or without a byte order mark) if it can be, else Windows-1252. A file that cantools
    refuses is mended where its meaning is beyond doubt, then read without cantools' strictness; every such step
    is a warning.

    Args:
        body: The file's bytes.
        name: Its name; the ending (.dbc, .kcd, .sym, .arxml) says the format, any other is taken for DBC.

    Raises:
        BadDbc: It cannot be read, or the text ends inside a statement.
    """
    file_format = FORMATS.get(PurePosixPath(name.lower()).suffix, "dbc")
    warnings: list[str] = []
    text, encoding = _text(body, name, warnings)
    if file_format in _XML and "<!DOCTYPE" in text:
        raise BadDbc("XML with a document type is not read", name, "Remove the <!DOCTYPE …> declaration")
    if not text.strip():
        raise BadDbc("the file is empty", name)
    if absurd := oversized(text, file_format):
        raise BadDbc(absurd, name, f"Correct the number; a message has at most {BYTES_MAX:,} bytes")
    database = _parse(text, file_format, name, warnings)
    if file_format == "dbc":
        if lost := missing_statements(text, database):
            raise BadDbc(f"the file is damaged or cut short: {lost}", name, "Get the whole file again")
        if end := open_end(text):
            warnings.append(f"the file may be cut short: it ends inside {end}")
    warnings += _remarks(database)
    return Dbc(name, hashlib.sha256(body).hexdigest(), database, tuple(warnings), encoding)


def _text(body: bytes, name: str, warnings: list[str]) -> tuple[str, str]:
    """The text, and the name of its encoding."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadDbc("the file is UTF-16", name, "Save it as UTF-8 or Windows-1252")
    try:
        marked = body.startswith(b"\xef\xbb\xbf")
        plain = "ASCII" if body.isascii() else "UTF-8"
        return body.decode("utf-8-sig"), "UTF-8 with byte order mark" if marked else plain
    except UnicodeDecodeError:
        text = body.decode("cp1252", errors="replace")
    if undefined := text.count("\ufffd"):
        warnings.append(f"{undefined} bytes are neither UTF-8 nor Windows-1252 and were replaced")
    return text, "Windows-1252"


def _parse(text: str, file_format: str, name: str, warnings: list[str]) -> Any:  # noqa: ANN401
    """Parse, mending what cantools names until it is content; not strictly once nothing more can be mended."""
    strict = True
    while True:
        try:
            return _load(text, file_format, strict=strict)
        except _Refused as refused:
            mended, changes = mend(text, str(refused)) if file_format == "dbc" else (text, [])
            if mended != text:  # else what was refused is refused again
                text = mended
                warnings += changes
                continue
            if not strict:
                raise BadDbc(f"not a readable {file_format.upper()} file ({refused})", name) from refused
            warnings.append(f"read without cantools' strictness: {refused}")
            strict = False


class _Refused(Exception):
    """What cantools had against a text, in one line."""


def _load(text: str, file_format: str, *, strict: bool) -> Any:  # noqa: ANN401
    try:
        return _cantools.load_string(text, database_format=file_format, strict=strict)
    except _cantools.UnsupportedDatabaseFormatError as error:
        cause = error.__cause__ or error
        line = "".join(filter(str.isprintable, " ".join(str(cause).split())))
        raise _Refused(line[:300] or type(cause).__name__) from error
    except RecursionError as error:
        raise _Refused("a multiplexer hangs on itself") from error


def _remarks(database: Any) -> list[str]:  # noqa: ANN401
    remarks = [] if database.messages else ["no message is defined"]
    by_key: dict[tuple[int, bool], str] = {}
    names: set[str] = set()
    for message in database.messages:
        key = (message.frame_id, message.is_extended_frame)
        if key in by_key:
            remarks.append(f"id {format_id(*key)} is there twice: {message.name} replaces {by_key[key]}")
        by_key[key] = message.name
        if message.name in names:
            remarks.append(f"message name {message.name} is there twice")
        names.add(message.name)
        if message.is_container:
            remarks.append(f"message {message.name}: container messages are not decoded")
        remarks += _signal_remarks(message)
    return remarks


def _signal_remarks(message: Any) -> list[str]:  # noqa: ANN401
    remarks = []
    names: set[str] = set()
    for signal in message.signals:
        where = f"message {message.name}, signal {signal.name}"
        if signal.name in names:
            remarks.append(
                f"{where}: the name is there twice; where both are in a frame, the last one counts"
            )
        names.add(signal.name)
        bits = Field.at(
            start=signal.start,
            length=signal.length,
            big_endian=signal.byte_order == "big_endian",
            signed=signal.is_signed,
            is_float=signal.conversion.is_float,
        )
        if fault := bits.fault(message.length):
            remarks.append(f"{where}: {fault}, so it is not decoded")
        if signal.conversion.scale == 0:
            remarks.append(f"{where}: its scale is 0")
    return remarks
