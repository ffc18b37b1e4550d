"""Hostile connections, against a real server: functions-framework and gunicorn as deployed.

Those of slow and silent clients are in `test_slow_rows.py`.
"""

import contextlib
import json
import os
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from benchmarks.footprint import footprint
from benchmarks.servers import FUNCTIONS, serving
from local.ports import HOST
from tests.hardening.bodies import b64, form, json_body, part
from tests.hardening.conftest import SLOWEST_S
from tests.sounds import wav

ROOT = Path(__file__).parents[2]
SOURCE = Path(__file__).with_name("main_in_memory.py")
MIB = 1024 * 1024
THREADS = 8
AUDIO = wav(1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder):
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{FUNCTIONS}:{ROOT}",
        "GCLOUD_PROJECT": "demo-hardening",
        "THREADS": str(THREADS),
        # As in functions/.env, which says why.
        "MALLOC_ARENA_MAX": "2",
        "TMPDIR": str(folder),
    }
    with serving("voices_save", environ, SOURCE) as running:
        running.client()._http.close()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda user: save(running, f"user-{user}"), range(8 * THREADS)))
        yield running


class Memory:
    """What the server's processes and temporary files take, in bytes."""

    def __init__(self, server, folder) -> None:
        self._where = server.process.pid, folder
        self.above_idle = 0

    def now(self) -> int:
        with footprint(*self._where, every_s=0.005) as seen:
            time.sleep(0.05)
        return seen.together

    @contextlib.contextmanager
    def watched(self):
        """Note by how much it rises while the block runs."""
        idle = self.now()
        with footprint(*self._where, every_s=0.005) as seen:
            yield self
        self.above_idle = seen.together - idle


@pytest.fixture
def memory(server, folder):
    return Memory(server, folder)


class Connection:
    """A socket on which anything can be sent."""

    def __init__(self, server) -> None:
        self._socket = socket.create_connection((HOST, server.port), timeout=30)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def head(self, *lines: str, token: str = "token-of-ada") -> None:
        first = ("POST / HTTP/1.1", f"Host: {HOST}", f"Authorization: Bearer {token}")
        self.send("\r\n".join([*first, *lines, "", ""]).encode("latin-1"))

    def end(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def status(self) -> int:
        """Read the next answer; return its status, 0 when the connection was closed without one."""
        while b"\r\n\r\n" not in self._received and self._receive():
            pass
        head, _, _ = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)
        whole = len(head) + 4 + (int(length[1]) if length else 0)
        while len(self._received) < whole and self._receive():
            pass
        self._received = self._received[whole:]
        return int(head.split(b" ")[1]) if head else 0

    def _receive(self) -> bool:
        try:
            more = self._socket.recv(65_536)
        except ConnectionError:
            # It has answered, and waits for nothing more.
            return False
        self._received += more
        return bool(more)


def save(server, user: str = "ada") -> float:
    """Save a good voice and return how long it took."""
    body = form(
        part("voice_name", b"Good"), part("replace", b"true"), part("audio_file", AUDIO, "a.wav")
    )
    started = time.perf_counter()
    with Connection(server) as connection:
        connection.head(
            f"Content-Type: {body['content_type']}",
            f"Content-Length: {len(body['data'])}",
            token=f"token-of-{user}",
        )
        connection.send(body["data"])
        assert connection.status() == 201
    return time.perf_counter() - started


def answered(connection) -> tuple[int, float]:
    started = time.perf_counter()
    return connection.status(), time.perf_counter() - started


JSON = "Content-Type: application/json"
FORM = "Content-Type: multipart/form-data; boundary=x"
BLOCK = b"x" * MIB
REJECTED_BYTES = 10 * MIB


@pytest.mark.parametrize("token", ["token-of-ada", "wrong"])
@pytest.mark.parametrize("declared", [True, False], ids=["with a length", "without a length"])
def test_a_body_over_the_limit_is_refused_and_kept_nowhere(server, memory, token, declared):
    with memory.watched() as peak, Connection(server) as connection:
        length = f"Content-Length: {40 * MIB}" if declared else "Transfer-Encoding: chunked"
        connection.head(FORM, length, token=token)
        for _ in range(40):
            connection.send(BLOCK if declared else b"%x\r\n%b\r\n" % (MIB, BLOCK))
        if not declared:
            connection.send(b"0\r\n\r\n")
        status, took_s = answered(connection)
    # Without a length a form that is none is found first.
    assert status == (401 if token == "wrong" else 413 if declared else 400)
    assert took_s < SLOWEST_S
    assert peak.above_idle < REJECTED_BYTES


def test_a_chunked_file_over_the_limit_is_refused(server, memory):
    head = b'--x\r\nContent-Disposition: form-data; name="audio_file"; filename="a"\r\n\r\n'
    with memory.watched() as peak, Connection(server) as connection:
        connection.head(FORM, "Transfer-Encoding: chunked")
        connection.send(b"%x\r\n%b\r\n" % (len(head), head))
        for _ in range(60):
            connection.send(b"%x\r\n%b\r\n" % (MIB, BLOCK))
        connection.send(b"0\r\n\r\n")
        status, took_s = answered(connection)
    assert (status, took_s < SLOWEST_S) == (413, True)
    assert peak.above_idle < 1.5 * 32 * MIB


