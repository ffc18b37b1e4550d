"""Clients that are slow or silent, against a real server: they hold up nobody but themselves.

160 of them, where a process has 8 threads: 20 generations of clients that each held one.
"""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx
import pytest

from benchmarks.slow_clients import SlowClients
from local.ports import HOST
from tests.hardening.test_server_rows import FORM, JSON, MIB, Connection, folder, save, server

__all__ = ["folder", "server"]  # fixtures

COUNT = 160
# What is wanted is a second; the rest is for a machine that is busy. A thread that waited for
# these clients would be back after a minute and more.
OTHERS_S = 5.0
LENGTH = "Content-Length: 1000000"
# A request of nobody, with its body.
WHOLE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"


def health_s(server) -> float:
    started = time.monotonic()
    answer = httpx.get(f"http://{HOST}:{server.port}/__/health", timeout=60, trust_env=False)
    assert answer.status_code == 200
    return time.monotonic() - started


def opened(server, stack, count, *lines, token="wrong"):
    """Open connections that have sent a whole head of these lines, and no body."""
    connections = [stack.enter_context(Connection(server)) for _ in range(count)]
    for connection in connections:
        connection.head(*lines, token=token)
    return connections


@pytest.mark.parametrize(
    ("path", "tokens", "status"),
    [
        ("/", [], 401),
        ("/", ["wrong"], 401),
        ("/robots.txt", [], 404),
        ("/nothing", ["token-of-eve"], 404),
        ("/__/health", [], 200),
        ("/", ["token-of-eve"], 408),
        ("/", [f"token-of-eve-{number}" for number in range(20)], 408),
    ],
    ids=["nobody", "a wrong token", "robots", "no path", "health", "one user", "20 users"],
)
def test_a_byte_a_second_from_160_clients_holds_up_nobody_else(server, path, tokens, status):
    with SlowClients(server.port, path, COUNT, tokens) as slow:
        ends_at = time.monotonic() + 3
        times = []
        while time.monotonic() < ends_at:
            times += [health_s(server), save(server, "bob")]
    assert max(times) < OTHERS_S
    assert set(slow.answers) == {status}


@pytest.mark.parametrize(
    "sent",
    [b"", b"P", b"POST / HTTP/1.1\r\nHost: a\r\n", WHOLE, WHOLE[:-2]],
    ids=["nothing", "a letter", "half a head", "a whole request", "a request but its body"],
)
def test_160_silent_connections_hold_up_nobody_else(server, sent):
    with ExitStack() as stack:
        for _ in range(COUNT):
            stack.enter_context(Connection(server)).send(sent)
        assert health_s(server) < OTHERS_S
        assert save(server, "bob") < OTHERS_S


def test_half_a_head_is_let_go_of(server):
    with Connection(server) as connection:
        connection.send(b"POST / HTTP/1.1\r\n")
        assert connection.status() == 0


def test_the_second_request_of_a_connection_may_not_be_slow_either(server):
    with ExitStack() as stack:
        for _ in range(30):
            connection = stack.enter_context(Connection(server))
            connection.send(WHOLE + b"POST / HTTP/1.1\r\nHost:")
            assert connection.status() == 401
        assert health_s(server) < OTHERS_S
        connection.send(b" a\r\nContent-Length: 0\r\n\r\n")
        assert connection.status() == 401


