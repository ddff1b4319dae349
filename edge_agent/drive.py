"""A believable drive of a battery-electric car: what its sensors would say at each instant.

Physics only: no CAN, no clock, no disk. The car, its driver and its road follow from (vehicle id, seed) alone.

The car is a point mass on a hilly road (drag, rolling resistance, slope), driven by one motor behind a fixed
gear from one pack (open-circuit voltage by state of charge, ohmic and one slow relaxation term). Heat flows
from the losses into stator, rotor, bearing and coolant as first-order lags. The equations are those of any
vehicle dynamics textbook; constants are those of a mid-size car.
"""

import hashlib
from collections import deque
from dataclasses import dataclass
from math import exp, pi, sin, sqrt
from typing import Final

import numpy as np
import numpy.typing as npt

from edge_agent.noise import noise

STEP_S: Final = 0.1
STEP_NS: Final = 100_000_000
_BLOCK: Final = 600  # steps that are integrated at once: one minute
_KEPT_BLOCKS: Final = 3

_GRAVITY: Final = 9.81
_AIR: Final = 1.2
_WHEEL_RADIUS: Final = 0.33
_GEAR: Final = 9.0
_MAX_TORQUE: Final = 340.0
_MAX_POWER: Final = 200_000.0
_MAX_REGEN_TORQUE: Final = 180.0
_MAX_REGEN_POWER: Final = 75_000.0
_LOW_SOC: Final = 0.08
_CHARGED_SOC: Final = 0.80
_CHARGE_POWER: Final = 95_000.0

_COLUMNS: Final = (
    "rpm", "torque", "voltage", "current", "soc", "delta",
    "stator", "rotor", "bearing", "inlet", "outlet", "flow", "duty",
)  # fmt: skip


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


