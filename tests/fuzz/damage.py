"""Damage to bytes that know no structure, and numbers and texts at which programs break."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

NUMBERS: Final = (
    *(0, 1, -1, 2, 7, 8, 15, 16, 63, 64, 127, 128, 255, 256, 32767, 65535, 65536),
    *(2**31 - 1, 2**31, -(2**31), 2**32 - 1, 2**32, 2**62, 2**63 - 1, -(2**63), 2**64 - 1),
)
TEXTS: Final = (
    *(
        "",
        " ",
        "\0",
        "..",
        "a" * 300,
        "é",
        "\u202e",
        "\ufeff",
        "\U0001f697",
        "%00",
        "NaN",
        "null",
        "-0",
        "1e999",
    ),
    *(
        '"',
        "'",
        "\\",
        "\r\nX-Injected: 1",
        "${jndi:ldap://x}",
        "' OR '1'='1",
        "../../etc/passwd",
        "__proto__",
    ),
)


def number(random: Random, near: int = 0) -> int:
    """A number: one at which programs break, one beside what was there, or any."""
    kind = random.random()
    if kind < 0.5:
        return random.choice(NUMBERS)
    if kind < 0.8:
        return near + random.choice((-1, 1, -8, 8, 256, -256))
    return random.getrandbits(random.choice((8, 16, 31, 63)))


def damaged(random: Random, body: bytes, other: bytes = b"") -> bytes:
    """The bytes with one to four wounds; `other` is what parts may be taken from."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 4))):
        body = random.choice(_WOUNDS)(random, body, other or body)
    return body


def _flip(random: Random, body: bytes, other: bytes) -> bytes:
    if not body:
        return b"\0"
    out = bytearray(body)
    for _ in range(random.choice((1, 1, 2, 8))):
        out[random.randrange(len(out))] ^= 1 << random.randrange(8)
    return bytes(out)


def _overwrite(random: Random, body: bytes, other: bytes) -> bytes:
    at = random.randrange(len(body) + 1)
    size = random.choice((1, 2, 4, 8, 16, 64))
    new = random.choice((bytes(size), b"\xff" * size, random.randbytes(size), _little(random, size)))
    return body[:at] + new + body[at + size :]


def _little(random: Random, size: int) -> bytes:
    return (random.choice(NUMBERS) % (1 << 8 * size)).to_bytes(size, "little")


def _cut(random: Random, body: bytes, other: bytes) -> bytes:
    return body[: random.randrange(len(body) + 1)]


def _behead(random: Random, body: bytes, other: bytes) -> bytes:
    return body[random.randrange(len(body) + 1) :]


def _remove(random: Random, body: bytes, other: bytes) -> bytes:
    begin, end = _stretch(random, body)
    return body[:begin] + body[end:]


def _repeat(random: Random, body: bytes, other: bytes) -> bytes:
    begin, end = _stretch(random, body)
    return body[:end] + body[begin:end] * random.choice((1, 1, 2, 20)) + body[end:]


def _graft(random: Random, body: bytes, other: bytes) -> bytes:
    begin, end = _stretch(random, other)
    at = random.randrange(len(body) + 1)
    return body[:at] + other[begin:end] + body[at + random.choice((0, end - begin)) :]


def _stretch(random: Random, body: bytes) -> tuple[int, int]:
    begin = random.randrange(len(body) + 1)
    return begin, min(len(body), begin + random.choice((1, 4, 16, 64, 512)))


_WOUNDS: Final[Sequence[Callable[[Random, bytes, bytes], bytes]]] = (
    *(_flip, _flip, _overwrite, _overwrite),
    *(_cut, _behead, _remove, _repeat, _graft),
)
