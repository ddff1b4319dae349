"""A function's warm container: one process that answers one invocation after the other from this source tree.

python function_container.py FATAL_VEHICLE OBJECTS   events on stdin, answers on stdout, one JSON line each

It dies (as of too little memory) on the objects of FATAL_VEHICLE, "*" is a store that does not answer for databases;
it has time for OBJECTS objects per invocation.
"""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import NoReturn

from telemetry_pipeline import lambda_handler
from telemetry_pipeline.database_cache import DatabaseCache
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.layout import RawObject
from telemetry_pipeline.process import Outcome, process_objects


class Time:
    """Lambda's context, as far as it says how much time is left."""

    function_name = "decoder"

    def __init__(self, objects: int) -> None:
        self._left = objects

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 1
        return 0 if self._left == 0 else 60_000


def main() -> None:
    fatal, objects = sys.argv[1], int(sys.argv[2])
    answers, sys.stdout = sys.stdout, sys.stderr  # what the handler prints is the function's log

    def mortal(store: object, databases: object, raws: Iterable[RawObject]) -> Iterator[Outcome]:
        for raw in raws:
            if raw.partition.vehicle_id == fatal:
                os._exit(137)
            yield from process_objects(store, databases, [raw])  # type: ignore[arg-type]

    def unanswered(cache: DatabaseCache) -> NoReturn:
        raise TransientError("the store does not answer")

    lambda_handler.process_objects = mortal
    if fatal == "*":
        DatabaseCache.current = unanswered  # type: ignore[method-assign]
    for line in sys.stdin:
        try:
            answer = {"answer": lambda_handler.handler(json.loads(line), Time(objects))}
        except Exception as error:
            answer = {"error": {"errorType": type(error).__name__, "errorMessage": str(error)}}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
