"""Which signal tells how fast a vehicle drives, and which one its odometer is: decided by name and unit alone.

CAN databases have no field that says so. The rules are in `docs/data-contract.md`; how a distance is made from the
chosen signal is `distance`'s business.
"""

import re
from typing import Final

METRES_PER_SECOND: Final = {
    **dict.fromkeys(("km/h", "kph", "kmh", "kmph", "km/hr"), 1 / 3.6),
    **dict.fromkeys(("mph", "mi/h", "miles/h"), 0.44704),
    **dict.fromkeys(("m/s", "mps", "m/sec", "meter/sec", "meters/sec", "meter/s"), 1.0),
}
"""Units of a speed, lower case, and what one of them is in m/s."""

METRES: Final = {
    **dict.fromkeys(("km", "kilometer", "kilometre"), 1000.0),
    **dict.fromkeys(("mi", "mile", "miles"), 1609.344),
    **dict.fromkeys(("m", "meter", "meters", "metre"), 1.0),
}
"""Units of a distance, lower case, and what one of them is in metres."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OTHER_SPEEDS: Final = _listed(
    "acc accuracy adaptive allowed assist average avg button cc cruise das delta desired diff display engine error "
    "fan fast fused hud lat lateral lead limit limiter limits map max maximum min minimum motor object offset "
    "oncoming pcm pedal ped quality rel relative request requested required rough set setpoint sign slip state "
    "steer steering target threshold trip turn ui valid validity vision warning wind wiper wipers"
)
"""A speed with one of these words is a wish, a limit, a difference, or of something else than the vehicle."""

_VEHICLE: Final = _listed("vehicle veh car ground")
_WHEEL: Final = _listed("wheel whl wheels fl fr rl rr front rear left right axle")
_GPS: Final = _listed("gps gnss navigation nav")

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def speed_rank(signal: str, unit: str) -> int | None:
    """How well a signal tells the vehicle's speed, 0 best, or None when it does not.

    0 names the vehicle, 1 says speed and no more, 2 is a satellite receiver's, 3 a wheel's.
    """
    words = _words(signal)
    if unit.strip().lower() not in METRES_PER_SECOND or "speed" not in signal.lower():
        return None
    if words & _VEHICLE or "vehiclespeed" in signal.lower():
        return 0 if not words & (_OTHER_SPEEDS - {"display"}) else None
    if words & _OTHER_SPEEDS:
        return None
    if words & _GPS:
        return 2
    return 3 if words & _WHEEL else 1


def odometer_rank(signal: str, unit: str) -> int | None:
    """How well a signal is the vehicle's odometer, 0 best, or None when it is none.

    0 is called an odometer, 1 a total distance (SAE J1939).
    """
    words = _words(signal)
    if unit.strip().lower() not in METRES or "trip" in words:
        return None
    if "odo" in words or "odometer" in signal.lower():
        return 0
    total = {"total", "distance"} <= words or {"total", "mileage"} <= words
    return 1 if total and not words & {"engine", "fuel", "pto"} else None


def _words(name: str) -> set[str]:
    """The words of snake_case, camelCase or SHOUTED_CASE, lower case."""
    return {word.lower() for word in _WORD.findall(name)}
