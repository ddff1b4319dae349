"""How a battery-electric car moves along its trip, a tenth of a second at a time.

Physics only: no CAN, no clock, no disk. The car is a point mass on a hilly road (drag, rolling resistance, slope), driven
by one motor behind a fixed gear from one pack (open-circuit voltage by state of charge, ohmic and one slow relaxation
term). Heat flows from the losses into stator, rotor, bearing and coolant as first-order lags. The equations are those of
any vehicle dynamics textbook; constants are those of a mid-size car.
"""

from collections import deque
from dataclasses import dataclass
from math import exp, pi, sin, sqrt
from typing import Final

import numpy as np

from edge_agent.car import Car
from edge_agent.trip import trip_of

STEP_S: Final = 0.1

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

COLUMNS: Final = (
    "rpm", "torque", "voltage", "current", "soc", "delta",
    "stator", "rotor", "bearing", "inlet", "outlet", "flow", "duty",
)  # fmt: skip
"""What a step gives: rpm, Nm, V, A, a share of 1, mV, five temperatures in °C, L/min and a share of 100."""


@dataclass
class _State:
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


class Motion:
    """One car on its way, at standstill at first.

    Args:
        car: The car.
        choices: What the driver's trips are drawn from.
    """

    def __init__(self, car: Car, choices: np.random.Generator) -> None:
        self._car = car
        self._choices = choices
        self._plan: deque[tuple[float, float]] = deque()
        self._state = _State(
            soc=car.start_soc,
            stator=car.ambient + car.warmth,
            rotor=car.ambient + car.warmth,
            bearing=car.ambient + car.warmth / 2,
            inlet=car.ambient + car.warmth / 2,
            outlet=car.ambient + car.warmth / 2,
        )

    def step(self) -> tuple[float, ...]:
        """What there is now, in the order of `COLUMNS`; then one tenth of a second of driver, road, motor, pack and heat."""
        state, car = self._state, self._car
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
        hardest = self._car.eagerness * (2.4 if state.speed < 14 else 1.5)
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
            self._plan.extend(trip_of(self._choices))
        state.target, state.phase_left = self._plan.popleft()

    def _torque(self, motor_speed: float) -> float:
        """The motor's torque in Nm for the acceleration wanted; friction brakes take what it cannot recover."""
        state, car = self._state, self._car
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
        state, car = self._state, self._car
        cell = 3.42 + 0.68 * state.soc - 0.22 * exp(-18 * state.soc)
        source = cell * car.cells - state.relaxation
        inside = max(source**2 - 4 * car.resistance * drawn, 0.0)
        current = (source - sqrt(inside)) / (2 * car.resistance)
        state.relaxation += (0.6 * car.resistance * current - state.relaxation) * STEP_S / 25
        return source - car.resistance * current, current

    def _warm(self, losses: float) -> float:
        """Let the losses flow into stator, rotor, bearing and coolant; the coolant's flow in L/min."""
        state, car = self._state, self._car
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
