"""What the front of the local site changes in a request, and that it changes nothing else."""

import gzip
import http.client
import itertools
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

import httpx
import psutil
import pytest

from local.ports import HOST
from tests.local.front_process import command, exchange, front, raw, upstream

MIB = 1024**2
MAX_COLLECTED_BYTES = 33 * MIB


@pytest.fixture
def site():
    with upstream() as server:
        yield server


@pytest.fixture
def port(site):
    with front(site.port) as port:
        yield port


@pytest.fixture
def client(port):
    with httpx.Client(base_url=f"http://{HOST}:{port}", trust_env=False, timeout=20) as client:
        yield client


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*pieces, b""))


OF_THE_CLIENT = (
    b"Host: localhost:5000\r\nX-First: 1\r\nAuthorization: Bearer t\r\n"
    b"x-forwarded-for: 10.0.0.1\r\nX-Twice: a\r\nX-Twice: b\r\n"
    b"Cookie: __session=\xe9\r\nAccept-Encoding: gzip\r\n"
)


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"Connection: keep-alive, TE\r\nKeep-Alive: timeout=5\r\nTE: trailers\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        b"Upgrade: h2c\r\nProxy-Connection: keep-alive\r\nTrailer: X-Sum\r\n",
        b"Expect: 100-continue\r\nContent-Length: 0\r\n",
    ],
    ids=["nothing more", "keep-alive and TE", "an upgrade", "no Connection", "Expect"],
)
def test_only_what_belongs_to_one_connection_ends_here(site, port, more):
    line = b'GET /api/voices//%2e%2E/?a=%20+&a="{}|^` HTTP/1.1'

    # What is last closes the connection, so that the answer has an end.
    exchange(port, b"%b\r\n%b%bConnection: close\r\n\r\n" % (line, OF_THE_CLIENT, more))

    [noted] = site.noted
    assert noted["line"] == line.decode()
    expected = [line.split(": ", 1) for line in OF_THE_CLIENT.decode("latin-1").split("\r\n")[:-1]]
    expected += [["Content-Length", "0"]] if b"Expect" in more else []
    assert [list(pair) for pair in noted["headers"]] == [*expected, ["Connection", "close"]]


@pytest.mark.parametrize("pieces", [[], [b"one"], [b"one", b"x" * 100_000, b"three"]])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE", "GET"])
def test_a_chunked_body_goes_on_whole_with_its_length(site, client, method, pieces):
    answer = client.request(method, "/api/voices/save", content=iter(pieces))

    assert answer.status_code == 200
    [noted] = site.noted
    headers = {name.lower(): value for name, value in noted["headers"]}
    assert noted["body"] == b"".join(pieces)
    assert int(headers["content-length"]) == len(noted["body"])
    assert "transfer-encoding" not in headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_a_request_without_a_body_announces_none(site, port, method):
    exchange(port, f"{method} / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())

    [noted] = site.noted
    headers = dict(noted["headers"])
    assert "Transfer-Encoding" not in headers
    assert headers.get("Content-Length") == (None if method in {"GET", "HEAD"} else "0")


@pytest.mark.parametrize("framing", [b"Content-Length: 4", b"Transfer-Encoding: chunked"])
def test_a_client_that_waits_to_be_told_to_continue_is_told(site, port, framing):
    with socket.create_connection((HOST, port), timeout=5) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n%b\r\n\r\n" % framing)
        assert line.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"body" if b"Length" in framing else chunked(b"body"))
        assert line.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n")

    assert site.noted[0]["body"] == b"body"
    assert "expect" not in {name.lower() for name, _ in site.noted[0]["headers"]}


