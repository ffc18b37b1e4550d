"""Our client of RunPod's API against a server on loopback that answers as a test says."""

import gzip
import json
import resource
import threading
import time
import traceback
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from voxshelf.adapters.runpod_api import MAX_ANSWER_BYTES, RunpodApi
from voxshelf.core.errors import RunpodFailed, Unavailable, VoxshelfError

SHAPES = Path(__file__).parents[1] / "runpod_shapes"
KEY = "rpa_SECRETKEYOFTHEACCOUNT"
QUEUED = {"id": "job-1", "status": "IN_QUEUE"}
DONE = {"id": "job-1", "status": "COMPLETED", "output": {}, "delayTime": 5, "executionTime": 7}


class Server(ThreadingHTTPServer):
    """Answers requests with `answers`, one after another, the last for ever.

    An answer is a status and a JSON value or bytes, or a function that writes by itself.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests, self.connections = [(200, QUEUED)], [], 0

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        """Clients go away in the middle of these tests."""

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v2"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        server.requests.append((self.command, self.path, dict(self.headers), body))
        answers = server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            self.close_connection = True
            answer(self)
            return
        status, value, *headers = answer
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in (headers[0] if headers else {}).items():
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = _answer  # noqa: N815 - the names are http.server's

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def api(server):
    api = RunpodApi(
        server.url, KEY, timeout=httpx.Timeout(0.5), answer_deadline_s=1.0, retry_for_s=1.5
    )
    yield api
    api._client.close()


def paths(server):
    return [(method, path) for method, path, _, _ in server.requests]


def documented(name):
    return json.loads((SHAPES / f"{name}.json").read_text())


@pytest.mark.parametrize("name", ["run", "run_with_webhook_and_policy"])
def test_a_start_is_sent_and_read_as_documented(api, server, name):
    shape = documented(name)
    server.answers = [(shape["response"]["status"], shape["response"]["body"])]
    job = api.run("e1", shape["request"]["body"])
    [(method, path, headers, body)] = server.requests
    assert (method, path) == ("POST", "/v2/e1/run")
    assert (headers["Authorization"], headers["Content-Type"]) == (
        f"Bearer {KEY}",
        "application/json",
    )
    assert json.loads(body) == shape["request"]["body"]
    assert (job.runpod_job_id, job.state) == (shape["response"]["body"]["id"], "IN_QUEUE")


@pytest.mark.parametrize("name", ["status_completed", "status_failed"])
def test_a_status_is_read_as_documented(api, server, name):
    answer = documented(name)["response"]["body"]
    server.answers = [(200, answer)]
    job = api.status("e1", answer["id"])
    assert paths(server) == [("GET", f"/v2/e1/status/{answer['id']}")]
    assert (job.runpod_job_id, job.state) == (answer["id"], answer["status"])
    assert (job.delay_ms, job.execution_ms) == (answer["delayTime"], answer["executionTime"])
    assert job.output == answer.get("output")
    assert job.error == ("out of memory" if answer["status"] == "FAILED" else None)


@pytest.mark.parametrize("state", documented("job_states")["states"])
def test_every_documented_state_is_known(api, server, state):
    server.answers = [(200, {"id": "job-1", "status": state})]
    assert api.status("e1", "job-1").state == state


def test_a_cancellation_is_sent_as_documented(api, server):
    shape = documented("cancel")
    server.answers = [(200, shape["response"]["body"])]
    api.cancel("e1", "job-1")
    assert paths(server) == [("POST", "/v2/e1/cancel/job-1")]


@pytest.mark.parametrize("status", [400, 404])
def test_cancelling_what_has_ended_or_never_was_is_success(api, server, status):
    server.answers = [(status, {})]
    api.cancel("e1", "job-1")


def test_a_job_that_is_not_known_is_none(api, server):
    server.answers = [(404, {"error": "job not found"})]
    assert api.status("e1", "job-1") is None


@pytest.mark.parametrize("status", [429, 500, 502, 503, 524])
@pytest.mark.parametrize("method", ["run", "status", "cancel"])
def test_no_room_and_faults_of_its_own_are_tried_again(api, server, method, status):
    server.answers = [(status, {}), (status, {}), (200, QUEUED)]
    getattr(api, method)("e1", {} if method == "run" else "job-1")
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 409, 413, 422])
def test_no_other_answer_is_tried_again_and_no_redirect_followed(api, server, status):
    server.answers = [(status, {"error": "no"}, {"Location": f"{server.url}/elsewhere"})]
    for call in (lambda: api.run("e1", {}), lambda: api.status("e1", "job-1")):
        with pytest.raises(RunpodFailed):
            call()
    assert len(server.requests) == 2


def test_the_answer_says_how_long_to_wait(api, server):
    server.answers = [(429, {}, {"Retry-After": "1"}), (200, QUEUED)]
    began = time.monotonic()
    api.run("e1", {})
    assert 1.0 <= time.monotonic() - began < 3.0


@pytest.mark.parametrize("value", ["-1", "soon", "Wed, 21 Oct 2026 07:28:00 GMT", "٣", ""])
def test_a_wait_that_is_no_number_of_seconds_is_not_one(api, server, value):
    server.answers = [
        lambda handler: handler.wfile.write(
            f"HTTP/1.1 429 No\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode()
        ),
        (200, QUEUED),
    ]
    assert api.run("e1", {}).state == "IN_QUEUE"


def test_a_start_that_is_refused_for_want_of_room_has_not_started(api, server):
    server.answers = [(429, {})]
    with pytest.raises(RunpodFailed, match="no room"):
        api.run("e1", {})
    with pytest.raises(Unavailable):
        api.status("e1", "job-1")


def test_a_start_that_met_faults_to_the_end_may_have_started(api, server):
    server.answers = [(500, {})]
    with pytest.raises(Unavailable):
        api.run("e1", {})


def cut_off(handler):
    handler.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"id":')


def hang_up(handler):
    """Close without an answer."""


def never(handler):
    time.sleep(0.8)


def drip(handler):
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
    for _ in range(20):
        time.sleep(0.1)
        handler.wfile.write(b" ")


@pytest.mark.parametrize("answer", [cut_off, hang_up, never, drip])
@pytest.mark.parametrize("method", ["run", "status", "cancel"])
def test_a_broken_line_is_not_tried_again_and_soon_given_up(api, server, method, answer):
    server.answers = [answer]
    began = time.monotonic()
    with pytest.raises(Unavailable):
        getattr(api, method)("e1", {} if method == "run" else "job-1")
    assert len(server.requests) == 1
    assert time.monotonic() - began < 2.0


def test_a_start_that_reached_nobody_has_not_started():
    api = RunpodApi("http://127.0.0.1:9/v2", KEY, timeout=httpx.Timeout(0.5))
    with pytest.raises(RunpodFailed, match="reached"):
        api.run("e1", {})
    with pytest.raises(Unavailable):
        api.status("e1", "job-1")
    api._client.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id": "job-1", "status": "IN_',
        b"[]",
        b"null",
        b"<html>",
        b"\xff",
        b"[" * 100_000,
        b'{"id": "job-1"}',
        b'{"id": 7, "status": "IN_QUEUE"}',
        b'{"id": "../x", "status": "IN_QUEUE"}',
        b'{"id": "", "status": "IN_QUEUE"}',
        b'{"id": "job-1", "status": "DREAMING"}',
        b'{"id": "job-1", "status": ["IN_QUEUE"]}',
    ],
    ids=lambda body: body[:40].decode("latin-1") or "empty",
)
def test_an_answer_that_is_none_is_no_word_of_runpods(api, server, body):
    server.answers = [(200, body)]
    with pytest.raises(Unavailable):
        api.run("e1", {})
    with pytest.raises(Unavailable):
        api.status("e1", "job-1")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("No speech.", "No speech."),
        ("No speech.\nTraceback (most recent call last)", "No speech."),
        ("Traceback (most recent call last):\n  File", None),
        ('{"error_message": "No speech.", "error_traceback": "Traceback"}', "No speech."),
        ({"error_message": "No speech."}, "No speech."),
        ("{broken", None),
        ("{" * 50_000, None),
        ("[1]", "[1]"),
        (["a"], None),
        ("", None),
        ("x" * 500, "x" * 300),
    ],
)
def test_of_a_failure_people_see_the_first_line_and_no_traceback(api, server, error, shown):
    server.answers = [(200, {"id": "job-1", "status": "FAILED", "error": error})]
    assert api.status("e1", "job-1").error == shown


@pytest.mark.parametrize("value", [-1, "5", None, float("nan"), 1e300, {}])
def test_a_time_that_is_none_is_left_out(api, server, value):
    server.answers = [(200, {**DONE, "delayTime": value})]
    job = api.status("e1", "job-1")
    assert (job.delay_ms, job.execution_ms) == (None, 7)


def test_many_calls_take_one_connection(api, server):
    for _ in range(5):
        api.run("e1", {"input": {}})
        api.status("e1", "job-1")
        api.cancel("e1", "job-1")
    assert (len(server.requests), server.connections) == (15, 1)


def huge(declared):
    def answer(handler):
        head = "Content-Length: 40000000" if declared else "Transfer-Encoding: chunked"
        handler.wfile.write(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\n".encode())
        block = b"x" * 1_000_000
        for _ in range(40):
            handler.wfile.write(block if declared else b"f4240\r\n" + block + b"\r\n")

    return answer


@pytest.mark.parametrize("declared", [True, False])
def test_a_result_that_is_too_large_is_a_failed_job_and_not_kept_in_memory(api, server, declared):
    server.answers = [huge(declared)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        job = api.status("e1", "job-1")
        assert (job.state, job.runpod_job_id) == ("FAILED", "job-1")
        assert "more than can be kept" in job.error
    grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    # What was not declared is read up to the limit, in a buffer that is moved as it grows.
    assert grown_kb * 1024 < (8_000_000 if declared else 2 * MAX_ANSWER_BYTES)


@pytest.mark.parametrize(
    "value", [b"[]", b"{}", b"1.5", b'""'], ids=["lists", "objects", "numbers", "texts"]
)
def test_a_result_of_millions_of_values_is_a_failed_job_and_none_of_them_is_made(
    api, server, value
):
    values = b",".join([value] * 1_000_000)
    body = b'{"id": "job-1", "status": "COMPLETED", "output": [%b]}' % values
    server.answers = [(200, body)]
    tracemalloc.start()
    try:
        job = api.status("e1", "job-1")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (job.state, job.output) == ("FAILED", None)
    assert peak < 3 * len(body)


def test_a_compressed_answer_is_not_asked_for_and_not_unpacked(api, server):
    bomb = gzip.compress(b'{"id": "job-1", "status": "COMPLETED", "output": "' + b"0" * 10_000_000)
    server.answers = [(200, bomb, {"Content-Encoding": "gzip"})]
    with pytest.raises(Unavailable):
        api.status("e1", "job-1")
    assert server.requests[0][2]["Accept-Encoding"] == "identity"


@pytest.mark.parametrize("key", [KEY, f"{KEY}\n", f"{KEY}\u2028"], ids=["plain", "break", "odd"])
def test_the_key_is_in_no_text_of_a_failure_and_in_no_representation(server, key, capsys):
    texts = []
    try:
        api = RunpodApi(server.url, key, timeout=httpx.Timeout(0.3), retry_for_s=0.2)
    except Exception as error:
        texts.append("".join(traceback.format_exception(error)))
    else:
        for answer in (cut_off, hang_up, (500, {}), (401, {}), (200, b"x")):
            server.answers = [answer]
            for call in (lambda: api.run("e1", {}), lambda: api.status("e1", "job-1")):
                with pytest.raises(VoxshelfError) as failed:
                    call()
                texts.append("".join(traceback.format_exception(failed.value)))
                texts += [repr(failed.value), str(failed.value.details)]
        texts += [repr(api), str(api._client), repr(api._client.headers)]
        api._client.close()
    assert all(KEY not in text for text in texts)
    assert KEY not in capsys.readouterr().out
