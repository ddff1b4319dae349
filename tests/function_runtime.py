"""What Lambda does with a package, in small: run by a bare interpreter, it sees the package and nothing else.

python -I -S function_runtime.py PACKAGE MEMORY_MB THREADS ANSWERS MODULE   with one event per line on stdin
"""

import importlib
import json
import resource
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any


def main() -> None:
    package, memory_mb, threads, answers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    sys.path.insert(0, package)
    # the address space would count what libraries map and never touch; this counts what the process may write to
    resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
    begun, worked = time.perf_counter(), time.process_time()
    handler = importlib.import_module(sys.argv[5]).handler
    import_s, import_cpu_s = time.perf_counter() - begun, time.process_time() - worked
    events = [json.loads(line) for line in sys.stdin]
    all_here = threading.Barrier(min(threads, len(events)))

    def invoke(number: int) -> dict[str, Any]:
        if number < all_here.parties:
            all_here.wait()
        begun, worked = time.perf_counter(), time.process_time()
        try:
            answer = {"answer": handler(events[number], None)}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        spent = {"seconds": time.perf_counter() - begun, "cpu_s": time.process_time() - worked}
        return {**answer, **spent}

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(invoke, range(len(events))))
    Path(answers).write_text(
        json.dumps(
            {
                "answers": done,
                "import_s": import_s,
                "import_cpu_s": import_cpu_s,
                "peak_mb": peak_mb(),
                "modules": loaded(package),
                "strangers": strangers(package),
            }
        )
    )


def peak_mb() -> float:
    """The most memory that was resident at once, shared libraries included: what Lambda calls Max Memory Used."""
    status = Path("/proc/self/status").read_text()
    (kilobytes,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kilobytes) / 1024


def loaded(package: str) -> list[str]:
    """Files of the package that the function's modules came from, relative to it."""
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted(
        file.removeprefix(f"{package}/") for file in files if file and file.startswith(f"{package}/")
    )


def strangers(package: str) -> list[str]:
    """Modules that came neither from the package nor from the interpreter."""
    homes = (package, str(Path(json.__file__).parents[1]), __file__)
    files = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    return sorted(file for file in files if file and (not file.startswith(homes) or "site-packages" in file))


if __name__ == "__main__":
    main()