def test_a_chunked_body_of_the_largest_size_passes_and_one_byte_more_is_413(site, client):
    def body(size):
        yield from itertools.repeat(bytes(MIB), size // MIB)
        yield bytes(size % MIB)

    assert client.post("/", content=body(MAX_COLLECTED_BYTES)).json() == {
        "size": MAX_COLLECTED_BYTES
    }
    refused = client.post("/", content=body(MAX_COLLECTED_BYTES + 1))

    error = refused.json()
    assert (refused.status_code, error["status"], error["code"]) == (
        413,
        "error",
        "payload_too_large",
    )
    assert str(MAX_COLLECTED_BYTES) in error["message"]
    assert error["details"] == {"max_bytes": MAX_COLLECTED_BYTES}
    assert error["request_id"] == refused.headers["X-Request-Id"]
    assert refused.headers["Cache-Control"] == "no-store"
    assert len(site.noted) == 1


def test_the_connection_goes_on_after_a_body_that_was_too_large(site, port):
    connection = http.client.HTTPConnection(HOST, port, timeout=20)
    pieces = itertools.repeat(bytes(MIB), 40)
    connection.request("POST", "/", body=pieces, encode_chunked=True)
    first = connection.getresponse()
    assert (first.status, first.read()[:1]) == (413, b"{")
    before = connection.sock

    connection.request("GET", "/next")

    assert connection.getresponse().status == 200
    assert connection.sock is before
    connection.close()


def test_a_body_with_a_length_is_not_held_back(site, port):
    with socket.create_connection((HOST, port), timeout=5) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 80000000\r\n\r\nbegin")

        assert site.first_bytes.wait(5)


ZIPPED = gzip.compress(b"<html>")


@pytest.mark.parametrize(
    ("method", "status", "headers", "body"),
    [
        ("GET", "206 Partial Content", {"Content-Range": "bytes 1-3/9"}, b"abc"),
        ("GET", "302 Found", {"Location": "http://other.example/a?b=%20"}, b""),
        ("GET", "304 Not Modified", {"ETag": '"3"'}, None),
        ("HEAD", "200 OK", {"Content-Length": "4711"}, None),
        ("OPTIONS", "204 No Content", {"Access-Control-Allow-Origin": "http://a"}, None),
        ("GET", "200 OK", {"Content-Encoding": "gzip"}, ZIPPED),
        ("GET", "404 Nothing Here", {"X-Odd": "\xe9"}, b"text"),
        ("GET", "500 Internal Server Error", {"Content-Type": "application/json"}, b"{}"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_answer_comes_back_as_it_is(site, port, method, status, headers, body):
    lines = [f"HTTP/1.1 {status}", "Date: then", "Set-Cookie: a=1", "Set-Cookie: b=2"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [f"Content-Length: {len(body)}"] if body is not None else []
    head = "\r\n".join(lines).encode("latin-1")
    site.answer = raw(head + b"\r\nConnection: close\r\n\r\n" + (body or b""))

    request = f"{method} / HTTP/1.1\r\nHost: h\r\nRange: bytes=1-3\r\nConnection: close\r\n\r\n"
    answer = exchange(port, request.encode())

    assert answer == head + b"\r\nConnection: close\r\n\r\n" + (body or b"")
    assert ("Range", "bytes=1-3") in site.noted[0]["headers"]


def test_an_answer_streams_while_it_is_made(site, client):
    asked = threading.Event()

    def answer(handler, _body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert asked.wait(10)
        asked.clear()
        handler.wfile.write(b"3\r\none\r\n")
        assert asked.wait(10)
        handler.wfile.write(chunked(b"two"))

    site.answer = answer
    with client.stream("GET", "/") as streamed:
        asked.set()
        pieces = streamed.iter_raw()
        assert next(pieces) == b"one"
        asked.set()
        assert b"".join(pieces) == b"two"


def test_an_answer_that_breaks_off_breaks_off(site, client):
    site.answer = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")

    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/")


def test_an_answer_whose_connection_is_reset_breaks_off_and_the_front_goes_on(site, client):
    heard = threading.Event()

    def answer(handler, _body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
        assert heard.wait(10)
        at_once = struct.pack("ii", 1, 0)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        handler.close_connection = True
        # http.server would end it politely first.
        os.close(handler.connection.detach())

    site.answer = answer
    with client.stream("GET", "/") as streamed:
        heard.set()
        with pytest.raises(httpx.TransportError):
            streamed.read()

    site.answer = raw(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.get("/next").status_code == 204


def test_an_answer_that_does_not_wait_for_the_body_arrives(site, client):
    heard = threading.Event()

    def answer(handler, _body):
        handler.wfile.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
        handler.close_connection = True
        # Closed with a body unread, a connection may lose what was written to it.
        heard.wait(20)

    site.answer, site.reads_bodies = answer, False

    refused = client.post("/", content=bytes(20 * MIB))
    heard.set()

    assert (refused.status_code, refused.text) == (413, "no")
    assert client.get("/next").status_code == 413


def test_a_client_that_leaves_while_it_sends_is_gone_upstream_too(site, port):
    with socket.create_connection((HOST, port)) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nbegin")
        assert site.first_bytes.wait(5)

    assert site.client_gone.wait(5)


def test_a_client_that_leaves_while_it_reads_is_gone_upstream_too(site, port):
    def answer(handler, _body):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                handler.wfile.write(bytes(MIB))
        except OSError:
            site.client_gone.set()

    site.answer = answer
    with socket.create_connection((HOST, port)) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert line.recv(100)

    assert site.client_gone.wait(5)


def test_a_client_that_leaves_in_the_middle_of_chunks_reaches_nobody(site, port, client):
    with socket.create_connection((HOST, port)) as line:
        line.sendall(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin")

    assert client.get("/next").status_code == 200
    assert [noted["line"] for noted in site.noted] == ["GET /next HTTP/1.1"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: h\r\nX: \x80\xff\r\nConnection: close\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET http://other.example/ HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0",
        b"CONNECT other.example:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
    ids=["bytes", "HTTP/1.0", "a whole URL", "chunks", "two lengths", "CONNECT", "NUL", "TLS"],
)
def test_no_request_ends_the_front(site, port, client, request_bytes):
    answer = exchange(port, request_bytes)

    assert not answer.startswith(b"HTTP/1.1 5")
    assert client.get("/next").status_code == 200


def test_an_emulator_that_is_not_up_is_said_to_be_so():
    with upstream() as gone:
        pass
    with front(gone.port) as port:
        for body in (b"with a length", iter([b"chunked"])):
            answer = httpx.post(f"http://{HOST}:{port}/", content=body, trust_env=False)
            assert (answer.status_code, answer.json()["code"]) == (502, "unavailable")
            assert answer.json()["status"] == "error"


def test_a_taken_port_is_said_in_one_line(site):
    refused = subprocess.run(
        command(site.port, port=site.port), capture_output=True, text=True, timeout=20, check=False
    )

    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert str(site.port) in refused.stderr


PARENT = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_front_ends_at_once_when_it_is_asked(site, number):
    with subprocess.Popen(command(site.port), stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(number)

        assert process.wait(timeout=5) == -number


def test_the_front_does_not_outlive_its_parent(site):
    line = [sys.executable, "-c", PARENT, *command(site.port)]
    with subprocess.Popen(line, stdout=subprocess.PIPE) as parent:
        orphan = psutil.Process(int(parent.stdout.readline()))
        parent.kill()

    deadline = time.monotonic() + 5
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
