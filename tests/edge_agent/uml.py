"""A second Linux kernel in a process, for what this one cannot or must not do: CAN, clock steps, power cuts.

User-Mode Linux boots in a few seconds on this machine's own files; its kernel, clock, network and processes are its
own. Needs Debian's user-mode-linux, iproute2 and kmod, and a C compiler (`scripts/need-uml` installs them).
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SHIM = Path(__file__).with_name("uml_shim.c")
MODULES = (*("net/can/can", "net/can/can-raw", "drivers/net/can/dev/can-dev", "drivers/net/can/vcan"),)
BOOT_S = 120

INIT = """#!/bin/bash
export PATH="$PATH:/usr/sbin:/usr/bin:/sbin:/bin" TMPDIR=/run HOME=/run LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t tmpfs -o size=300m tmpfs /run
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs tmpfs /dev/shm
[ -e /dev/fd ] || ln -s /proc/self/fd /dev/fd
ip link set lo up
for module in {modules}; do insmod /usr/lib/uml/modules/$(uname -r)/kernel/$module.ko; done
for bus in vcan0 vcan1; do ip link add dev $bus type vcan && ip link set $bus mtu 72 up; done
cd {project}
echo booted > {place}/booted
{command} </dev/null >{place}/out 2>&1
echo $? > {place}/code.new; sync; mv {place}/code.new {place}/code; sync
poweroff -f
"""


@cache
def missing() -> str:
    """What of it this machine lacks; nothing if it can boot."""
    programs = ("linux.uml", "ip", "insmod", "cc", "mkfs.ext4")
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    lacks = [program for program in programs if not shutil.which(program, path=path)]
    if os.geteuid() != 0:
        lacks.append("root, as whom the guest reads this machine's files")
    return f"there is no {', '.join(lacks)} (scripts/need-uml installs them)" if lacks else ""


def ext4(image: Path, megabytes: int) -> Path:
    """A file with an empty ext4 file system, which a guest has as /dev/ubda."""
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    program = shutil.which("mkfs.ext4", path="/sbin:/usr/sbin") or "mkfs.ext4"
    subprocess.run([program, "-q", "-E", "lazy_itable_init=0", image], check=True)
    return image


@contextmanager
def guest(command: Sequence[str], *, image: Path | None = None, memory: str = "640M") -> Iterator["Guest"]:
    """Boot and run a command as root in the project's folder; whatever is left of it ends with the block."""
    with tempfile.TemporaryDirectory(prefix="uml-") as name:
        place = Path(name)
        shim = place / "shim.so"
        subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", shim, SHIM, "-ldl"], check=True)
        init = place / "init"
        init.write_text(
            INIT.format(
                modules=" ".join(MODULES), project=PROJECT, place=place, command=shlex.join(map(str, command))
            )
        )
        init.chmod(0o755)
        disk = [f"ubd0={image}"] if image else []
        options = [
            "root=/dev/root",
            "rootfstype=hostfs",
            "rw",
            f"init={init}",
            "quiet",
            "con=null",
            "con0=null,fd:1",
        ]
        process = subprocess.Popen(
            ["linux.uml", f"mem={memory}", f"umid={place.name}", f"uml_dir={place}/", *disk, *options],
            env={"PATH": os.environ["PATH"], "LD_PRELOAD": str(shim), "TMPDIR": "/dev/shm"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,  # a console must be something that can be polled
            stderr=subprocess.STDOUT,
            start_new_session=True,  # its helpers are ended with it
        )
        running = Guest(process, place)
        try:
            yield running
        finally:
            running.cut_power()


class Guest:
    """A guest that runs.

    Args:
        process: Its kernel.
        place: Where it leaves what its command says.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", place: Path) -> None:
        self._process = process
        self._place = place

    @property
    def output(self) -> str:
        """What the command has said so far."""
        out = self._place / "out"
        return out.read_text(errors="replace") if out.exists() else ""

    def cut_power(self) -> None:
        """End the kernel and everything in it at once, as if its power was cut."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()

    def wait(self, seconds: float) -> int:
        """Wait for the command's end; its exit code.

        Raises:
            AssertionError: It does not end, or the guest does not boot.
        """
        try:
            console, _ = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise AssertionError(f"the guest runs for more than {seconds} s: {self.output}") from error
        code = self._place / "code"
        assert code.exists(), f"the guest ended by itself: {console.decode(errors='replace')}{self.output}"
        return int(code.read_text())

    def wait_for(self, text: str, seconds: float = BOOT_S) -> None:
        """Wait until the command has said something."""
        deadline = time.monotonic() + seconds
        while text not in self.output:
            assert self._process.poll() is None, f"the guest has ended: {self.output}"
            assert time.monotonic() < deadline, f"{text!r} was not said: {self.output}"
            time.sleep(0.05)
