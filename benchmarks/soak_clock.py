"""A wall clock that can be set, for one process: a preloaded library adds to it what a file says.

The clocks that never step (monotonic, since the boot) stay as they are, as on a machine whose time is set.
"""

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Final

_VARIABLE: Final = "SOAK_CLOCK"
_SOURCE: Final = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *ahead;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("SOAK_CLOCK");
	int file = path ? open(path, O_RDONLY) : -1;
	void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
	if (found != MAP_FAILED)
		ahead = found;
}

int clock_gettime(clockid_t which, struct timespec *at)
{
	int result = syscall(SYS_clock_gettime, which, at);
	if (result == 0 && which == CLOCK_REALTIME && ahead)
		at->tv_sec += *ahead;
	return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;
	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now))
		return -1;
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *at)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}
"""


class SteppedClock:
    """The wall clock of every process that is started with `env`.

    Args:
        folder: Where library and file are made.

    Raises:
        OSError: There is no C compiler that makes such a library.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        compiler = shutil.which("cc")
        if compiler is None:
            raise OSError("no C compiler: the clocks of processes cannot be stepped")
        source, library = folder / "clock.c", folder / "clock.so"
        source.write_text(_SOURCE)
        done = subprocess.run(
            [compiler, "-O1", "-shared", "-fPIC", "-o", library, source],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise OSError(f"the clock cannot be compiled: {done.stderr[-500:]}")
        self._ahead = folder / "ahead"
        self._ahead.write_bytes(struct.pack("q", 0))
        self.env: Final = {"LD_PRELOAD": str(library), _VARIABLE: str(self._ahead)}

    def step(self, seconds: int) -> None:
        """Set the clock so many seconds ahead of the right time, or behind it."""
        with self._ahead.open("r+b") as file:
            file.write(struct.pack("q", seconds))
