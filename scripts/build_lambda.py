#!/usr/bin/env python3
"""Build a package for AWS Lambda: the decoder's, a folder and its zip below Lambda's limit, or the service's, an image.

Wheels come from a lock file, by hash; what is never loaded is left out by the lists below. The service's folder is
larger than a zip may be: it holds a Dockerfile that copies it, which any machine can build for any other.
"""

import argparse
import compileall
import platform
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

LIMIT_BYTES: Final = 250 * 1024 * 1024
"""Lambda refuses a function that is larger than this unzipped."""

IMAGE_LIMIT_BYTES: Final = 10 * 1024 * 1024 * 1024
"""Lambda refuses an image that is larger than this."""

PYTHON_VERSION: Final = "3.12"
MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's names of its machines, and those of wheels."""

GLIBC: Final = range(34, 16, -1)
"""Amazon Linux 2023 has glibc 2.34; pip takes only wheels of the tags that it is told."""


@dataclass(frozen=True)
class Package:
    """What a package is made of.

    Attributes:
        lock: The lock file of its wheels.
        rooms: The folders of this project in it.
        left_out: What of telemetry_pipeline it never imports.
        limit_bytes: How large it may be unzipped.
        dockerfile: The Dockerfile of its image; None: it is a zip.
    """

    lock: str
    rooms: tuple[str, ...]
    left_out: tuple[str, ...]
    limit_bytes: int
    dockerfile: Path | None = None


PACKAGES: Final = {
    "decoder": Package(
        "requirements-lambda.lock",
        ("telemetry_pipeline",),
        ("cli", "defs", "definitions.py", "formats", "query", "spark_job.py"),
        LIMIT_BYTES,
    ),
    "api": Package(
        "requirements-lambda-api.lock",
        ("telemetry_pipeline", "api"),
        ("cli", "defs", "definitions.py", "formats", "spark_job.py", "lambda_handler.py"),
        IMAGE_LIMIT_BYTES,
        ROOT / "deploy" / "lambda-api.Dockerfile",
    ),
}

NOT_LOADED: Final = (
    # the same library under its other names; modules ask for the one with the short version
    "pyarrow/libarrow_python*.so",
    "pyarrow/libarrow_python*.so.*.*.*",
    # Arrow's RPC and its own S3 client, with the modules that load them; the lake is reached by obstore
    "pyarrow/libarrow_flight.so*",
    "pyarrow/libarrow_python_flight.so*",
    "pyarrow/libarrow_s3.so*",
    "pyarrow/_flight.*",
    "pyarrow/_s3fs.*",
    # formats that the lake does not hold
    "pyarrow/_orc.*",
    "pyarrow/_substrait.*",
    # sources, headers, tests and builders
    "pyarrow/include",
    "pyarrow/includes",
    "pyarrow/src",
    "pyarrow/tests",
    "pyarrow/*.p[yx][xid]",
    "pyarrow/*.pxd",
    "pyarrow/*.cpp",
    "numpy/_core/include",
    "numpy/_core/lib",
    "numpy/f2py",
    "numpy/**/tests",
    "numpy/**/*.pyi",
    "numpy/**/*.a",
    # programs: a function has no shell
    "bin",
)

ASKED: Final = ("athena", "glue", "s3", "sts")
"""The services of AWS that the query service asks: descriptions of all others are left out."""


