"""can-diagnostics.sh: its verdicts, and that no credential gets into what it collects."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

PI = Path(__file__).parents[2] / "edge_agent" / "pi"
# pieces, so that no file of the project looks like it held one
KEY = "AK" + "IA" + "Q7EXAMPLE4TESTS1"
SECRETS = {
    "a key": KEY,
    "a key of a session": "AS" + "IA" + "Q7EXAMPLE4TESTS1",
    "a secret key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "a session token": "FwoGZXIvYXdzEBYaDkV4YW1wbGVUb2tlbg",
    "a password in an address": "hunter2",
    "a signature": "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
    "a private key": "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
    "a passphrase": "correct horse battery staple",
    "an old password": "swordfish",
}


@pytest.fixture
def pi(tmp_path):
    """The files of a system with a credential wherever one could have strayed."""
    root = tmp_path / "pi"
    for folder in ("etc/telemetry-agent", "boot/firmware", "var/log", "etc/systemd/network"):
        (root / folder).mkdir(parents=True)
    (root / "etc/os-release").write_text('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n')
    (root / "boot/firmware/config.txt").write_text("[all]\ndtoverlay=mcp2515-can0,interrupt=25\n")
    (root / "etc/telemetry-agent/config.yaml").write_text(
        "vehicle_id: VAN_7\nlake: s3://fleet/lake\n"
        f"endpoint_url: http://admin:{SECRETS['a password in an address']}@laptop:8333\n"
        f"key_passphrase: {SECRETS['a passphrase']}\n"
        'channel: "can7"\n'
    )
    (root / "etc/telemetry-agent/environment").write_text(
        f"AWS_REGION=eu-central-1\nAWS_ACCESS_KEY_ID={SECRETS['a key']}\n"
        f"AWS_SECRET_ACCESS_KEY={SECRETS['a secret key']}\n"
        f"#OLD={SECRETS['an old password']}\n"
    )
    (root / "var/log/telemetry-agent.log").write_text(
        f"INFO credentials of {SECRETS['a key of a session']}\n"
        f'{{"SessionToken": "{SECRETS["a session token"]}", "SecretAccessKey":"{SECRETS["a secret key"]}"}}\n'
        f"GET /fleet/lake?X-Amz-Signature={SECRETS['a signature']}&x-id=PutObject\n"
        f"key {SECRETS['a secret key']} refused\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={SECRETS['a key']}/20261122, "
        f"Signature={SECRETS['a signature']}\n"
        "-----BEGIN " + f"PRIVATE KEY-----\n{SECRETS['a private key']}\n-----END " + "PRIVATE KEY-----\n"
        "INFO the last line\n"
    )
    return root


def diagnose(*options, ok):
    done = subprocess.run(
        [PI / "can-diagnostics.sh", *map(str, options)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode == 0) is ok, done.stdout + done.stderr
    return done


def test_every_check_is_made_whatever_the_first_ones_say(pi):
    done = diagnose("--root", pi, ok=False)
    lines = done.stdout.splitlines()
    failed = [line for line in lines if line.startswith("FAIL")]
    assert any("there is no such interface" in line for line in failed)
    assert any(line.startswith("pass  boot") and "mcp2515-can0" in line for line in lines)
    passed = sum(line.startswith("pass") for line in lines)
    assert lines[-1] == f"{passed} passed, {len(failed)} failed"
    assert done.stderr == ""
    # each failure says what to do
    for line in failed:
        assert lines[lines.index(line) + 1].startswith(" " * 17)


def test_the_bundle_has_what_helps_and_no_credential(pi, tmp_path):
    bundle = tmp_path / "bundle.tar.gz"
    diagnose("--root", pi, "--bundle", bundle, ok=True)
    assert bundle.stat().st_mode & 0o777 == 0o600
    with tarfile.open(bundle) as archive:
        files = {
            member.name.rpartition("/")[2]: archive.extractfile(member).read().decode()
            for member in archive.getmembers()
            if member.isfile()
        }
    assert {"checks.txt", "settings.txt", "service.txt", "can.txt", "system.txt", "agent.txt"} == set(files)
    everything = "\n".join(files.values())
    assert {what for what, secret in SECRETS.items() if secret in everything} == set()
    settings, service = files["settings.txt"], files["service.txt"]
    assert "vehicle_id: VAN_7" in settings
    assert "AWS_SECRET_ACCESS_KEY=[removed]" in settings
    assert "endpoint_url: http://[removed]@laptop:8333" in settings
    assert "dtoverlay=mcp2515-can0,interrupt=25" in settings
    assert "&x-id=PutObject" in service
    assert "INFO the last line" in service
    assert "there is no such interface" in files["checks.txt"]


def test_what_it_looks_for_was_there(pi):
    written = "".join(path.read_text() for path in pi.rglob("*") if path.is_file())
    assert all(secret in written for secret in SECRETS.values())


def test_nothing_is_left_of_it(pi, tmp_path):
    place = tmp_path / "tmp"
    place.mkdir()
    subprocess.run(
        [PI / "can-diagnostics.sh", "--root", pi, "--bundle", tmp_path / "b.tar.gz"],
        env={**os.environ, "TMPDIR": str(place)},
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert list(place.iterdir()) == []
