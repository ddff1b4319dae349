"""`python -m tests.e2e.read_only`: Dagster's processes as their containers have it, with nothing to write to but /tmp.

As root, for it mounts: every file system is read-only for the processes, /tmp is an empty one of their own, the user has
no name. Books are a PostgreSQL with TLS whose certificate is compared, the lake is moto's. It takes minutes, so no test of
the suite runs it. What it leaves out is the launcher: a run is a process beside its code server here, not a task.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import yaml

from telemetry_pipeline.lake.store import Store
from tests import postgres
from tests.edge_agent.credential_server import Authority
from tests.moto_server import make_landing, moto_running
from tests.servers import ended, free_port, wait_for_http, wait_until

ROOT: Final = Path(__file__).parents[2]
BIN: Final = Path(sys.executable).parent
INSTANCE: Final = ROOT / "deploy" / "instance"
LOGS: Final = "logs"
DEADLINE_S: Final = 900.0

_MOUNTS: Final = r"""
set -e
python=$1; shift
case "$python" in /root/*)
  # an interpreter in root's own home, which nobody else enters: nothing but it is in a home of the processes' own
  mount --bind "$python" /mnt
  mount -t tmpfs -o mode=755 home /root
  mkdir -p "$python"
  mount --bind /mnt "$python"
  mount -o remount,ro /root
esac
findmnt -rno TARGET,FSTYPE | while read -r target kind; do
  case "$kind" in proc|sysfs|devpts|mqueue|cgroup*|tmpfs|devtmpfs) continue ;; esac
  mount -o remount,bind,ro "$(printf '%b' "$target")"
done
mount -t tmpfs -o mode=1777,size=2g scratch /tmp
cd /tmp
exec setpriv --reuid=10001 --regid=10001 --clear-groups --no-new-privs --bounding-set=-all -- "$@"
"""


def inside(command: Sequence[str]) -> list[str]:
    """A command as a container without anything to write to but /tmp runs it."""
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        _MOUNTS,
        "sh",
        sys.base_prefix,
        *command,
    ]


def home_in(folder: Path) -> Path:
    """DAGSTER_HOME with the instance of ECS, its runs as processes of the code server."""
    home = folder / "home"
    home.mkdir()
    instance = yaml.safe_load((INSTANCE / "ecs.yaml").read_text())
    del instance["run_launcher"]
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    return home


@contextmanager
def room(folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Everything but Dagster, and what makes a process part of it; the folder of logs."""
    authority = Authority(folder / "authority")
    with ExitStack() as stack:
        aws = stack.enter_context(moto_running(folder))
        os.environ.update(aws.env())
        landing = make_landing(aws)
        aws.client("s3").create_bucket(Bucket=LOGS)
        url = stack.enter_context(postgres.running(authority.issue("database")))
        yield (
            {
                "PATH": os.environ["PATH"],
                "HOME": "/nonexistent",
                **aws.env(),
                "DAGSTER_HOME": str(home_in(folder)),
                "DAGSTER_POSTGRES_URL": f"{url}?sslmode=verify-full&sslrootcert={authority.ca}",
                "DAGSTER_CODE_HOST": "127.0.0.1",
                "DAGSTER_CODE_PORT": str(free_port()),
                "DAGSTER_LOG_BUCKET": LOGS,
                "TELEMETRY_LAKE": landing.store.url,
                "TELEMETRY_INBOX_QUEUE": landing.queue_url,
            },
            folder,
        )


def main() -> int:
    """0 when frames that landed are decoded, and no process was refused a file."""
    if os.geteuid() != 0:
        sys.stderr.write("mounting is root's: sudo python -m tests.e2e.read_only\n")
        return 2
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="read-only-", dir="/var/tmp")))
        folder.chmod(0o755)
        env, logs = stack.enter_context(room(folder))
        refused = subprocess.run(
            inside(["sh", "-c", "touch /var/tmp/x; touch /opt/x; touch $DAGSTER_HOME/x; touch /tmp/x && echo written"]),
            env=env, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert refused.stdout == "written\n", refused
        assert refused.stderr.count("Read-only file system") == 3, refused
        port = free_port()
        workspace = ["-w", str(INSTANCE / "workspace.yaml")]
        code = ["api", "grpc", "-h", "127.0.0.1", "-p", env["DAGSTER_CODE_PORT"], "-m"]
        commands = {
            "code": ["dagster", *code, "telemetry_pipeline.definitions"],
            "daemon": ["dagster-daemon", "run", *workspace],
            "webserver": ["dagster-webserver", *workspace, "-h", "127.0.0.1", "-p", str(port)],
        }
        subprocess.run(
            inside([str(BIN / "dagster"), "instance", "migrate"]), env=env, timeout=600, check=True
        )
        for name, (program, *rest) in commands.items():
            log = stack.enter_context((logs / f"{name}.log").open("wb"))
            process = subprocess.Popen(
                inside([str(BIN / program), *rest]), env=env, stdout=log, stderr=log, start_new_session=True
            )
            stack.enter_context(ended(process))
        wait_for_http(f"http://127.0.0.1:{port}/server_info", process, log=logs / "webserver.log")
        for words in (
            ("dbc", "add", str(ROOT / "dbc" / "ev_powertrain.dbc")),
            ("simulate", "--vehicle", "EV_1", "--start", "2026-02-23T12:00:00Z", "--duration", "1m"),
        ):
            subprocess.run([BIN / "telemetry", *words], env=env, timeout=600, check=True)
        found = decoded(env)
        said = "".join((logs / f"{name}.log").read_text() for name in commands)
        complaints = re.findall(r".*(?:Read-only file system|Permission denied|Errno 30|Errno 13).*", said)
        sys.stdout.write(
            f"{found} objects decoded, {len(complaints)} complaints\n" + "\n".join(complaints[:20])
        )
        if not found:
            sys.stdout.write(said[-6000:])
        return 0 if found and not complaints else 1


def decoded(env: dict[str, str]) -> int:
    """How many objects are decoded, once all that landed are; 0 when they were not in time."""
    store = Store.open(env["TELEMETRY_LAKE"], endpoint_url=env["AWS_ENDPOINT_URL"], credentials="environment")

    def all_of_them() -> int:
        landed, done = (
            sum(info.key.endswith(".parquet") for info in store.list_objects(zone))
            for zone in ("raw/", "decoded/")
        )
        return done if done == landed else 0

    try:
        return int(wait_until(all_of_them, "what landed to be decoded", seconds=DEADLINE_S, pause=1.0))
    except AssertionError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
