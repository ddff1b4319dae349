"""What a CAN database says about its messages and signals beside their bits: comments, names of values, limits.

Only what the database itself says; where it is kept is `lake.dictionary`'s business.
"""

from typing import Any

from telemetry_pipeline.decode.dbc import Dbc
from telemetry_pipeline.decode.report import format_id
from telemetry_pipeline.decode.signal_plan import limits_of
from telemetry_pipeline.lake.dictionary import MessageMeaning, SignalMeaning, value_key


def meanings_of(dbc: Dbc) -> list[MessageMeaning]:
    """Every message of a database, in its order."""
    return [
        MessageMeaning(
            message.name,
            format_id(message.frame_id, message.is_extended_frame),
            _text(message.comment),
            {signal.name: _signal(signal) for signal in message.signals},
        )
        for message in dbc.database.messages
    ]


def _signal(signal: Any) -> SignalMeaning:  # noqa: ANN401  cantools has no types
    minimum, maximum = limits_of(signal)
    return SignalMeaning(
        unit=signal.unit or "",
        description=_text(signal.comment),
        choices=_choices(signal),
        minimum=minimum,
        maximum=maximum,
    )


def _choices(signal: Any) -> dict[str, str]:  # noqa: ANN401
    """Names by physical value: databases list them by raw value, decoded rows hold physical ones."""
    named: dict[str, str] = {}
    for raw, name in (signal.choices or {}).items():
        try:
            value = float(signal.conversion.raw_to_scaled(raw, decode_choices=False))
            named.setdefault(value_key(value), str(name))
        except (OverflowError, ValueError):
            continue  # a value that no float64 holds is in no decoded row
    return named


def _text(comment: str | None) -> str:
    return (comment or "").strip()
