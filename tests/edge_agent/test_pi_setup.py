"""rpi-setup.sh, run for real into a folder: what it writes, that it may be run again, and that it can be undone."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from edge_agent.config import AgentConfig

ROOT = Path(__file__).parents[2]
PI = ROOT / "edge_agent" / "pi"
HATS = sorted(path.stem for path in (PI / "hats").glob("*.hat"))
BOOT = "boot/firmware/config.txt"
FACTORY = "# For more options see the documentation\n[pi4]\narm_boost=1\n"

pytestmark = pytest.mark.skipif(not shutil.which("systemd-sysusers"), reason="there is no systemd-sysusers")


@pytest.fixture
def pi(tmp_path):
    """The root of a Pi's system, as far as the script looks at it."""
    root = tmp_path / "pi"
    (root / "boot" / "firmware").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / BOOT).write_text(FACTORY)
    (root / "etc" / "hostname").write_text("van 7\n")
    return root


@pytest.fixture
def setup(tmp_path, pi):
    """Runs the script as a release has it: beside the package, without a source tree to install."""
    place = tmp_path / "site-packages" / "edge_agent"
    shutil.copytree(PI, place / "pi")
    shutil.copytree(PI.parent / "systemd", place / "systemd")
    return lambda *options, **kwargs: run(place / "pi", "--root", pi, *options, **kwargs)


