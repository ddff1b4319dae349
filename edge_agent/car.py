"""The cars that drives are made of: what makes one unlike another. How one moves is `motion`'s business."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Car:
    """What makes one car unlike another. Masses in kg, capacities in Ah, resistances in ohm, temperatures in °C.

    `warmth` is what the motor kept from the drive before.
    """

    mass: float
    drag_area: float
    cells: int
    capacity: float
    resistance: float
    efficiency: float
    auxiliary_power: float
    ambient: float
    warmth: float
    start_soc: float
    spread: float
    eagerness: float
    cell_places: tuple[float, float, float]


def car_of(chance: np.random.Generator) -> Car:
    """A mid-size car, drawn by chance."""
    low, middle, high = (float(chance.uniform(*edges)) for edges in ((-0.5, -0.3), (-0.1, 0.15), (0.3, 0.5)))
    places = [low, middle, high]
    chance.shuffle(places)
    return Car(
        mass=float(chance.uniform(1750, 2250)),
        drag_area=float(chance.uniform(0.56, 0.72)),
        cells=int(chance.integers(168, 187)),
        capacity=float(chance.uniform(95, 135)),
        resistance=float(chance.uniform(0.10, 0.16)),
        efficiency=float(chance.uniform(0.93, 0.96)),
        auxiliary_power=float(chance.uniform(350, 1600)),
        ambient=float(chance.uniform(4, 30)),
        warmth=float(chance.uniform(2, 24)),
        start_soc=float(chance.uniform(0.62, 0.93)),
        spread=float(chance.uniform(6, 18)),
        eagerness=float(chance.uniform(0.7, 1.15)),
        cell_places=(places[0], places[1], places[2]),
    )
