"""`python -m tests.edge_agent.service`: the installer and the unit under a real systemd, in a kernel with buses.

Takes a minute of both cores, so it is a command of its own; what is done is in `service_scene.sh`.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from tests.edge_agent.uml import PROJECT, guest, missing

HERE = Path(__file__).parent


def main() -> int:
    """Say what was seen; 0 if all of it was as it should be."""
    if lacks := missing():
        sys.exit(f"This machine cannot boot the guest: {lacks}")
    with tempfile.TemporaryDirectory() as name:
        wheels, out = Path(name, "wheels"), Path(name, "out")
        out.mkdir()
        build = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, PROJECT]
        subprocess.run([sys.executable, *build], check=True)
        # the service sees no home folder, in which this interpreter and its packages may be
        binds = {
            sys.base_prefix: "/opt/python",
            sysconfig.get_paths()["purelib"]: "/opt/deps",
            wheels: "/opt/wheel",
            PROJECT / "edge_agent": "/opt/agent",
        }
        pairs = [f"{source}:{target}" for source, target in binds.items()]
        scene = HERE / "service_scene.sh"
        with guest([str(HERE / "uml_systemd.sh"), str(scene), str(out), *pairs], memory="768M") as running:
            code = running.wait(1200)
            said = out / "said"
            sys.stdout.write(said.read_text() if said.exists() else running.output)
    return code


if __name__ == "__main__":
    sys.exit(main())