def test_a_second_head_without_end_is_no_fault_of_ours(server):
    with Connection(server) as connection:
        connection.send(WHOLE)
        assert connection.status() == 401
        connection.send(b"POST / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"x" * 4000) * 50)
        assert connection.status() in (0, 400, 431)


def test_a_refusal_comes_before_the_body_and_closes(server):
    with Connection(server) as connection:
        connection.head(JSON, LENGTH, token="wrong")
        started = time.monotonic()
        answer = everything(connection)
        assert time.monotonic() - started < OTHERS_S
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 401")
    assert b"\r\nConnection: close" in head
    assert b"\r\nX-Request-Id: " in head
    assert b'"unauthenticated"' in body


def test_a_client_that_asks_first_is_refused_without_being_told_to_go_on(server):
    with Connection(server) as connection:
        connection.head(JSON, LENGTH, "Expect: 100-continue", token="wrong")
        assert connection.status() == 401


def test_a_client_that_asks_first_is_told_to_go_on_when_it_is_known(server):
    with Connection(server) as connection:
        connection.head(JSON, "Content-Length: 2", "Expect: 100-continue", token="token-of-ada")
        assert connection.status() == 100
        connection.send(b"{}")
        assert connection.status() == 400


def test_a_body_that_stops_is_given_up_as_a_fault_of_its_client(server):
    with Connection(server) as connection:
        connection.head(FORM, LENGTH, token="token-of-eve")
        connection.send(b"--x\r\n")
        answer = everything(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 408")
    assert b"\r\nRetry-After: " in head
    assert b"\r\nConnection: close" in head
    assert b'"request_timeout"' in body


def test_a_body_with_gaps_that_keeps_its_pace_is_read(server):
    body = b'{"voice_name":"Slow"}'.ljust(60_000)
    with Connection(server) as connection:
        connection.head(JSON, f"Content-Length: {len(body)}", token="token-of-ada")
        for start in range(0, len(body), 20_000):
            time.sleep(0.7)
            connection.send(body[start : start + 20_000])
        # It has come whole: what is missing is audio.
        assert connection.status() == 400


def test_what_comes_after_a_body_that_was_given_up_is_no_request(server):
    with Connection(server) as connection:
        connection.head(JSON, "Transfer-Encoding: chunked", token="token-of-eve")
        connection.send(b"ffff\r\nabc")
        assert connection.status() == 408
        connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        assert b"HTTP/1.1" not in everything(connection)


def test_a_client_that_sends_a_small_body_along_with_its_head_keeps_its_connection(server):
    with Connection(server) as connection:
        for _ in range(3):
            connection.send(WHOLE)
            assert connection.status() == 401


CLIENTS = {
    "HTTPX": lambda url, body: httpx.post(url, content=body, timeout=60, trust_env=False).text,
    "curl": lambda url, body: ran("curl", "-s", "--data-binary", "@-", "-H", JSON, url, body=body),
    "curl that does not ask": lambda url, body: ran(
        "curl", "-s", "--data-binary", "@-", "-H", JSON, "-H", "Expect:", url, body=body
    ),
    "http.client": lambda url, body: ran(sys.executable, "-c", HTTP_CLIENT, url, body=body),
    "Node's fetch": lambda url, body: ran("node", "-e", FETCH, url, body=body),
}
HTTP_CLIENT = """
import sys, http.client, urllib.parse
connection = http.client.HTTPConnection(urllib.parse.urlsplit(sys.argv[1]).netloc, timeout=60)
connection.request("POST", "/", sys.stdin.buffer.read())
print(connection.getresponse().read().decode())
"""
FETCH = """
const chunks = [];
process.stdin.on('data', (chunk) => chunks.push(chunk));
process.stdin.on('end', async () => {
  const reply = await fetch(process.argv[1], {method: 'POST', body: Buffer.concat(chunks)});
  console.log(await reply.text());
});
"""


def ran(*command, body):
    return subprocess.run(command, input=body, capture_output=True, check=False).stdout.decode()


@pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)
@pytest.mark.parametrize("size_bytes", [100_000, 40 * MIB], ids=["100 kB", "40 MB"])
def test_a_real_client_hears_its_refusal_whatever_it_sends(server, client, size_bytes):
    url, body = f"http://{HOST}:{server.port}/", bytes(size_bytes)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: client(url, body), range(8)))
    assert all('"unauthenticated"' in answer for answer in answers)


def everything(connection) -> bytes:
    """All that is sent until the connection ends."""
    answer = b""
    try:
        while more := connection._socket.recv(65_536):
            answer += more
    except ConnectionResetError:
        pass
    return answer
