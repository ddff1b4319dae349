"""A believable drive of a battery-electric car: what its sensors would say at each instant.

No CAN, no clock, no disk. The car, its driver and its road follow from (vehicle id, seed) alone. How the car moves is
`motion`'s business.
"""

import hashlib
from collections import deque
from math import pi
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.car import car_of
from edge_agent.motion import COLUMNS, STEP_S, Motion
from edge_agent.noise import noise

STEP_NS: Final = round(STEP_S * 1_000_000_000)

_BLOCK: Final = 600  # steps that are integrated at once: one minute
_KEPT_BLOCKS: Final = 3


class Drive:
    """The drive of one car, from standstill at time zero.

    Asking in pieces gives the same as asking at once; going forward is cheap, going back starts over.

    Args:
        vehicle_id: Different vehicles have different cars, drivers and roads.
        seed: Another number is another drive of the same vehicle.
    """

    def __init__(self, vehicle_id: str, seed: int) -> None:
        identity = hashlib.sha256(f"{seed}:{vehicle_id}".encode()).digest()
        self._identity = int.from_bytes(identity[:8], "big")
        self.car = car_of(np.random.default_rng(self._identity))
        self._restart()

    def sample(self, elapsed_ns: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float64]]:
        """What the sensors say.

        Args:
            elapsed_ns: Instants in nanoseconds since the drive's start, ascending, none below 0.

        Returns:
            Physical values by signal name of the ev_powertrain database, in its units, as float64.
        """
        if len(elapsed_ns) == 0:
            return self._signals(elapsed_ns, {name: np.empty(0) for name in COLUMNS})
        first, last = int(elapsed_ns[0]) // STEP_NS, int(elapsed_ns[-1]) // STEP_NS + 1
        if first < self._first_kept:
            self._restart()
        # what this request does not reach may be forgotten, but for a little before it
        while self._steps <= last:
            self._blocks.append(self._integrate())
            while len(self._blocks) > _KEPT_BLOCKS and self._first_kept + 2 * _BLOCK <= first:
                self._blocks.popleft()
                self._first_kept += _BLOCK
        rows = np.concatenate(self._blocks)
        step = elapsed_ns // STEP_NS
        before = rows[step - self._first_kept]
        after = rows[step - self._first_kept + 1]
        # from whole numbers only, so that the last bit does not depend on which blocks are kept
        between = before + (after - before) * ((elapsed_ns % STEP_NS) / STEP_NS)[:, np.newaxis]
        return self._signals(elapsed_ns, dict(zip(COLUMNS, between.T, strict=True)))

    def _restart(self) -> None:
        self._motion = Motion(self.car, np.random.default_rng(self._identity + 1))
        self._blocks: deque[npt.NDArray[np.float64]] = deque()
        self._first_kept = self._steps = 0

    def _signals(
        self, elapsed_ns: npt.NDArray[np.int64], at: dict[str, npt.NDArray[np.float64]]
    ) -> dict[str, npt.NDArray[np.float64]]:
        """Sensor readings for the state at the given instants: derived values, spread and noise."""

        def jitter(name: str, size: float) -> npt.NDArray[np.float64]:
            return size * noise(f"{self._identity}:{name}", elapsed_ns)

        rpm = np.abs(at["rpm"]) + jitter("rpm", 1.0) * (at["rpm"] > 1)
        torque = np.abs(at["torque"]) * (1 + jitter("torque", 0.002))
        delta = at["delta"] * (1 + jitter("delta", 0.03))
        mean_cell = at["voltage"] / self.car.cells
        cells = {
            f"Cell_{number}_Voltage": mean_cell + place * delta / 1000 + jitter(f"cell{number}", 0.0007)
            for number, place in enumerate(self.car.cell_places, start=1)
        }
        return cells | {
            "Cell_Delta_mV": delta,
            "Pack_Voltage": at["voltage"] + jitter("voltage", 0.15),
            "Pack_Current": at["current"] + jitter("current", 0.25),
            "Pack_SOC": at["soc"] * 100,
            "Motor_RPM": rpm,
            "Motor_Torque": torque,
            "Motor_Power": torque * rpm * (2 * pi / 60) / 1000,
            "Stator_Temp": at["stator"],
            "Rotor_Temp": at["rotor"],
            "Bearing_Temp": at["bearing"],
            "Coolant_Inlet": at["inlet"] + jitter("inlet", 0.1),
            "Coolant_Outlet": at["outlet"] + jitter("outlet", 0.1),
            "Flow_Rate": at["flow"] * (1 + jitter("flow", 0.01)),
            "Pump_Duty": at["duty"],
        }

    def _integrate(self) -> npt.NDArray[np.float64]:
        """The next block of steps, float64 of shape (600, columns)."""
        self._steps += _BLOCK
        return np.array([self._motion.step() for _ in range(_BLOCK)])
