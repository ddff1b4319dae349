import threading
import time

from edge_agent.worker import Pause, Worker


class Counting(Worker):
    def __init__(self, pause):
        super().__init__("counting")
        self.rounds = []
        self.pause = pause

    def _round(self, *, final):
        self.rounds.append(final)
        return self.pause


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def test_news_ends_a_rest_and_the_end_brings_one_more_round():
    worker = Counting(Pause(3600))
    worker.start()
    until(lambda: worker.rounds == [False])
    worker.wake()
    until(lambda: worker.rounds == [False, False])
    assert worker.is_alive
    assert worker.stop(60)
    assert worker.rounds == [False, False, True]
    assert not worker.is_alive


def test_a_rest_that_news_do_not_end_is_ended_by_the_end():
    worker = Counting(Pause(3600, ends_with_news=False))
    worker.start()
    until(lambda: worker.rounds)
    worker.wake()
    assert worker.stop(60)
    assert worker.rounds == [False, True]


def test_the_end_waits_no_longer_than_it_was_told_to():
    released = threading.Event()

    class Busy(Counting):
        def _round(self, *, final):
            released.wait(60)
            return super()._round(final=final)

    worker = Busy(Pause(0))
    worker.start()
    assert not worker.stop(0.1)
    released.set()
    assert worker.stop(60)
