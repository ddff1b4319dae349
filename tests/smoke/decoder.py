"""The decoder's function with its event source mapping, played by a thread that a test can keep away from the queue."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3

from telemetry_pipeline import lambda_handler
from telemetry_pipeline.s3_events import read_event
from telemetry_pipeline.settings import Settings
from tests.s3_notifications import sqs_event


class Decoder:
    """Who takes the queue's messages.

    Args:
        lake: The lake's URL.
        queue: The queue's URL.
        endpoint: Who stands in for AWS.
    """

    def __init__(self, lake: str, queue: str, endpoint: str) -> None:
        self._queue = queue
        self._sqs: Any = boto3.session.Session().client("sqs", endpoint_url=endpoint)
        self._worker = lambda_handler.Worker(
            Settings.from_env({"TELEMETRY_LAKE": lake, "AWS_ENDPOINT_URL": endpoint})
        )
        # held while a message is asked for, worked on and deleted: who has it knows that nobody decodes
        self._turn = threading.Lock()
        self._ends = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Take messages until the block ends."""
        thread = threading.Thread(target=self._work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ends.set()
            thread.join()

    @contextmanager
    def kept_away(self) -> Iterator[None]:
        """Nobody decodes within the block; what was announced in it is nobody's business afterwards."""
        with self._turn:
            try:
                yield
            finally:
                while messages := self._receive():
                    for message in messages:
                        self._done(message)

    def _work(self) -> None:
        # between two turns the lock is free long enough for whoever waits for it
        while not self._ends.wait(0.2):
            with self._turn:
                self._take()

    def _take(self) -> None:
        for message in self._receive():
            self._worker.run(read_event(sqs_event(**{message["MessageId"]: message["Body"]})), None)
            self._done(message)

    def _receive(self) -> list[dict[str, Any]]:
        # no long poll: whoever keeps the decoder away would wait for its end
        answer = self._sqs.receive_message(QueueUrl=self._queue, WaitTimeSeconds=0, MaxNumberOfMessages=10)
        found: list[dict[str, Any]] = answer.get("Messages", [])
        return found

    def _done(self, message: dict[str, Any]) -> None:
        self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
