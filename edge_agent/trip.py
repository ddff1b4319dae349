"""Where a driver goes: a trip as speeds that are held for a while. How a car follows is `motion`'s business."""

import numpy as np


def trip_of(chance: np.random.Generator) -> list[tuple[float, float]]:
    """One trip as (target speed in m/s, seconds): town, country road, motorway, town, a stop."""

    def stop(shortest: float, longest: float) -> tuple[float, float]:
        return 0.0, float(chance.uniform(shortest, longest))

    def town(blocks: int) -> list[tuple[float, float]]:
        legs: list[tuple[float, float]] = []
        for _ in range(blocks):
            legs.append((float(chance.uniform(7, 14.5)), float(chance.uniform(12, 35))))
            if chance.random() < 0.6:
                legs.append(stop(10, 28))
        return legs

    def road(pieces: int, slowest: float, fastest: float) -> list[tuple[float, float]]:
        return [
            (float(chance.uniform(slowest, fastest)), float(chance.uniform(15, 45))) for _ in range(pieces)
        ]

    return [
        stop(3, 8),
        *town(int(chance.integers(3, 7))),
        *road(int(chance.integers(2, 5)), 16, 27),
        *road(int(chance.integers(4, 10)), 29, 37),
        *road(int(chance.integers(1, 3)), 16, 25),
        *town(int(chance.integers(3, 6))),
        stop(25, 90),
    ]
