"""A lake's rules, or why there are none."""

from telemetry_pipeline.errors import NotFound
from telemetry_pipeline.lake import layout
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.rules.parse import parse_rules
from telemetry_pipeline.rules.rule import Rules


def load_rules(store: Store) -> Rules:
    """The rules of `dbc/rules.yaml`; none when it is not there.

    Raises:
        BadSetting: It cannot be used.
        TransientError: The store does not answer.
    """
    try:
        body = store.get(layout.RULES)
    except NotFound:
        return Rules()
    return Rules(parse_rules(body, layout.RULES))
