"""A long query stops nobody else."""

import threading

import numpy as np

from api.app import create_app
from api.auth import SignIn
from api.lanes import lanes_of
from telemetry_pipeline.query.reader import Answer, Series, Vehicle
from tests.servers import DEADLINE_S

SPEED = {"message_name": "Drive", "signal_name": "Speed"}
QUERY = {"signals": [SPEED], "start_time": "2026-02-12T14:00:00Z", "end_time": "2026-02-12T15:00:00Z"}

AT_ONCE = lanes_of("file:///nowhere", "parquet").questions
"""How many queries run at once: as many threads as the server has for them."""

WAITING = 60
"""Beyond those that run."""


class Waiting:
    """A reader whose queries last until they are let go."""

    def __init__(self):
        self.entered = threading.Semaphore(0)
        self.let_go = threading.Event()

    def vehicles(self):
        return [Vehicle("VIN1", None, None, 0)]

    def count(self, vehicle_id, wanted, start_ns, end_ns):
        return dict.fromkeys(wanted, 0)

    def read(self, vehicle_id, wanted, start_ns, end_ns):
        self.entered.release()
        assert self.let_go.wait(DEADLINE_S)
        return Answer([Series(*wanted[0], "", np.empty(0, np.int64), np.empty(0))], 0, 0)


def test_health_and_lists_answer_while_queries_run(serving):
    reader = Waiting()
    client = serving(create_app(reader, lake="file:///nowhere"))
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/vehicles/VIN1/query", json=QUERY)))
        for _ in range(8)
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in range(AT_ONCE):
            assert reader.entered.acquire(timeout=DEADLINE_S)
        assert client.get("/health").status_code == 200
        assert client.get("/vehicles").status_code == 200
        assert client.get("/metrics").status_code == 200
        assert not answers
    finally:
        reader.let_go.set()
        for thread in threads:
            thread.join()
    assert [answer.status_code for answer in answers] == [200] * len(threads)


def test_health_answers_when_every_thread_has_a_query(serving, issuer):
    reader = Waiting()
    client = serving(create_app(reader, lake="file:///nowhere", access=SignIn(issuer.settings())))
    headers, answers = issuer.headers(), []
    threads = [
        threading.Thread(
            target=lambda: answers.append(client.post("/vehicles/VIN1/query", json=QUERY, headers=headers))
        )
        for _ in range(AT_ONCE + WAITING)
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in range(AT_ONCE):
            assert reader.entered.acquire(timeout=DEADLINE_S)
        assert client.get("/health").status_code == 200
        # who asks is found out without a thread, and a new key in one of its own
        assert client.get("/metrics", headers=headers).status_code == 200
        issuer.publish_ec("new")
        assert client.get("/metrics", headers={"Authorization": "Bearer x"}).status_code == 401
        assert client.get("/auth-config").json()["required"] is True
        assert not answers
    finally:
        reader.let_go.set()
        for thread in threads:
            thread.join()
    assert [answer.status_code for answer in answers] == [200] * len(threads)
