"""The gate of a soak: what runs through it when it is open, and what does not when it is not."""

import socket
import threading
from collections.abc import Iterator

import pytest

from benchmarks.soak_gate import Gate
from tests.servers import wait_until

DEADLINE_S = 60.0


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate before a server that sends back whatever it gets."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            while part := connection.recv(1 << 16):
                connection.sendall(part)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=echo, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    gate = Gate(server.getsockname()[1])
    yield gate
    gate.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def connect(gate: Gate) -> socket.socket:
    return socket.create_connection(("127.0.0.1", gate.port), timeout=DEADLINE_S)


def ask(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    answer = b""
    while len(answer) < len(words) and (part := connection.recv(1 << 16)):
        answer += part
    return answer


@pytest.mark.parametrize("mode", ["open", "slow"])
def test_an_open_gate_and_a_slow_one_change_no_byte(gate: Gate, mode: str) -> None:
    gate.shut(mode)
    words = bytes(range(256)) * 256
    with connect(gate) as connection:
        assert ask(connection, words) == words
    wait_until(lambda: gate.passed >= 2 * len(words), "the gate to count the last of them")


def test_a_shut_gate_breaks_what_is_open_and_takes_nothing(gate: Gate) -> None:
    with connect(gate) as connection:
        assert ask(connection, b"before") == b"before"
        gate.shut("shut")
        assert is_broken(connection)
    with connect(gate) as connection:
        assert is_broken(connection)
    gate.shut("open")
    with connect(gate) as connection:
        assert ask(connection, b"after") == b"after"


def test_a_silent_gate_answers_when_it_is_open_again(gate: Gate) -> None:
    gate.shut("silent")
    with connect(gate) as connection:
        connection.sendall(b"patience")
        connection.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        connection.settimeout(DEADLINE_S)
        gate.shut("open")
        assert ask(connection, b"") == b""
        assert connection.recv(1) == b"p"


def is_broken(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"?")
        return connection.recv(1) == b""
    except OSError as error:
        return not isinstance(error, TimeoutError)