def main() -> int:
    """Build, strip, measure; exit 1 when the package is too large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("package", nargs="?", choices=PACKAGES, default="decoder")
    parser.add_argument(
        "--out", type=Path, help="the folder to build; default: build/lambda, build/lambda-api"
    )
    parser.add_argument("--arch", choices=MACHINES, default="arm64", help="the function's machine")
    parser.add_argument(
        "--here", action="store_true", help="for this interpreter and machine, to be tried out on it"
    )
    chosen = parser.parse_args()
    package = PACKAGES[chosen.package]
    chosen.out = chosen.out or ROOT / "build" / ("lambda" if chosen.package == "decoder" else "lambda-api")
    build(package, chosen.out, machine=None if chosen.here else MACHINES[chosen.arch])
    compiled = chosen.here or f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON_VERSION
    if compiled:
        compile_all(chosen.out)
    size = size_of(chosen.out)
    if package.dockerfile is None:
        packed = f"{_mb(write_zip(chosen.out))} zipped"
    else:
        machine = chosen.arch if not chosen.here else platform.machine().replace("aarch64", "arm64")
        text = package.dockerfile.read_text().replace("ARG MACHINE=arm64", f"ARG MACHINE={machine}")
        (chosen.out / "Dockerfile").write_text(text)
        scratch = chosen.out / "scratch" / "tmp"
        scratch.mkdir(parents=True)
        (scratch / "README").write_text(
            "Nothing lasts here: what is mounted over this folder ends with its task.\n"
        )
        packed = "an image by its Dockerfile"
    print(f"{chosen.out}: {_mb(size)} unzipped of {_mb(package.limit_bytes)}, {packed}")
    for name, part in largest(chosen.out):
        print(f"  {_mb(part):>9}  {name}")
    if not compiled:
        print(
            f"  without bytecode: a cold start compiles; build with Python {PYTHON_VERSION} to spare it that"
        )
    if size > package.limit_bytes:
        print(f"too large for Lambda by {_mb(size - package.limit_bytes)}", file=sys.stderr)
        return 1
    return 0


def build(package: Package, out: Path, *, machine: str | None, python: str = PYTHON_VERSION) -> None:
    """Fill a folder with the dependencies and this project, and take out what is not loaded.

    Args:
        package: What it is made of.
        out: The folder.
        machine: The machine as wheels name it; None for this one and its interpreter.
        python: The interpreter's version, where a machine is given.
    """
    shutil.rmtree(out, ignore_errors=True)
    target = []
    if machine:
        target += ["--implementation", "cp", "--python-version", python]
        tags = [f"manylinux_2_{minor}_{machine}" for minor in GLIBC]
        target += [word for tag in (*tags, f"manylinux2014_{machine}") for word in ("--platform", tag)]
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-qq", "--no-compile"]
    pip += [
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
        "--requirement",
        str(ROOT / package.lock),
    ]
    subprocess.run([*pip, "--target", str(out), *target], check=True)
    for room in package.rooms:
        shutil.copytree(
            ROOT / room,
            out / room,
            ignore=lambda folder, names: [
                name
                for name in names
                if name == "__pycache__"
                or (Path(folder).name == "telemetry_pipeline" and name in package.left_out)
            ],
        )
    data = out / "botocore" / "data"
    for path in data.iterdir() if data.is_dir() else ():
        if path.is_dir() and path.name not in ASKED:
            shutil.rmtree(path)
    for pattern in NOT_LOADED:
        for path in list(out.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def compile_all(out: Path) -> None:
    """Put bytecode beside the sources: a function's folder is read-only, each cold start would compile anew."""
    # valid without a look at the sources' times, which a zip does not keep
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(out, quiet=2, stripdir=str(out), prependdir="/var/task", invalidation_mode=mode)


def files(out: Path) -> Iterator[Path]:
    """Every file of the package, in one order."""
    return iter(sorted(path for path in out.rglob("*") if path.is_file()))


def size_of(out: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in files(out))


def largest(out: Path, count: int = 6) -> list[tuple[str, int]]:
    """The largest parts of the package."""
    parts: dict[str, int] = {}
    for path in files(out):
        top = path.relative_to(out).parts[0]
        parts[top] = parts.get(top, 0) + path.stat().st_size
    return sorted(parts.items(), key=lambda item: -item[1])[:count]


def write_zip(out: Path) -> int:
    """Zip the folder beside itself, the same bytes for the same files; gives the zip's size."""
    archive = out.with_name(f"{out.name}.zip")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for path in files(out):
            entry = zipfile.ZipInfo(path.relative_to(out).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(entry, path.read_bytes())
    return archive.stat().st_size


def _mb(size: int) -> str:
    return f"{size / 1024 / 1024:.1f} MB"


if __name__ == "__main__":
    sys.exit(main())
