"""Objects that are wrong in some way, without end: what somebody else's uploader, disk or network may land in a lake."""

from collections.abc import Iterator
from random import Random
from typing import Final

from tests.corpus import CORPUS
from tests.fuzz import damage, parquet_file

LARGEST: Final = 1 << 20


def hostile_bodies(random: Random, sound: bytes) -> Iterator[bytes]:
    """The corpus' hostile raw objects, where it lies beside the project, in turns with a sound one that was damaged.

    Args:
        random: The same damage again.
        sound: A raw object.
    """
    wounds = (damage.damaged, parquet_file.damaged_footer, parquet_file.damaged_page)
    recorded = (
        path
        for path in sorted((CORPUS / "hostile").glob("*/raw/**/*.parquet"))
        if path.stat().st_size < LARGEST
    )
    while True:
        body = next(recorded, None)
        if body is not None:
            yield body.read_bytes()
        yield random.choice(wounds)(random, sound)
