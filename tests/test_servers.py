"""What tests of processes stand on: ports."""

import itertools
import socket

import pytest

from tests import servers
from tests.servers import free_port


def test_no_port_is_given_twice_nor_one_of_the_kernels() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200
    assert 11_000 <= min(ports) <= max(ports) < 32_768


def test_workers_have_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    of: dict[str, set[int]] = {}
    for worker in ("gw0", "gw1", "gw9"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        of[worker] = {free_port() for _ in range(100)}
    assert of["gw0"].isdisjoint(of["gw1"] | of["gw9"])
    assert of["gw1"].isdisjoint(of["gw9"])


def test_what_somebody_listens_on_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        monkeypatch.setattr(
            servers, "_TURNS", itertools.count(port - servers._FIRST_PORT)
        )  # as if it were next
        assert free_port() != port
