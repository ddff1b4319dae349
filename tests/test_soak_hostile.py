"""The hostile objects of a soak: without end, damaged, and the same ones again from the same seed."""

from itertools import islice
from random import Random

from benchmarks import soak_hostile
from telemetry_pipeline.lake import parquet
from tests.fuzz.parquet_target import frames


def test_they_never_end_and_hardly_one_is_sound() -> None:
    sound = parquet.write_raw(frames(Random(1), 100))
    bodies = list(islice(soak_hostile.hostile_bodies(Random(2), sound), 200))
    assert len(bodies) == 200
    assert sum(body != sound for body in bodies) > 150


def test_a_seed_gives_the_same_ones_again() -> None:
    sound = parquet.write_raw(frames(Random(1), 100))
    first, again = (list(islice(soak_hostile.hostile_bodies(Random(7), sound), 50)) for _ in range(2))
    assert first == again