@pytest.mark.parametrize(
    ("lines", "body", "statuses"),
    [
        ([FORM, "Content-Length: 1000000"], b"--x\r\n" * 10, {400}),
        ([JSON, "Content-Length: 1000000"], b'{"voice_name":"a"}', {400}),
        ([JSON, "Content-Length: 10"], json_body({"voice_name": "a" * 50_000})["data"], {400}),
        ([JSON, "Content-Length: 0"], b'{"voice_name":"a"}', {400}),
        ([JSON], b"", {400}),
        ([JSON, "Content-Length: -1"], b"{}", {400}),
        ([JSON, f"Content-Length: {'9' * 30}"], b"{}", {400, 413}),
        ([JSON, "Content-Length: 2", "Content-Length: 3"], b"{}x", {400}),
        ([JSON, "Content-Length: 0x10"], b"{}", {400}),
        ([JSON, "Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n", {400}),
        ([JSON, "Transfer-Encoding: chunked"], b"zz\r\n{}\r\n0\r\n\r\n", {0, 400}),
        ([JSON, "Transfer-Encoding: chunked"], b"-5\r\n{}\r\n0\r\n\r\n", {0, 400}),
        ([JSON, "Transfer-Encoding: chunked"], b"5\r\n{}", {0, 400}),
        ([JSON, "Transfer-Encoding: gzip"], b"{}", {400, 501}),
        ([FORM.replace("=x", "=" + "y" * 4000), "Content-Length: 5"], b"--yyy", {400}),
    ],
    ids=[
        "a form shorter than declared", "JSON shorter than declared", "JSON longer than declared",
        "a length of 0", "no length", "a negative length", "a length of 30 digits", "two lengths",
        "a hexadecimal length", "length and chunks", "a chunk of no size", "a negative chunk",
        "a chunk that is cut off", "an unknown coding", "a boundary of 4,000 characters",
    ],
)  # fmt: skip
def test_a_length_that_lies_is_the_clients_mistake(server, lines, body, statuses):
    with Connection(server) as connection:
        connection.head(*lines)
        connection.send(body)
        connection.end()
        status, took_s = answered(connection)
    assert status in statuses
    assert took_s < SLOWEST_S
    assert save(server) < SLOWEST_S


BOMBS = {
    "10,000 parts": form(*(part(f"n{n}", b"v") for n in range(10_000))),
    "a form of 30 MB of headers": form(part('n"' + ';a="\\"' * 5_000_000 + ';b="', b"v")),
    "30 MB of lists": json_body(b'{"a":' + b"[" * 30_000_000),
    "30 MB of numbers": json_body(b'{"a":[' + b"1," * 15_000_000 + b"1]}"),
    "30 MB of escaped quotes": json_body(b'{"a":"' + b'\\"' * 15_000_000),
    "30 MB of junk as base64": json_body(
        {"voice_name": "Row", "audio_base64": b64(AUDIO)[:-4] + "!" * 30_000_000}
    ),
    "30 MB of base64 of nothing": json_body(
        {"voice_name": "Row", "audio_base64": b64(bytes(22_000_000))}
    ),
    "30 MB of escaped base64 of nothing": json_body(
        b'{"voice_name":"Row","audio_base64":"' + b"\\u0041" * 5_000_000 + b'"}'
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_takes_no_time_and_no_more_memory_than_its_body(server, memory, bomb):
    body = BOMBS[bomb]
    peaks = []
    # What the allocator kept of the rows before only adds to a reading: the least one counts.
    for _ in range(4):
        with memory.watched() as peak, Connection(server) as connection:
            connection.head(
                f"Content-Type: {body['content_type']}", f"Content-Length: {len(body['data'])}"
            )
            connection.send(body["data"])
            status, took_s = answered(connection)
        assert status in (400, 415)
        assert took_s < SLOWEST_S
        peaks.append(peak.above_idle)
    # A body of JSON is held whole, and what its base64 stands for lies in /tmp.
    assert min(peaks) < 1.95 * len(body["data"]) + REJECTED_BYTES


@pytest.mark.parametrize("chunks", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}"])
def test_chunks_that_are_damaged_are_no_fault_of_ours_whoever_sends_them(server, chunks):
    with Connection(server) as connection:
        connection.head(JSON, "Transfer-Encoding: chunked", token="wrong")
        connection.send(chunks)
        connection.end()
        assert connection.status() in (0, 400, 401)


def leave(server) -> None:
    """Send parts of a file of 4 MB, and go."""
    body = form(part("voice_name", b"Gone"), part("audio_file", bytes(4 * MIB), "a"))
    length = f"Content-Length: {len(body['data'])}"
    for share in (0.1, 0.5, 0.99):
        for _ in range(THREADS):
            with Connection(server) as connection:
                connection.head(f"Content-Type: {body['content_type']}", length)
                connection.send(body["data"][: int(len(body["data"]) * share)])


def test_clients_that_are_gone_leave_nothing_behind(server, memory):
    # What the allocator keeps for the next time, it keeps once.
    leave(server)
    assert save(server) < SLOWEST_S
    idle = memory.now()
    leave(server)
    assert save(server) < SLOWEST_S
    deadline = time.monotonic() + 5
    while memory.now() - idle > REJECTED_BYTES and time.monotonic() < deadline:
        time.sleep(0.1)
    assert memory.now() - idle < REJECTED_BYTES


def test_an_answer_is_json_even_where_the_body_was_never_sent(server):
    with Connection(server) as connection:
        connection.head(JSON, "Content-Length: 2", token="wrong")
        connection.send(b"{}")
        connection._socket.settimeout(5)
        answer = connection._socket.recv(65_536)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 401 " in head.splitlines()[0]
    assert json.loads(body or b"{}").get("code", "unauthenticated") == "unauthenticated"
