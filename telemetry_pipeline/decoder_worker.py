"""A process that decodes raw objects for a drain: `python -m telemetry_pipeline.decoder_worker`.

It is given objects over a socket and answers each with its outcome. It ends when the socket does, so that it never
outlives whoever started it. Who starts it, and what becomes of its work when it dies, is `decoder_pool`'s business.
"""

import argparse
from multiprocessing.connection import Connection

import pyarrow as pa

from telemetry_pipeline.drain import DecoderHere
from telemetry_pipeline.errors import TransientError
from telemetry_pipeline.lake.store import Store
from telemetry_pipeline.process import Outcome


def work(connection: Connection, decoder: DecoderHere) -> None:
    """Answer each object that comes with its outcome, until nobody is there any more."""
    while True:
        try:
            raw = connection.recv()
        except (EOFError, OSError):
            return
        try:
            (outcome,) = decoder.decode([raw])
        except TransientError as error:
            outcome = Outcome(raw, failed=error)
        try:
            connection.send(outcome)
        except OSError:
            return


def main() -> None:
    """Work for the process at the other end of a socket."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", type=int, required=True, help="file descriptor of the socket")
    parser.add_argument("--lake", required=True, help="URL of the lake")
    parser.add_argument("--endpoint", help="S3-compatible server that stands in for AWS")
    parser.add_argument(
        "--strict-length", action="store_true", help="refuse frames shorter than their message"
    )
    asked = parser.parse_args()
    pa.set_cpu_count(1)  # the processes are the parallelism
    store = Store.open(asked.lake, endpoint_url=asked.endpoint)
    work(Connection(asked.socket), DecoderHere(store, strict_length=asked.strict_length))


if __name__ == "__main__":
    main()