@dataclass
class _State:
    step: int = 0
    speed: float = 0.0
    acceleration: float = 0.0
    position: float = 0.0
    soc: float = 0.0
    relaxation: float = 0.0
    stator: float = 0.0
    rotor: float = 0.0
    bearing: float = 0.0
    inlet: float = 0.0
    outlet: float = 0.0
    duty: float = 15.0
    target: float = 0.0
    phase_left: float = 0.0
    charging: bool = False


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
        self.car = _car_of(np.random.default_rng(self._identity))
        self._restart()

    def sample(self, elapsed_ns: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.float64]]:
        """What the sensors say.

        Args:
            elapsed_ns: Instants in nanoseconds since the drive's start, ascending, none below 0.

        Returns:
            Physical values by signal name of the ev_powertrain database, in its units, as float64.
        """
        if len(elapsed_ns) == 0:
            return self._signals(elapsed_ns, {name: np.empty(0) for name in _COLUMNS})
        first, last = int(elapsed_ns[0]) // STEP_NS, int(elapsed_ns[-1]) // STEP_NS + 1
        if first < self._first_kept:
            self._restart()
        # what this request does not reach may be forgotten, but for a little before it
        while self._state.step <= last:
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
        return self._signals(elapsed_ns, dict(zip(_COLUMNS, between.T, strict=True)))

    def _restart(self) -> None:
        car = self.car
        self._choices = np.random.default_rng(self._identity + 1)
        self._plan: deque[tuple[float, float]] = deque()
        self._blocks: deque[npt.NDArray[np.float64]] = deque()
        self._first_kept = 0
        self._state = _State(
            soc=car.start_soc,
            stator=car.ambient + car.warmth,
            rotor=car.ambient + car.warmth,
            bearing=car.ambient + car.warmth / 2,
            inlet=car.ambient + car.warmth / 2,
            outlet=car.ambient + car.warmth / 2,
        )

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
        return np.array([self._step() for _ in range(_BLOCK)])

    def _step(self) -> tuple[float, ...]:
        """One tenth of a second: driver, road, motor, pack, heat."""
        state, car = self._state, self.car
        self._steer()
        motor_speed = state.speed / _WHEEL_RADIUS * _GEAR
        torque = self._torque(motor_speed)
        mechanical = torque * motor_speed
        losses = abs(mechanical) * (1 - car.efficiency) + 0.022 * torque**2 + 0.35 * motor_speed
        drawn = (
            car.auxiliary_power + 6.0 * state.duty + mechanical + losses * (motor_speed > 0 or torque != 0)
        )
        if state.charging:
            drawn -= _CHARGE_POWER
        row_voltage, current = self._pack(drawn)
        flow = self._warm(losses)
        rpm = motor_speed * 60 / (2 * pi)
        delta = car.spread * (1 + 0.35 * abs(current) / 100) * (1 + 0.6 * exp(-12 * state.soc))
        row = (
            rpm, torque, row_voltage, current, state.soc, delta,
            state.stator, state.rotor, state.bearing, state.inlet, state.outlet, flow, state.duty,
        )  # fmt: skip
        state.soc = min(max(state.soc - current * STEP_S / 3600 / car.capacity, 0.0), 1.0)
        state.position += state.speed * STEP_S
        state.speed = max(state.speed + state.acceleration * STEP_S, 0.0)
        state.step += 1
        return row

    def _steer(self) -> None:
        """The driver: holds the target of the plan with limited acceleration and limited change of it."""
        state = self._state
        state.phase_left -= STEP_S
        if state.charging and state.soc >= _CHARGED_SOC:
            state.charging, state.phase_left = False, 0.0
        if state.phase_left <= 0 and not state.charging:
            self._next_phase()
        gap = state.target - state.speed
        hardest = self.car.eagerness * (2.4 if state.speed < 14 else 1.5)
        wanted = min(max(0.45 * gap, -2.6), hardest)
        if state.target == 0 and state.speed < 1.2:
            wanted = -0.6
        change = min(max(wanted - state.acceleration, -2.5 * STEP_S), 2.0 * STEP_S)
        state.acceleration += change
        if state.target == 0 and state.speed + state.acceleration * STEP_S < 0.05:
            state.speed = state.acceleration = 0.0

    def _next_phase(self) -> None:
        state = self._state
        if state.soc <= _LOW_SOC:
            state.target = 0.0
            state.charging = state.speed == 0.0
            state.phase_left = 5.0
            return
        if not self._plan:
            self._plan.extend(_plan_of(self._choices))
        state.target, state.phase_left = self._plan.popleft()

    def _torque(self, motor_speed: float) -> float:
        """The motor's torque in Nm for the acceleration wanted; friction brakes take what it cannot recover."""
        state, car = self._state, self.car
        if state.speed == 0.0 and state.acceleration == 0.0:
            return 0.0
        slope = 0.016 * sin(state.position / 410) + 0.011 * sin(state.position / 1730 + car.spread)
        force = (
            car.mass * (state.acceleration + _GRAVITY * (0.010 + slope))
            + 0.5 * _AIR * car.drag_area * state.speed**2
        )
        torque = force * _WHEEL_RADIUS / _GEAR
        if torque >= 0:
            limit = min(_MAX_TORQUE, _MAX_POWER / max(motor_speed, 1.0))
            if torque > limit:  # the car accelerates by as much less
                state.acceleration -= (torque - limit) * _GEAR / _WHEEL_RADIUS / car.mass
                torque = limit
            return torque
        fade = min(state.speed / 4.0, 1.0)
        return -min(-torque, _MAX_REGEN_TORQUE * fade, _MAX_REGEN_POWER / max(motor_speed, 1.0))

    def _pack(self, drawn: float) -> tuple[float, float]:
        """Terminal voltage in V and current in A at which the pack delivers `drawn` watts."""
        state, car = self._state, self.car
        cell = 3.42 + 0.68 * state.soc - 0.22 * exp(-18 * state.soc)
        source = cell * car.cells - state.relaxation
        inside = max(source**2 - 4 * car.resistance * drawn, 0.0)
        current = (source - sqrt(inside)) / (2 * car.resistance)
        state.relaxation += (0.6 * car.resistance * current - state.relaxation) * STEP_S / 25
        return source - car.resistance * current, current

    def _warm(self, losses: float) -> float:
        """Let the losses flow into stator, rotor, bearing and coolant; the coolant's flow in L/min."""
        state, car = self._state, self.car
        wanted = min(max(15 + 4 * (state.outlet - 34) + 0.9 * max(state.stator - 42, 0.0), 15), 100)
        state.duty += (wanted - state.duty) * STEP_S / 4
        flow = 0.19 * state.duty
        carried = flow / 60 * 3600  # W/K of a water-glycol mixture
        into_coolant = 42 * (state.stator - (state.inlet + state.outlet) / 2)
        thermostat = min(max((state.inlet - 30) / 14, 0.03), 1.0)
        radiated = (30 + 9 * state.speed) * thermostat * (state.inlet - car.ambient)
        state.stator += (0.85 * losses - into_coolant - 6 * (state.stator - state.rotor)) / 6500 * STEP_S
        state.rotor += (
            (0.15 * losses + 6 * (state.stator - state.rotor) - 9 * (state.rotor - state.bearing))
            / 11000
            * STEP_S
        )
        state.bearing += (
            (9 * (state.rotor - state.bearing) + 6 * state.speed - 9 * (state.bearing - car.ambient))
            / 3500
            * STEP_S
        )
        state.outlet += (state.inlet + into_coolant / carried - state.outlet) * STEP_S / 6
        state.inlet += (into_coolant - radiated) / 30_000 * STEP_S
        return flow


def _car_of(chance: np.random.Generator) -> Car:
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


def _plan_of(chance: np.random.Generator) -> list[tuple[float, float]]:
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
