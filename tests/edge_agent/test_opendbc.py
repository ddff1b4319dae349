"""download-opendbc.sh over a repository that lies the way commaai/opendbc does; the network is not asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edge_agent.database import BUNDLED, read_database

PI = Path(__file__).parents[2] / "edge_agent" / "pi"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="there is no git")


@pytest.fixture
def download(tmp_path):
    origin = tmp_path / "origin"
    text = BUNDLED.read_text()
    for name in (
        "bmw_e9x.dbc",
        "toyota_generated.dbc",
        "generator/toyota/toyota.dbc",
        "generator/toyota/_common.dbc",
        "generator/honda/honda_civic.dbc",
    ):
        path = origin / "opendbc" / "dbc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        # Windows' line ends, and which file this is
        path.write_bytes(f'{text}CM_ "{name}";\n'.replace("\n", "\r\n").encode())
    civic = origin / "opendbc/dbc/generator/honda/honda_civic.dbc"
    civic.write_text(f'CM_ "IMPORT _common.dbc";\n{text}')
    git = ["git", "-C", origin, "-c", "user.name=t", "-c", "user.email=t@t"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *command], check=True)

    def run(*options, ok=True):
        where = ["--source", origin.as_uri(), "--cache", tmp_path / "cache" / "opendbc"]
        done = subprocess.run(
            [PI / "download-opendbc.sh", *where, *options],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_names_are_those_that_are_there(download):
    names = download("--list").split()
    assert names == ["bmw_e9x", "honda_civic", "toyota", "toyota_generated"]
    assert download("--list", "toy").split() == ["toyota", "toyota_generated"]
    assert "no database has 'tesla' in its name" in download("--list", "tesla", ok=False)


def test_a_copy_can_be_read_and_is_the_one_put_together(download, tmp_path):
    said = download("--copy", "toyota", "--into", tmp_path / "here")
    assert "toyota.dbc (5 messages)" in said
    copy = tmp_path / "here" / "toyota.dbc"
    assert b"\r" not in copy.read_bytes()
    assert 'CM_ "toyota_generated.dbc"' in copy.read_text()
    assert len(read_database(copy)[1].database.messages) == 5
    assert "there is no database 'toy'" in download("--copy", "toy", ok=False)


def test_one_that_needs_its_parts_says_so(download, tmp_path):
    assert "put together from parts" in download("--copy", "honda_civic.dbc", "--into", tmp_path)
