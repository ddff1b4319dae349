"""Put deliberate faults into copies of decode/bits.py and decode/lanes.py, one at a time, and see which test catches each.

Run it as `python -m scripts.mutate_bits [NAME…]`; it prints a Markdown table and fails when a fault survives. The
faults are kept here by their text, so a change of the code that removes one has to bring another.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
BITS: Final = Path("telemetry_pipeline/decode/bits.py")
LANES: Final = Path("telemetry_pipeline/decode/lanes.py")
TESTS: Final = (
    "tests/decode/test_decode_bits.py",
    "tests/decode/test_decode_frames.py",
    "tests/decode/test_decode_random.py",
    "tests/decode/test_decode_lanes.py",
)
_COPIED: Final = ("telemetry_pipeline", "tests", "pyproject.toml")


@dataclass(frozen=True)
class Fault:
    """One wrong piece of code.

    Attributes:
        name: What is wrong.
        right: The text that it replaces, which occurs once.
        wrong: The text it is replaced by.
        file: Where.
    """

    name: str
    right: str
    wrong: str
    file: Path = BITS


FAULTS: Final = (
    Fault("negative values are read as positive", "        if field.signed:\n            np", "        if False:\n            np"),
    Fault("Motorola start bits are counted like Intel's", "8 * (start // 8) + 7 - start % 8 if", "start if"),
    Fault("a bit too many is kept", "unused = 64 - field.length", "unused = max(63 - field.length, 0)"),
    Fault("the ninth byte of a Motorola signal is shifted wrongly", "(np.uint64(8) - shift)", "(np.uint64(7) - shift)"),
    Fault("the ninth byte of an Intel signal is shifted wrongly", "(np.uint64(64) - shift)", "(np.uint64(63) - shift)"),
    Fault("the ninth byte of an Intel signal is left out", "np.bitwise_or(raw, following << ", "np.bitwise_and(raw, following << "),
    Fault("a load begins a byte too early", "byte = first_bit // 8", "byte = max(first_bit // 8 - 1, 0)"),
    Fault("only the first block of rows is read", "range(0, len(words), BLOCK)", "range(0, min(len(words), BLOCK), BLOCK)"),
    Fault("64 unsigned bits are read as signed", "elif field.length == 64 and not field.signed:", "elif field.length == 65:"),
    Fault("a negative offset is not added", "scaling.offset != 0 or", "scaling.offset > 0 or"),
    Fault("-0.0 stays where Python gives 0.0", "or field.is_float or scaling.scale", "or scaling.scale"),
    Fault("whole numbers beyond 53 bits are rounded twice", "_EXACT_FLOAT: Final = 1 << 53", "_EXACT_FLOAT: Final = 1 << 62"),
    Fault("products beyond 63 bits overflow", "_EXACT_INT: Final = 1 << 63", "_EXACT_INT: Final = 1 << 80"),
    Fault("an offset is lost in whole-number arithmetic", "product += np.int64(scaling.offset)", "product += np.int64(0)"),
    Fault("a fraction is added before the product is rounded", "out += scaling.offset\n        return", "out += int(scaling.offset)\n        return"),
    Fault("2.0 is not taken for the whole number it is", "and _is_whole(scale) and _is_whole(offset)", "and isinstance(scale, int)"),
    Fault("32-bit floats are read as whole numbers", "raw.astype(np.uint32).view(np.float32)", "raw.astype(np.uint32)"),
    Fault("a 16-bit NaN keeps its payload", "if missing.any():", "if False:"),
    Fault("a signal that just fits is said not to fit", "self.end_bit > 8 * payload_length", "self.end_bit >= 8 * payload_length"),
    Fault("a truncated signal is read a bit too early", "return self.first_bit + self.length", "return self.first_bit + self.length - 1"),
    Fault("the smallest number of more than 64 bits is positive", "if field.signed and raw & sign:", "if field.signed and raw > sign:"),
    Fault("a long Motorola signal is shifted from the wrong end", ">> (8 * size - shift - field.length) & mask", ">> shift & mask"),
    Fault("together, two byte orders share a load", "setdefault((bits.byte, bits.big_endian)", "setdefault((bits.byte, False)", LANES),
    Fault("together, unsigned signals keep a sign", "            mixed=mixed,", "            mixed=False,", LANES),
    Fault("together, no signal keeps its sign", "signed=any(signs.values())", "signed=False", LANES),
    Fault("together, only signals that are all scaled are scaled", "any(value != 1 for value in scale)", "all(value != 1 for value in scale)", LANES),
    Fault("together, no offset is added", "shifted=adds", "shifted=False", LANES),
    Fault("row by row, no signal keeps its sign", "                if row.signed:", "                if False:", LANES),
    Fault("row by row, only the first block is read", "range(0, len(values), BLOCK)", "range(0, min(len(values), BLOCK), BLOCK)", LANES),
    Fault("row by row, a scale is left out", "if row.scale is not None:", "if False:", LANES),
    Fault("together, -0.0 stays where Python gives 0.0", "or scaling.scale < SMALLEST_SAFE_SCALE", "or False", LANES),
    Fault("64 unsigned bits are read with the others", "or (bits.length == 64 and not bits.signed)", "", LANES),
    Fault("Motorola words of single signals are not swapped", "words.byteswap() if bits.big_endian else words", "words", LANES),
    Fault("frames that carry a signal are not chosen", "if rows is None else frames.words(byte).take(rows)", "", LANES),
)  # fmt: skip


def caught_by(fault: Fault | None, folder: Path) -> str:
    """The first test that fails with a fault in a fresh copy in `folder`; "" when all pass.

    Raises:
        RuntimeError: The tests could not be run.
    """
    for name in _COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copyfile
        copy(source, folder / name)
    if fault is not None:
        path = folder / fault.file
        path.write_text(broken(path.read_text(), fault))
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider", *TESTS]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) \S*/(\S+?)::(\w+)", result.stdout, re.MULTILINE)
    if failed is None:
        raise RuntimeError(result.stdout + result.stderr)
    return f"{failed[1]}::{failed[2]}"


def broken(source: str, fault: Fault) -> str:
    """The source with the fault in it.

    Raises:
        ValueError: What it replaces does not occur exactly once.
    """
    if source.count(fault.right) != 1:
        raise ValueError(f"{fault.name}: its text occurs {source.count(fault.right)} times in {fault.file}")
    return source.replace(fault.right, fault.wrong)


def main(names: list[str]) -> int:
    """Try the faults of these names, or all of them; 1 when one survives."""
    chosen = [fault for fault in FAULTS if not names or any(name in fault.name for name in names)]
    survivors = 0
    print("| fault | caught by | s |\n| --- | --- | --- |")
    for fault in (None, *chosen):
        started = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            caught = caught_by(fault, Path(folder))
        name = "none, for comparison" if fault is None else fault.name
        survivors += bool(caught) == (fault is None)
        print(f"| {name} | {caught or 'nothing'} | {time.monotonic() - started:.0f} |", flush=True)
    return int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
