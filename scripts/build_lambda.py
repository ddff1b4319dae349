#!/usr/bin/env python3
"""Build the decoder's package for AWS Lambda: a folder and its zip, with every dependency, below Lambda's limit.

Wheels come from requirements-lambda.lock, by hash; what the decoder never loads is left out by the list below.
"""

import argparse
import compileall
import py_compile
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements-lambda.lock"

LIMIT_BYTES: Final = 250 * 1024 * 1024
"""Lambda refuses a function that is larger than this unzipped."""

PYTHON_VERSION: Final = "3.12"
PLATFORMS: Final = (
    # Amazon Linux 2023 has glibc 2.34; pip takes only wheels of the tags that it is told
    "manylinux_2_34_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
)

OTHER_DOORS: Final = ("cli", "client", "defs", "definitions.py", "formats", "query", "spark_job.py")
"""What of telemetry_pipeline the function never imports."""

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


def main() -> int:
    """Build, strip, measure; exit 1 when the package is too large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "lambda", help="the folder to build")
    parser.add_argument(
        "--here", action="store_true", help="for this interpreter and machine, to be tried out on it"
    )
    chosen = parser.parse_args()
    build(chosen.out, here=chosen.here)
    compiled = chosen.here or f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON_VERSION
    if compiled:
        compile_all(chosen.out)
    size, zipped = size_of(chosen.out), write_zip(chosen.out)
    print(f"{chosen.out}: {_mb(size)} unzipped of {_mb(LIMIT_BYTES)}, {_mb(zipped)} zipped")
    for name, part in largest(chosen.out):
        print(f"  {_mb(part):>9}  {name}")
    if not compiled:
        print(
            f"  without bytecode: a cold start compiles; build with Python {PYTHON_VERSION} to spare it that"
        )
    if size > LIMIT_BYTES:
        print(f"too large for Lambda by {_mb(size - LIMIT_BYTES)}", file=sys.stderr)
        return 1
    return 0


def build(out: Path, *, here: bool) -> None:
    """Fill a folder with the dependencies and this project, and take out what is not loaded."""
    shutil.rmtree(out, ignore_errors=True)
    target = [] if here else ["--implementation", "cp", "--python-version", PYTHON_VERSION]
    if not here:
        target += [word for platform in PLATFORMS for word in ("--platform", platform)]
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-qq", "--no-compile"]
    pip += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--requirement", str(LOCK)]
    subprocess.run([*pip, "--target", str(out), *target], check=True)
    shutil.copytree(
        ROOT / "telemetry_pipeline",
        out / "telemetry_pipeline",
        ignore=lambda folder, names: [
            name
            for name in names
            if name == "__pycache__" or (Path(folder).name == "telemetry_pipeline" and name in OTHER_DOORS)
        ],
    )
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
