import random
import socket
import socketserver
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from benchmarks.latency_proxy import LatencyProxy, delaying

ROUND_TRIP_S = 0.020
LONG = random.Random(3).randbytes(6_000_000)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while chunk := self.request.recv(65_536):
            self.request.sendall(chunk)


class EchoServer(socketserver.ThreadingTCPServer):
    """Takes many connections at once: of more than wait in line, the system resets some."""

    request_queue_size = 128


@contextmanager
def echo_server(handler=Echo):
    with EchoServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def address():
    with echo_server() as server, LatencyProxy(server, ROUND_TRIP_S) as proxy:
        yield proxy.address


def connected(address):
    host, port = address.split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def received(connection, count):
    chunks = bytearray()
    while len(chunks) < count and (chunk := connection.recv(65_536)):
        chunks += chunk
    return bytes(chunks)


def round_trip_s(connection):
    started = time.perf_counter()
    connection.sendall(b"ping")
    assert received(connection, 4) == b"ping"
    return time.perf_counter() - started


def exchanged(address, content):
    """Send all of it and read what comes back, at the same time."""
    with connected(address) as connection:

        def send():
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        answer = received(connection, len(content) + 1)
        sender.join()
    return answer


def test_each_round_trip_takes_at_least_what_is_added(address):
    with connected(address) as connection:
        times = [round_trip_s(connection) for _ in range(10)]
    assert min(times) >= ROUND_TRIP_S


def test_bytes_arrive_unchanged_in_order_and_with_their_end(address):
    assert exchanged(address, LONG) == LONG


def test_a_long_transfer_is_late_once_and_not_once_a_chunk():
    # 6 MB are 24 chunks of the largest size at least: one after another they would take 12 s.
    with echo_server() as server, LatencyProxy(server, 1.0) as proxy:
        started = time.perf_counter()
        assert exchanged(proxy.address, LONG) == LONG
        assert 1.0 <= time.perf_counter() - started < 6.0


def test_many_connections_are_late_side_by_side(address):
    contents = [number.to_bytes(2, "big") * 20_000 for number in range(50)]
    with ThreadPoolExecutor(max_workers=50) as clients:
        answers = list(clients.map(lambda content: exchanged(address, content), contents))
    assert answers == contents


def test_the_servers_end_reaches_the_client():
    class Farewell(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.sendall(b"bye")

    with (
        echo_server(Farewell) as server,
        LatencyProxy(server, ROUND_TRIP_S) as proxy,
        connected(proxy.address) as connection,
    ):
        assert received(connection, 100) == b"bye"


def test_a_server_that_is_not_there_ends_the_connection():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{probe.getsockname()[1]}"
    with LatencyProxy(nobody, ROUND_TRIP_S) as proxy, connected(proxy.address) as connection:
        assert received(connection, 1) == b""


def test_leaving_the_block_closes_what_is_open():
    with echo_server() as server:
        with LatencyProxy(server, ROUND_TRIP_S) as proxy:
            connection = connected(proxy.address)
            round_trip_s(connection)
        with connection:
            assert received(connection, 1) == b""


def test_a_watch_sees_both_directions_of_each_connection():
    seen = []

    class Watch:
        def sent(self, chunk, at_s):
            seen.append(("sent", chunk, at_s))

        def answered(self, chunk, at_s):
            seen.append(("answered", chunk, at_s))

    with echo_server() as server, LatencyProxy(server, ROUND_TRIP_S, Watch) as proxy:
        for _ in range(2):
            with connected(proxy.address) as connection:
                round_trip_s(connection)
    assert [(kind, chunk) for kind, chunk, _ in seen] == [
        ("sent", b"ping"),
        ("answered", b"ping"),
    ] * 2
    assert seen[1][2] - seen[0][2] >= ROUND_TRIP_S / 2


def test_a_process_of_its_own_delays_several_servers():
    with (
        echo_server() as one,
        echo_server() as other,
        delaying([one, other], ROUND_TRIP_S) as addresses,
    ):
        assert len(set(addresses)) == 2
        for address in addresses:
            with connected(address) as connection:
                assert round_trip_s(connection) >= ROUND_TRIP_S
