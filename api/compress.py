"""Answers compressed as the client takes them: zstd where it does, else gzip.

zstd comes with Arrow, so that nothing more is installed for it. Answers that are streams of their own
(`api.streaming`) compress themselves and are passed on.
"""

import zlib
from collections.abc import Generator
from functools import partial
from typing import Final, Literal

import anyio.to_thread
import pyarrow as pa
from starlette.datastructures import Headers
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipResponder, IdentityResponder
from starlette.types import ASGIApp, Receive, Scope, Send

from api.encode import ARROW_TYPE
from api.sink import Sink

Coding = Literal["zstd", "gzip"]

CODINGS: Final[tuple[Coding, ...]] = ("zstd", "gzip")
"""The better one first: at these levels zstd takes a quarter of gzip's time for as many bytes."""

MINIMUM_SIZE: Final = 4096
_GZIP_LEVEL: Final = 4
_ZSTD_LEVEL: Final = 3
_THREAD_SIZE: Final = 128 * 1024
_GZIP_THREAD_SIZE: Final = 32 * 1024
"""From here on compressing takes longer than the event loop should wait: a quarter of a millisecond."""

# gzip takes longer over Arrow's floats than most networks do
_EXCLUDED: Final[dict[Coding, tuple[str, ...]]] = {
    "gzip": (ARROW_TYPE, *DEFAULT_EXCLUDED_CONTENT_TYPES),
    "zstd": DEFAULT_EXCLUDED_CONTENT_TYPES,
}


def coding_for(accept_encoding: str) -> Coding | None:
    """The coding that a client prefers of those we have, or None for as it is (RFC 9110, 12.5.3)."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameter = (text.strip() for text in part.partition(";"))
        weights[name] = _weight(parameter)
    otherwise = weights.get("*", 0.0)
    found = {coding: weights.get(coding, otherwise) for coding in CODINGS}
    best = max(CODINGS, key=lambda coding: found[coding])
    return best if found[best] > 0 and found[best] >= weights.get("identity", 0.0) else None


def squeezed(parts: Generator[bytes, None, None], coding: Coding | None) -> Generator[bytes, None, None]:
    """A stream's bytes in a coding."""
    if coding is None:
        yield from parts
        return
    squeeze = _Zstd() if coding == "zstd" else _Gzip()
    try:
        for part in parts:
            if out := squeeze.add(part):
                yield out
        yield squeeze.end()
    finally:
        parts.close()


def _weight(parameter: str) -> float:
    """The q of a coding; what is not understood does not weigh."""
    if not parameter:
        return 1.0
    name, _, value = parameter.partition("=")
    try:
        return min(max(float(value), 0.0), 1.0) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0


class CompressionMiddleware:
    """Compresses whole answers of `MINIMUM_SIZE` bytes and more; large ones in a worker thread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and compress its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        coding = coding_for(Headers(scope=scope).get("accept-encoding", ""))
        responder: ASGIApp
        if coding == "zstd":
            responder = _ZstdResponder(self._app, MINIMUM_SIZE, exclude_content_types=_EXCLUDED["zstd"])
        elif coding == "gzip":
            responder = GZipResponder(
                self._app,
                MINIMUM_SIZE,
                _GZIP_LEVEL,
                thread_minimum_size=_GZIP_THREAD_SIZE,
                exclude_content_types=_EXCLUDED["gzip"],
            )
        else:
            responder = IdentityResponder(
                self._app, MINIMUM_SIZE, exclude_content_types=DEFAULT_EXCLUDED_CONTENT_TYPES
            )
        await responder(scope, receive, send)


class _ZstdResponder(IdentityResponder):
    """One answer in zstd, in Starlette's words."""

    content_encoding = "zstd"
    _squeeze: "_Zstd | None" = None

    async def apply_compression(self, body: bytes, *, more_body: bool) -> bytes:
        """The next bytes of the answer."""
        if len(body) < _THREAD_SIZE:
            return self._next(body, more_body=more_body)
        return await anyio.to_thread.run_sync(partial(self._next, body, more_body=more_body))

    def _next(self, body: bytes, *, more_body: bool) -> bytes:
        if self._squeeze is None:
            if not more_body:
                return pa.Codec("zstd", _ZSTD_LEVEL).compress(body, asbytes=True)  # type: ignore[no-any-return]
            self._squeeze = _Zstd()
        out = self._squeeze.add(body) + self._squeeze.flush()
        return out if more_body else out + self._squeeze.end()


class _Gzip:
    """A gzip stream."""

    def __init__(self) -> None:
        self._squeeze = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 16 + zlib.MAX_WBITS)

    def add(self, part: bytes) -> bytes:
        return self._squeeze.compress(part)

    def end(self) -> bytes:
        return self._squeeze.flush()


class _Zstd:
    """A zstd stream of one frame: not every client takes several."""

    def __init__(self) -> None:
        self._sink = Sink()
        self._stream = pa.CompressedOutputStream(self._sink, "zstd")

    def add(self, part: bytes) -> bytes:
        self._stream.write(part)
        return self._sink.taken()

    def flush(self) -> bytes:
        self._stream.flush()
        return self._sink.taken()

    def end(self) -> bytes:
        self._stream.close()
        return self._sink.taken()
