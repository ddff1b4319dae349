"""The object store behind one URL: a folder (`file://`) or a bucket (`s3://`), with the same verbs and errors.

Nothing here knows what a key means; that is `layout`'s business.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, Literal, cast
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, S3Store
from pyarrow.fs import LocalFileSystem

from telemetry_pipeline.errors import BadSetting, NotFound
from telemetry_pipeline.lake.bucket import CredentialProvider, chain_credentials, open_bucket
from telemetry_pipeline.lake.refusal import translated
from telemetry_pipeline.lake.remote_file import RemoteFile

TICK_NS = 2_000_000_000
"""Of a folder that changed longer ago, another change shows in its time; file systems' clocks tick more often than so."""

_MANY: Final = 8
"""Folders that are looked at in one call."""


@dataclass(frozen=True)
class ObjectInfo:
    """One object of a listing: its key, its size in bytes, its entity tag, and when it was last written."""

    key: str
    size: int
    etag: str
    modified_ns: int = 0


class Store:
    """A lake's objects by key.

    Args:
        backend: The obstore store that holds them.
        url: The URL that it was opened by, for messages.
        root: The folder behind a `file://` lake, else None.
    """

    def __init__(self, backend: LocalStore | S3Store, url: str, root: Path | None) -> None:
        self._backend = backend
        self.url = url
        self.root = root

    @classmethod
    def open(
        cls,
        url: str,
        *,
        endpoint_url: str | None = None,
        credentials: Literal["chain", "environment"] | CredentialProvider = "chain",
        region: str | None = None,
        timeout_s: float | None = None,
    ) -> "Store":
        """Open the store of a lake URL.

        Args:
            url: `file:///abs/path` (the folder is made when missing) or `s3://bucket[/prefix]`.
            endpoint_url: An S3-compatible server that stands in for AWS.
            credentials: "chain" asks boto3, which knows profiles and single sign-on; "environment" takes what the
                variables of a Lambda function or a container say, and needs no boto3; a function is asked
                whenever what it gave is about to expire.
            region: Where the bucket is; default: what the credentials or the environment say.
            timeout_s: Seconds that a request to a bucket may take, for a caller that itself tries again later;
                default: some, with retries.

        Raises:
            BadSetting: The URL is of no known form, the folder cannot be made, or no AWS credentials are found.
        """
        parts = urlsplit(url)
        if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/"):
            root = Path(unquote(parts.path))
            try:
                root.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise BadSetting(f"cannot make the lake's folder ({error.strerror})", url) from error
            return cls(LocalStore(root), url, root)
        if parts.scheme == "s3" and parts.netloc:
            if credentials == "chain":
                credentials = chain_credentials(url)
            backend = open_bucket(
                *(parts.netloc, parts.path.strip("/"), None if credentials == "environment" else credentials),
                endpoint_url=endpoint_url,
                region=region,
                timeout_s=timeout_s,
            )
            return cls(backend, url, None)
        raise BadSetting("not a lake URL", url, "Use file:///absolute/path or s3://bucket/prefix")

    def get(self, key: str, etag: str | None = None) -> bytes:
        """The bytes of an object.

        Args:
            key: Which one.
            etag: Its entity tag, if only those bytes will do.

        Raises:
            NotFound: No such object, or it has another entity tag by now.
            TransientError: The store does not answer.
        """
        with self._translated(key):
            options: Any = {"if_match": etag} if etag else {}
            return bytes(obstore.get(self._backend, key, options=options).bytes())

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Parts of an object, each given by where it begins and its size; parts near each other are one request.

        Raises:
            NotFound: No such object.
            TransientError: The store does not answer.
        """
        starts, sizes = [begin for begin, _ in ranges], [size for _, size in ranges]
        with self._translated(key):
            return [
                bytes(part) for part in obstore.get_ranges(self._backend, key, starts=starts, lengths=sizes)
            ]

    @contextmanager
    def open_file(self, key: str) -> Iterator[BinaryIO]:
        """An object as a seekable file, so that a footer or a column is read without the rest.

        Raises:
            NotFound: No such object.
            TransientError: The store does not answer.
        """
        with self._translated(key):
            if self.root is None:
                reader = obstore.open_reader(self._backend, key)
                file = cast("BinaryIO", RemoteFile(reader, f"{self.url}/{key}"))
            else:
                file = (self.root / key).open("rb")
        with closing(file):
            yield file

    def head(self, key: str) -> ObjectInfo | None:
        """Size and entity tag of an object, or None if there is none."""
        try:
            with self._translated(key):
                return _info(obstore.head(self._backend, key))
        except NotFound:
            return None

    def put(self, key: str, body: bytes, *, create_only: bool = False) -> None:
        """Write an object whole: a reader sees all of it or nothing.

        Args:
            key: Where it goes.
            body: Its bytes.
            create_only: Refuse to overwrite.

        Raises:
            AlreadyExists: `create_only`, and there is an object of that key.
            TransientError: The store does not answer.
        """
        with self._translated(key):
            # one request, never a multipart upload: atomic, and the only form that takes the condition
            obstore.put(
                self._backend,
                key,
                body,
                mode="create" if create_only else "overwrite",
                use_multipart=False,
            )

    def put_file(self, key: str, path: Path) -> None:
        """Write an object whole from a file of any size; readers see all of it or nothing.

        Raises:
            TransientError: The store does not answer.
        """
        with self._translated(key):
            obstore.put(self._backend, key, path, mode="overwrite")

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there counts as removed."""
        try:
            with self._translated(key):
                obstore.delete(self._backend, key)
        except NotFound:
            return

    def list_objects(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object under a prefix, in no order. A prefix without objects gives none."""
        with self._translated(prefix):
            for page in obstore.list(self._backend, prefix.rstrip("/") or None):
                for meta in page:
                    yield _info(meta)

    def list_dirs(self, prefix: str) -> list[str]:
        """The prefixes one level below a prefix, sorted, without their trailing slash."""
        with self._translated(prefix):
            found = obstore.list_with_delimiter(self._backend, prefix.rstrip("/") or None)
            return sorted(found["common_prefixes"])

    def changed_ns(self, prefix: str) -> int | None:
        """When an object was last written, replaced or removed right under a prefix: one look, no listing.

        A writer that does not rename its files into place is not seen.

        Returns:
            Nanoseconds since the epoch, 0 where there is no such folder; None from a bucket, which cannot tell.
        """
        if self.root is None:
            return None
        try:
            return os.stat(f"{self.root}/{prefix}").st_mtime_ns  # noqa: PTH116  asked of hundreds of folders at once
        except OSError:
            return 0

    def changes(self, prefixes: Sequence[str]) -> list[int]:
        """The same of several folders of a folder's lake.

        Of many it is one call: a look at each would let another thread compute meanwhile, and then wait for it.
        """
        if len(prefixes) >= _MANY:
            with suppress(OSError):  # of one of them
                found = LocalFileSystem().get_file_info([f"{self.root}/{prefix}" for prefix in prefixes])
                return [info.mtime_ns or 0 for info in found]
        return [self.changed_ns(prefix) or 0 for prefix in prefixes]

    def fingerprint(self, prefix: str) -> str:
        """What changes when an object under a prefix is written, replaced or removed: one listing, no reading."""
        listing = sorted((info.key, info.etag) for info in self.list_objects(prefix))
        return digest(json.dumps(listing).encode())

    def _translated(self, key: str) -> AbstractContextManager[None]:
        return translated(f"{self.url}/{key}")


def digest(body: bytes) -> str:
    """The SHA-256 of an object's bytes, in hex: the identity that footers and caches carry."""
    return hashlib.sha256(body).hexdigest()


def _info(meta: Any) -> ObjectInfo:  # noqa: ANN401  obstore's TypedDict is not exported at run time
    modified_ns = int(meta["last_modified"].timestamp() * 1e9)
    return ObjectInfo(meta["path"], meta["size"], meta["e_tag"] or "", modified_ns)
