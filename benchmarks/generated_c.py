"""The C code that cantools generates for a database, driven over frames in their order into plain arrays."""

import ctypes
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cantools.database.can.c_source import camel_to_snake_case, generate

Columns = dict[tuple[str, str], npt.NDArray[np.float64]]


def compiler() -> str | None:
    """The C compiler, if there is one."""
    return shutil.which("gcc")


@dataclass(frozen=True)
class GeneratedC:
    """A compiled driver of the generated code.

    Attributes:
        library: Its shared object, with one function `drive`.
        columns: Message and signal of each output array.
    """

    library: Any
    columns: list[tuple[str, str]]

    def decode(self, frames: pa.Table, rows: dict[tuple[str, str], int]) -> Columns:
        """Decode 8-byte frames; how many values each signal will have is given, not counted."""
        ids = frames["arb_id"].to_numpy()
        times = frames["timestamp"].cast(pa.int64()).to_numpy()
        body = frames["data"].combine_chunks().buffers()[2]
        values = [np.empty(rows.get(column, 0)) for column in self.columns]
        stamps = [np.empty(rows.get(column, 0), np.int64) for column in self.columns]
        self.library.drive(
            ctypes.c_size_t(len(ids)),
            ids.ctypes.data_as(ctypes.c_void_p),
            times.ctypes.data_as(ctypes.c_void_p),
            ctypes.c_void_p(body.address),
            _pointers(values),
            _pointers(stamps),
        )
        return dict(zip(self.columns, values, strict=True))


def build(database: Any, folder: Path, level: str) -> GeneratedC:
    """Generate and compile; the driver is one translation unit with the generated code, so calls can be inlined.

    Args:
        database: What is generated for.
        folder: Where the files go.
        level: What the compiler may do, such as -O2.
    """
    header, source, *_ = generate(database, "bench", "bench.h", "bench.c", "bench_fuzzer.c")
    (folder / "bench.h").write_text(header)
    (folder / "bench.c").write_text(source)
    columns, source = _driver(database)
    (folder / "driver.c").write_text(source)
    shared = folder / "driver.so"
    flags = [level, "-shared", "-fPIC", "-o", str(shared), str(folder / "driver.c")]
    subprocess.run([str(compiler()), *flags], check=True, capture_output=True)
    return GeneratedC(ctypes.CDLL(str(shared)), columns)


def _driver(database: Any) -> tuple[list[tuple[str, str]], str]:
    """One case per message; signals of all frames share their message's times, as they do in our table."""
    columns: list[tuple[str, str]] = []
    cases = []
    for message in database.messages:
        name = camel_to_snake_case(message.name)
        body = [f"struct bench_{name}_t m;", f"if (bench_{name}_unpack(&m, data + 8 * i, 8)) break;"]
        plain = [signal for signal in message.signals if not signal.multiplexer_ids]
        paged = [signal for signal in message.signals if signal.multiplexer_ids]
        clock = len(columns)
        body.append(f"size_t n = count[{clock}]++; times[{clock}][n] = time[i];")
        for signal in plain:
            body.append(f"values[{len(columns)}][n] = {_call(name, signal)};")
            columns.append((message.name, signal.name))
        for page in sorted({signal.multiplexer_ids[0] for signal in paged}):
            below = [signal for signal in paged if signal.multiplexer_ids == [page]]
            selector = camel_to_snake_case(below[0].multiplexer_signal)
            clock = len(columns)
            body.append(
                f"if (m.{selector} == {page}) {{ size_t k = count[{clock}]++; times[{clock}][k] = time[i];"
            )
            for signal in below:
                body.append(f"values[{len(columns)}][k] = {_call(name, signal)};")
                columns.append((message.name, signal.name))
            body.append("}")
        cases.append(f"case {message.frame_id}u: {{ {' '.join(body)} break; }}")
    head = '#include "bench.c"\nvoid drive(size_t frames, const uint32_t *id, const int64_t *time,'
    head += " const uint8_t *data, double **values, int64_t **times) {"
    loop = f"size_t count[{len(columns)}] = {{0}}; for (size_t i = 0; i < frames; i++) switch (id[i]) {{"
    return columns, "\n".join([head, loop, *cases, "} }"])


def _call(message: str, signal: Any) -> str:
    name = camel_to_snake_case(signal.name)
    return f"bench_{message}_{name}_decode(m.{name})"


def _pointers(arrays: list[npt.NDArray[Any]]) -> Any:
    return (ctypes.c_void_p * len(arrays))(*(array.ctypes.data for array in arrays))
