"""What a browser loads before it draws anything: the built files, compressed as servers send them."""

import gzip
from pathlib import Path

LIMIT = 250_000


def test_the_bundle_is_small(dashboard: Path) -> None:
    assets = [path for path in (dashboard / "assets").iterdir() if path.suffix in (".js", ".css")]
    assert {path.suffix for path in assets} == {".js", ".css"}
    sizes = {path.name: len(gzip.compress(path.read_bytes())) for path in assets}
    assert sum(sizes.values()) < LIMIT, sizes
