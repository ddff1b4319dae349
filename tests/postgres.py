"""A real PostgreSQL for a test: its own cluster in a folder of its own, on a free port of loopback, gone afterwards."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import free_port

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))

needs_postgres = pytest.mark.skipif(
    not _BINARIES, reason="there is no PostgreSQL: scripts/need-postgres installs it"
)


@contextmanager
def running(certificate: tuple[Path, Path] | None = None) -> Iterator[str]:
    """The URL of an empty database, as Dagster takes it.

    Args:
        certificate: A certificate and its key, with which the server speaks TLS to who asks for it.
    """
    binaries = _BINARIES[-1].parent
    # a path of its own: sockets have short ones, and the server's user must be able to enter
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp"))
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:  # the server refuses to be run by root
        shutil.chown(folder, user)
    data, log = str(folder / "data"), str(folder / "log")

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*_as(user), str(binaries / program), *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        words = Path(log).read_text() if Path(log).exists() else ""
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}{words}"

    try:
        run(
            "initdb",
            "-D",
            data,
            "-U",
            "dagster",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--locale=C",
        )
        port = free_port()
        # what a crash of the machine would lose is no matter here, what a crash of a client loses is
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        for option, source in zip(("ssl_cert_file", "ssl_key_file"), certificate or (), strict=False):
            # the server takes no key that others may read, and its user cannot enter a test's folder
            own = Path(shutil.copy(source, folder / source.name))
            own.chmod(0o600)
            shutil.chown(own, user)
            options += f" -c ssl=on -c {option}={own}"
        run("pg_ctl", "-D", data, "-l", log, "-o", options, "-w", "-t", "120", "start")
        try:
            run("createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "dagster", "dagster")
            yield f"postgresql+psycopg2://dagster@127.0.0.1:{port}/dagster"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as(user: str) -> Sequence[str]:
    if os.geteuid() != 0:
        return []
    entry = pwd.getpwnam(user)
    return ["setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups", "--"]
