"""Thrift's compact protocol, as far as Parquet's footers and page headers use it. What the fields mean is not known here.

A struct is a dict of field number to value, and every value carries its type, so that what is read can be written back.
"""

from dataclasses import dataclass, field
from typing import Any, Final

TRUE: Final = 1
FALSE: Final = 2
I8: Final = 3
I16: Final = 4
I32: Final = 5
I64: Final = 6
DOUBLE: Final = 7
BINARY: Final = 8
LIST: Final = 9
SET: Final = 10
STRUCT: Final = 12

_INTEGERS: Final = (I16, I32, I64)


@dataclass(slots=True)
class Struct:
    """Fields by number: (type, value). Values are bool, int, bytes, `Items` or `Struct`; doubles stay 8 bytes."""

    fields: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def __getitem__(self, number: int) -> Any:  # noqa: ANN401  whatever the type of the field says
        return self.fields[number][1]

    def get(self, number: int) -> Any:  # noqa: ANN401  likewise
        """The value of a field, or None where it is not set."""
        found = self.fields.get(number)
        return None if found is None else found[1]


@dataclass(slots=True)
class Items:
    """A list (or set) of values of one type."""

    kind: int
    values: list[Any]


@dataclass(frozen=True, slots=True)
class Written:
    """A value that has been written before, as the bytes that it became."""

    body: bytes


def written(struct: Struct) -> Struct:
    """A struct that writes the same bytes, and sooner."""
    return Struct(
        {
            number: (kind, value if kind in (TRUE, FALSE) else Written(_bytes_of(kind, value)))
            for number, (kind, value) in struct.fields.items()
        }
    )


def struct_of(*fields: tuple[int, int, Any]) -> Struct:
    """A struct of fields given as (number, type, value)."""
    return Struct({number: (kind, value) for number, kind, value in fields})


def read_struct(data: bytes, at: int = 0) -> tuple[Struct, int]:
    """Read a struct that begins at a byte; returns it with the position after it.

    Raises:
        ValueError: There is no struct, or one with a type that Parquet does not use.
        IndexError: The bytes end within it.
    """
    fields: dict[int, tuple[int, Any]] = {}
    number = 0
    while (head := data[at]) != 0:
        at += 1
        kind = head & 0x0F
        if head >> 4:
            number += head >> 4
        else:
            number, at = _signed(data, at)
        value, at = (kind == TRUE, at) if kind in (TRUE, FALSE) else _value(data, at, kind)
        fields[number] = (kind, value)
    return Struct(fields), at + 1


def write_struct(struct: Struct) -> bytes:
    """The bytes of a struct; the type of a boolean field follows its value."""
    out = bytearray()
    _put_struct(out, struct)
    return bytes(out)


def varint(number: int) -> bytes:
    """An unsigned number, seven bits a byte, the lowest first."""
    out = bytearray()
    _put_unsigned(out, number)
    return bytes(out)


def _value(data: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _signed(data, at)
    if kind == BINARY:
        size, at = _unsigned(data, at)
        return data[at : at + size], at + size
    if kind == STRUCT:
        return read_struct(data, at)
    if kind in (LIST, SET):
        return _items(data, at)
    if kind in (I8, TRUE, FALSE):  # booleans within a list
        return data[at] if kind == I8 else data[at] == TRUE, at + 1
    if kind == DOUBLE:
        return data[at : at + 8], at + 8
    raise ValueError(f"type {kind} is not used by Parquet")


def _items(data: bytes, at: int) -> tuple[Items, int]:
    head = data[at]
    size, at = (head >> 4, at + 1) if head >> 4 < 15 else _unsigned(data, at + 1)
    values = []
    for _ in range(size):
        value, at = _value(data, at, head & 0x0F)
        values.append(value)
    return Items(head & 0x0F, values), at


def _unsigned(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while (byte := data[at]) > 0x7F:
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
    return number | byte << shift, at + 1


def _signed(data: bytes, at: int) -> tuple[int, int]:
    number, at = _unsigned(data, at)
    return number >> 1 ^ -(number & 1), at


def _put_struct(out: bytearray, struct: Struct) -> None:
    before = 0
    for number, (kind, value) in sorted(struct.fields.items()):
        if kind in (TRUE, FALSE):
            kind = TRUE if value else FALSE  # noqa: PLW2901
        if 0 < number - before <= 15:
            out.append(number - before << 4 | kind)
        else:
            out.append(kind)
            _put_unsigned(out, _zigzag(number))
        before = number
        if kind not in (TRUE, FALSE):
            _put(out, kind, value)
    out.append(0)


def _bytes_of(kind: int, value: Any) -> bytes:  # noqa: ANN401  whatever `kind` says
    out = bytearray()
    _put(out, kind, value)
    return bytes(out)


def _put(out: bytearray, kind: int, value: Any) -> None:  # noqa: ANN401  whatever `kind` says
    if type(value) is Written:
        out += value.body
    elif kind in _INTEGERS:
        _put_unsigned(out, value << 1 if value >= 0 else (-value << 1) - 1)
    elif kind == BINARY:
        _put_unsigned(out, len(value))
        out += value
    elif kind == STRUCT:
        _put_struct(out, value)
    elif kind in (LIST, SET):
        size = len(value.values)
        out.append(min(size, 15) << 4 | value.kind)
        if size >= 15:
            _put_unsigned(out, size)
        for item in value.values:
            _put(out, value.kind, item)
    elif kind == I8:
        out.append(value)
    elif kind in (TRUE, FALSE):
        out.append(TRUE if value else FALSE)
    else:
        out += value


def _put_unsigned(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)


def _zigzag(number: int) -> int:
    return number << 1 if number >= 0 else (-number << 1) - 1
