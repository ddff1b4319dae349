"""What goes on beside a measurement begins with its block and has ended when the block is left, however that happens."""

import threading

import pytest

from benchmarks.background import Background


class Counting(Background):
    def __init__(self) -> None:
        super().__init__()
        self.begun, self.ended = threading.Event(), False

    def _run(self) -> None:
        self.begun.set()
        self._over.wait()
        self.ended = True


def test_it_works_as_long_as_the_block() -> None:
    with Counting() as one:
        assert one.begun.wait(60)
        assert not one.ended
    assert one.ended


def test_it_ends_with_a_block_that_fails() -> None:
    one = Counting()
    with pytest.raises(ZeroDivisionError), one:
        _ = 1 / 0
    assert one.ended


class Failing(Background):
    def _run(self) -> None:
        raise ZeroDivisionError("what it looked at was not there")


def test_what_ended_it_early_is_raised_when_the_block_is_left() -> None:
    with pytest.raises(ZeroDivisionError, match="not there"), Failing():
        pass


def test_what_the_block_itself_fails_of_is_not_hidden_by_it() -> None:
    with pytest.raises(KeyError), Failing():
        raise KeyError
