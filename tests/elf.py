"""What a shared library says of itself: its machine, and what it wants of others. Reads 64-bit little-endian ELF."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MAGIC: Final = b"\x7fELF"
MACHINES: Final = {62: "x86_64", 183: "aarch64"}

_LOAD, _DYNAMIC = 1, 2
_NEEDED, _STRTAB, _RPATH, _RUNPATH = 1, 5, 15, 29
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF


@dataclass(frozen=True)
class Library:
    """A library.

    Attributes:
        machine: `x86_64`, `aarch64`, or the number of another.
        needed: Names of the libraries that it is loaded with.
        search: Where it looks for them first, with $ORIGIN for its own folder.
        versions: Versions of symbols that it takes from them, such as `GLIBC_2.17`.
    """

    machine: str
    needed: tuple[str, ...]
    search: tuple[str, ...]
    versions: frozenset[str]


def is_elf(path: Path) -> bool:
    """Whether a file is a library or a program, by its first bytes."""
    with path.open("rb") as file:
        return file.read(4) == MAGIC


def read_library(path: Path) -> Library:
    """Read a library's header and dynamic section.

    Raises:
        ValueError: The file is no 64-bit little-endian ELF file.
    """
    data = path.read_bytes()
    if data[:6] != MAGIC + b"\x02\x01":
        raise ValueError(f"{path} is no 64-bit little-endian ELF file")
    (machine,) = struct.unpack_from("<H", data, 18)
    (headers,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQ", data, headers + size * number) for number in range(count)]

    def place(address: int) -> int:
        """Where an address of memory lies in the file."""
        for kind, _flags, offset, start, _physical, length in segments:
            if kind == _LOAD and start <= address < start + length:
                return int(offset + address - start)
        raise ValueError(f"{path} has nothing at {address:#x}")

    entries = [
        entry
        for kind, _flags, offset, _start, _physical, length in segments
        if kind == _DYNAMIC
        for entry in struct.iter_unpack("<QQ", data[offset : offset + length - length % 16])
    ]
    facts = dict(entries)
    texts = place(facts[_STRTAB]) if _STRTAB in facts else 0

    def text(offset: int) -> str:
        start = texts + offset
        return data[start : data.index(b"\0", start)].decode()

    search = [text(value) for tag, value in entries if tag in (_RPATH, _RUNPATH)]
    wanted = place(facts[_VERNEED]) if _VERNEED in facts else 0
    return Library(
        MACHINES.get(machine, str(machine)),
        tuple(text(value) for tag, value in entries if tag == _NEEDED),
        tuple(part for line in search for part in line.split(":")),
        frozenset(text(name) for name in _versions(data, wanted, facts.get(_VERNEEDNUM, 0))),
    )


def _versions(data: bytes, place: int, count: int) -> Iterator[int]:
    """Names of all versions, as offsets into the table of texts: a list for each library, each a list itself."""
    for _ in range(count):
        _version, names, _file, first, step = struct.unpack_from("<HHIII", data, place)
        at = place + first
        for _ in range(names):
            _hash, _flags, _other, name, further = struct.unpack_from("<IHHII", data, at)
            yield name
            at += further
        place += step