def run(folder, *options, ok=True, env=None):
    done = subprocess.run(
        [folder / "rpi-setup.sh", *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **(env or {})},
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def tree(root):
    """Every file with its mode and its bytes; what systemd-sysusers locks apart."""
    return {
        str(path.relative_to(root)): (path.lstat().st_mode, path.is_file() and path.read_bytes())
        for path in root.rglob("*")
        if path.name != ".pwd.lock"
    }


@pytest.mark.parametrize("hat", HATS)
def test_every_adapter_is_set_up_once(setup, pi, hat):
    said = setup("--hat-type", hat)
    assert "wrote     /etc/telemetry-agent/config.yaml" in said
    before = tree(pi)
    again = setup("--hat-type", hat)
    assert "wrote" not in again
    assert tree(pi) == before
    lines = (pi / BOOT).read_text().splitlines()
    overlays = [line for line in lines if line.startswith("dtoverlay=")]
    assert len(overlays) == len(set(overlays)) == (0 if hat == "innomaker" else 1)
    if overlays:
        # whatever section the file ended in, ours is for every model
        assert lines.index("[pi4]") < lines.index("[all]") < lines.index(overlays[0])
        assert (pi / f"{BOOT}.before-telemetry-agent").read_text() == FACTORY
    channels = AgentConfig.read(pi / "etc/telemetry-agent/config.yaml", {}, {}).channels
    networks = sorted((pi / "etc/systemd/network").glob("*.network"))
    assert [f"60-telemetry-{name}.network" for name in channels] == [path.name for path in networks]
    for path in networks:
        assert "ListenOnly=yes" in path.read_text()
        assert "BitRate=500000" in path.read_text()


def test_the_overlays_are_those_of_the_boards(setup, pi):
    setup("--hat-type", "waveshare", "--oscillator", "8000000", "--bitrate", "250000")
    overlay = "dtoverlay=mcp2515-can0,oscillator=8000000,interrupt=25,spimaxfrequency=2000000"
    assert overlay in (pi / BOOT).read_text().splitlines()
    assert "dtparam=spi=on" in (pi / BOOT).read_text().splitlines()
    assert "BitRate=250000" in (pi / "etc/systemd/network/60-telemetry-can0.network").read_text()
    setup("--hat-type", "seeed-2ch", "--canfd", "--data-bitrate", "4000000")
    lines = (pi / BOOT).read_text().splitlines()
    assert overlay not in lines
    assert "dtoverlay=seeed-can-fd-hat-v2" in lines
    folder = pi / "etc/systemd/network"
    assert sorted(path.name for path in folder.iterdir()) == [
        f"60-telemetry-canfd{number}.{kind}" for number in (0, 1) for kind in ("link", "network")
    ]
    # by the place on the bus: the kernel numbers them in whatever order they answer
    assert "Path=*spi*-cs-1" in (folder / "60-telemetry-canfd1.link").read_text()
    assert "FDMode=yes\nDataBitRate=4000000\n" in (folder / "60-telemetry-canfd1.network").read_text()
    setup("--hat-type", "innomaker")
    assert (pi / BOOT).read_text() == FACTORY


def test_an_older_system_has_its_boot_file_elsewhere_and_another_machine_none(setup, pi):
    (pi / BOOT).rename(pi / "boot/config.txt")
    setup("--hat-type", "waveshare")
    assert "dtoverlay=mcp2515-can0" in (pi / "boot/config.txt").read_text()
    (pi / "boot/config.txt").unlink()
    assert "no Raspberry Pi" in setup("--hat-type", "waveshare")


def test_a_line_of_ones_own_is_not_loaded_twice(setup, pi):
    (pi / BOOT).write_text(f"{FACTORY}dtoverlay=mcp2515-can0,oscillator=16000000,interrupt=25\n")
    before = tree(pi)
    said = setup("--hat-type", "waveshare", ok=False)
    assert "config.txt loads mcp2515-can0 already: 4:dtoverlay" in said
    assert tree(pi) == before


def test_a_dry_run_writes_nothing(setup, pi):
    before = tree(pi)
    said = setup("--hat-type", "seeed-2ch", "--from", ROOT, "--dry-run")
    assert f"would write /{BOOT}" in said
    assert f"would install {ROOT}" in said
    assert tree(pi) == before


def test_settings_of_ones_own_stay(setup, pi):
    setup("--vehicle", "VAN_7", "--lake", "s3://fleet/lake")
    config = AgentConfig.read(pi / "etc/telemetry-agent/config.yaml", {}, {})
    assert (config.vehicle_id, config.lake, config.channel) == ("VAN_7", "s3://fleet/lake", "can0")
    assert not (pi / "etc/systemd/network").exists()
    said = setup("--vehicle", "OTHER", "--hat-type", "seeed-2ch")
    assert AgentConfig.read(pi / "etc/telemetry-agent/config.yaml", {}, {}) == config
    assert 'its channel is not the adapter\'s: channel: "canfd0,canfd1"' in said


def test_a_vehicle_is_named_after_its_machine(setup, pi):
    setup()
    assert AgentConfig.read(pi / "etc/telemetry-agent/config.yaml", {}, {}).vehicle_id == "van-7"


@pytest.mark.skipif(os.geteuid() != 0, reason="files are given to another user")
def test_only_root_and_the_agent_read_the_settings(setup, pi):
    setup()
    entry = next(
        line for line in (pi / "etc/group").read_text().splitlines() if line.startswith("telemetry-agent:")
    )
    for name in ("config.yaml", "environment"):
        found = (pi / "etc/telemetry-agent" / name).stat()
        assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == (0o640, 0, int(entry.split(":")[2]))
    assert (pi / "etc/telemetry-agent").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--hat-type", "waveshare2"], "there is no adapter 'waveshare2'"),
        (["--hat-type", "waveshare", "--canfd"], "has no CAN FD"),
        (["--bitrate", "500k"], "500k is no number"),
        (["--bitrate", "5000000"], "no CAN bus has 5000000 bit/s"),
        (["--vehicle", "../x"], "'../x' is no vehicle id"),
        (["--lake", "/data"], "'/data' is no lake"),
        (["--lake", "s3://bucket/a&b"], "'s3://bucket/a&b' is no lake"),
        (["--lake", "s3://bucket/a|b"], "'s3://bucket/a|b' is no lake"),
        (["--hat"], "there is no option --hat"),
        (["--hat-type"], "--hat-type needs a value"),
        (["rollback"], "there is no option rollback"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(setup, pi, options, says):
    before = tree(pi)
    said = setup(*options, ok=False)
    assert says in said
    assert len(said.splitlines()) == 2, "what is wrong, and what to do"
    assert tree(pi) == before


def test_another_adapter_is_a_file(setup, pi, tmp_path):
    file = tmp_path / "my.hat"
    file.write_text(
        "title My board\nboot dtoverlay=mcp251xfd,spi0-0,interrupt={interrupt}\ninterrupt 23\nchannel can0\n"
    )
    setup("--hat-type", file)
    assert "dtoverlay=mcp251xfd,spi0-0,interrupt=23" in (pi / BOOT).read_text()
    file.write_text("chanel can0\n")
    assert "there is no 'chanel'" in setup("--hat-type", file, ok=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        folder,
        ROOT,
    ]
    subprocess.run(command, check=True, timeout=300)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.slow
def test_a_release_is_installed_replaced_rolled_back_and_taken_off(pi, wheel):
    # the packages that ours needs are this environment's: no test fetches any
    env = {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PYTHON": sys.executable,
        "PYTHONPATH": sysconfig.get_paths()["purelib"],
    }

    def setup(*options, **kwargs):
        return run(PI, *options, "--root", pi, env=env, **kwargs)

    link = pi / "opt" / "can-telemetry"
    setup("--from", wheel, "--vehicle", "VAN_7")
    first = link.readlink()
    assert "unchanged /opt/can-telemetry" in setup("--from", wheel)
    enabled = pi / "etc/systemd/system/multi-user.target.wants/telemetry-agent.service"
    assert enabled.is_symlink()
    script = (pi / "usr/local/sbin/can-diagnostics.sh").readlink()
    assert os.access(pi / script.relative_to("/"), os.X_OK)

    # one that does not run is not switched to
    broken = wheel.with_name("other") / wheel.name
    broken.parent.mkdir(exist_ok=True)
    shutil.copy(wheel, broken)
    with broken.open("ab") as file:
        file.write(b"\0")  # other bytes, the same archive
    said = run(PI, "--root", pi, "--from", broken, env={**env, "AGENT_WINDOW_SECONDS": "no number"}, ok=False)
    assert "the new release does not run; the agent that was there is untouched" in said
    assert link.readlink() == first

    setup("--from", broken)
    second = link.readlink()
    assert second != first
    setup("rollback")
    assert link.readlink() == first
    agent = subprocess.run([link / "bin" / "edge-agent", "--help"], env={**os.environ, **env}, check=False)
    assert agent.returncode == 0

    frames = pi / "var/lib/telemetry-agent/spool"
    frames.mkdir(parents=True)
    setup("uninstall")
    assert not link.exists()
    assert not enabled.is_symlink()
    assert frames.exists()
    assert (pi / "etc/telemetry-agent/config.yaml").exists()
    setup("uninstall", "--purge")
    assert not frames.exists()
    assert not (pi / "etc/telemetry-agent").exists()
    assert (pi / BOOT).read_text() == FACTORY
