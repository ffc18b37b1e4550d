"""The stand-in speaks RunPod's API: states, limits, expiry, webhooks, and each fault."""

import base64
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from local.ports import HOST
from local.runpod.process import RunningStandIn, running
from local.runpod.voice import Profile

SHAPES = Path(__file__).parent.parent / "runpod_shapes"
PROFILE = base64.b64encode(Profile(120, -20, 4, (-10,) * 32).npy()).decode()
SPEECH = {"text": "Hello.", "voice_id": "voice_ann", "profile_base64": PROFILE}
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"}


@pytest.fixture(scope="module")
def stand_in() -> Iterator[RunningStandIn]:
    with running() as started:
        yield started


@pytest.fixture
def api(stand_in: RunningStandIn) -> Iterator["Api"]:
    """A client of a stand-in that has forgotten everything."""
    stand_in.control("reset")
    with httpx.Client(
        base_url=stand_in.base_url, headers=stand_in.headers, timeout=30, trust_env=False
    ) as client:
        yield Api(client, stand_in)


class Api:
    """What a client does, in few words."""

    def __init__(self, client: httpx.Client, stand_in: RunningStandIn) -> None:
        self.client, self.control = client, stand_in.control

    def start(self, fault: dict | None = None, **more) -> httpx.Response:
        given = SPEECH | ({"_fault": fault} if fault else {})
        return self.client.post("/speech/run", json={"input": given, **more})

    def begun(self, fault: dict | None = None, **more) -> str:
        return self.start(fault, **more).raise_for_status().json()["id"]

    def status(self, job_id: str) -> httpx.Response:
        return self.client.get(f"/speech/status/{job_id}")

    def ended(self, job_id: str) -> dict[str, Any]:
        """Wait for the end of a job; what is told of it then."""
        seen: dict[str, Any] = {}

        def has_ended() -> bool:
            seen.update(self.status(job_id).raise_for_status().json())
            return seen["status"] in ENDED

        eventually(has_ended)
        return seen

    def output(self, fault: dict) -> Any:
        told = self.ended(self.begun(fault))
        assert told["status"] == "COMPLETED"
        return told["output"]


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Receiver:
    """Takes webhooks: answers with the statuses it was given, then with 200."""

    def __init__(self, url: str, bodies: list[dict], times: list[float]) -> None:
        self.url, self.bodies, self.times = url, bodies, times
        self.answers: list[int] = []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.times.append(time.monotonic())
            receiver.bodies.append(json.loads(body))
            self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer((HOST, 0), Handler)
    receiver = Receiver(f"http://{HOST}:{server.server_port}/hook/secret", [], [])
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield receiver
    server.shutdown()
    thread.join()
    server.server_close()


def documented(name: str) -> dict[str, Any]:
    """The body of an answer as RunPod's documentation shows it."""
    return json.loads((SHAPES / f"{name}.json").read_text())["response"]["body"]


def test_job_goes_through_the_states_with_its_times(api: Api) -> None:
    started = api.start({"queue_ms": 300, "run_ms": 300})
    job_id = started.json()["id"]
    seen = []
    while not seen or seen[-1] not in ENDED:
        seen.append(api.status(job_id).json()["status"])
        time.sleep(0.05)

    told = api.status(job_id).json()
    assert started.json() == {"id": job_id, "status": "IN_QUEUE"}
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-u1", job_id)
    assert list(dict.fromkeys(seen)) == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    assert 300 <= told["delayTime"] < 900
    assert 300 <= told["executionTime"] < 1500
    assert told["output"]["status"] == "success"


def test_answers_have_the_documented_fields(api: Api) -> None:
    started = api.start()
    job_id = started.json()["id"]
    completed = api.ended(job_id)
    failed = api.ended(api.begun({"end": "failed"}))
    cancelled = api.client.post(f"/speech/cancel/{api.begun({'queue_ms': 5000})}").json()
    health = api.client.get("/speech/health").json()

    assert started.json().keys() == documented("run").keys()
    assert completed.keys() >= documented("status_completed").keys()
    assert failed.keys() >= documented("status_failed").keys()
    assert (
        json.loads(failed["error"]).keys()
        == json.loads(documented("status_failed")["error"]).keys()
    )
    assert cancelled.keys() == documented("cancel").keys()
    for part, counts in documented("health").items():
        assert health[part].keys() == counts.keys()


def test_state_in_progress_may_be_called_running(api: Api) -> None:
    job_id = api.begun({"run_ms": 500, "state_name": "RUNNING"})

    eventually(lambda: api.status(job_id).json()["status"] == "RUNNING")
    assert api.ended(job_id)["status"] == "COMPLETED"


def test_status_is_told_to_post_too(api: Api) -> None:
    assert api.client.post(f"/speech/status/{api.begun()}").status_code == 200


def test_runsync_waits_for_the_result(api: Api) -> None:
    answer = api.client.post("/speech/runsync", json={"input": SPEECH}).json()

    assert answer["id"].startswith("sync-")
    assert answer.keys() >= documented("runsync").keys()


def test_runsync_waits_no_longer_than_asked(api: Api) -> None:
    given = {"input": SPEECH | {"_fault": {"run_ms": 5000}}}

    answer = api.client.post("/speech/runsync?wait=1000", json=given)

    assert answer.json()["status"] == "IN_PROGRESS"
    assert answer.elapsed.total_seconds() < 3


def test_error_of_the_worker_is_inside_a_completed_job(api: Api) -> None:
    answer = api.client.post("/speech/runsync", json={"input": {"text": "a"}}).json()

    assert answer["status"] == "COMPLETED"
    assert answer["output"]["status"] == "error"


@pytest.mark.parametrize(
    "value", [None, "", "wrong", "Bearer wrong", "Bearer", "Basic a", "Bearer ä"]
)
@pytest.mark.parametrize("path", ["/speech/health", "/none/health", "/speech/status/a"])
def test_call_without_the_key_is_refused(stand_in: RunningStandIn, path, value) -> None:
    headers = {} if value is None else {"Authorization": value.encode()}

    answer = httpx.get(stand_in.base_url + path, headers=headers, trust_env=False)

    assert answer.status_code == 401


def test_control_asks_for_the_key_too(stand_in: RunningStandIn) -> None:
    url = f"{stand_in.base_url.removesuffix('/v2')}/_control/calls"

    assert httpx.get(url, trust_env=False).status_code == 401


def test_unknown_endpoint_and_job_are_not_found(api: Api) -> None:
    job_id = api.begun()

    assert api.client.post("/none/run", json={"input": SPEECH}).status_code == 404
    assert api.status("none").status_code == 404
    assert api.client.post("/speech/cancel/none").status_code == 404
    assert api.client.get(f"/clone/status/{job_id}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"input": 1}',
        b'{"input": {}, "webhook": 1}',
        b'{"input": {}, "policy": 1}',
        b'{"input": {}, "policy": {"executionTimeout": 5000}}',
        b'{"input": {}, "policy": {"ttl": 9999}}',
        b'{"input": {"_fault": {"none": 1}}}',
        b'{"input": {"_fault": {"run": ["none"]}}}',
        b'{"input": {"_fault": {"end": []}}}',
    ],
)
def test_bad_request_is_refused(api: Api, body) -> None:
    assert api.client.post("/speech/run", content=body).status_code == 400


@pytest.mark.parametrize(("operation", "limit_mib"), [("run", 10), ("runsync", 20)])
def test_body_over_the_limit_is_refused(api: Api, operation, limit_mib) -> None:
    def posted(size: int, *, chunked: bool = False) -> int:
        envelope = b'{"input": {"text": "%s"}}'
        body = envelope % (b"a" * (size - len(envelope) + 2))
        content = iter([body]) if chunked else body
        return api.client.post(f"/speech/{operation}", content=content).status_code

    limit = limit_mib * 1024 * 1024
    assert posted(limit) == 200
    assert posted(limit + 1) == 400
    assert posted(limit + 1, chunked=True) == 400


def test_results_expire(api: Api) -> None:
    api.control("settings", {"result_s": 0.8, "sync_result_s": 0.2})
    job_id = api.begun()
    synchronous = api.client.post("/speech/runsync", json={"input": SPEECH}).json()["id"]
    api.ended(job_id)

    eventually(lambda: api.status(synchronous).status_code == 404)
    assert api.status(job_id).status_code == 200
    eventually(lambda: api.status(job_id).status_code == 404)


def test_settings_come_from_the_environment_and_are_runpods_own_otherwise() -> None:
    with running(result_s=0.1) as stand_in:
        url = f"{stand_in.base_url}/speech"
        body = {"input": SPEECH}
        job_id = httpx.post(f"{url}/run", json=body, headers=stand_in.headers).json()["id"]

        eventually(
            lambda: httpx.get(f"{url}/status/{job_id}", headers=stand_in.headers).status_code == 404
        )


@pytest.mark.parametrize("fault", [{"queue_ms": 60_000}, {"run_ms": 60_000}])
def test_cancelled_job_ends_at_once_and_calls_nobody(api: Api, receiver: Receiver, fault) -> None:
    job_id = api.begun(fault, webhook=receiver.url)
    time.sleep(0.2)

    answer = api.client.post(f"/speech/cancel/{job_id}")

    assert answer.json() == {"id": job_id, "status": "CANCELLED"}
    assert api.status(job_id).json()["status"] == "CANCELLED"
    time.sleep(0.2)
    assert receiver.bodies == []


def test_job_that_has_ended_cannot_be_cancelled(api: Api) -> None:
    job_id = api.begun()
    api.ended(job_id)

    assert api.client.post(f"/speech/cancel/{job_id}").json()["status"] == "COMPLETED"


def test_job_that_runs_too_long_times_out(api: Api, receiver: Receiver) -> None:
    api.control("settings", {"min_execution_timeout_ms": 0, "min_ttl_ms": 0})
    stuck = api.begun({"end": "stuck"}, policy={"executionTimeout": 300}, webhook=receiver.url)
    waiting = api.begun({"queue_ms": 60_000}, policy={"ttl": 300})

    told = api.ended(stuck)

    assert told["status"] == "TIMED_OUT"
    assert told["executionTime"] >= 300
    assert api.ended(waiting)["status"] == "TIMED_OUT"
    eventually(lambda: [body["status"] for body in receiver.bodies] == ["TIMED_OUT"])


def test_no_more_jobs_run_at_once_than_there_are_workers(api: Api) -> None:
    api.control("settings", {"workers": 2})
    for _ in range(5):
        api.begun({"run_ms": 60_000})

    eventually(lambda: api.client.get("/speech/health").json()["workers"]["running"] == 2)
    health = api.client.get("/speech/health").json()
    assert health["workers"]["idle"] == 0
    assert (health["jobs"]["inProgress"], health["jobs"]["inQueue"]) == (2, 3)


def test_webhook_brings_what_status_tells_and_the_request(api: Api, receiver: Receiver) -> None:
    job_id = api.begun(webhook=receiver.url)

    told = api.ended(job_id)

    eventually(lambda: len(receiver.bodies) == 1)
    example = json.loads((SHAPES / "webhook.json").read_text())["request"]["body"]
    assert receiver.bodies[0].keys() >= example.keys()
    assert receiver.bodies[0] == told | {"input": SPEECH, "webhook": receiver.url}


@pytest.mark.parametrize("end", ["failed", "crash"])
def test_webhook_tells_of_failures_too(api: Api, receiver: Receiver, end) -> None:
    api.begun({"end": end}, webhook=receiver.url)

    eventually(lambda: [body["status"] for body in receiver.bodies] == ["FAILED"])


@pytest.mark.parametrize(
    ("answers", "calls"), [([500], 2), ([204, 301], 3), ([500, 404, 503, 500], 3)]
)
def test_webhook_is_repeated_twice_until_it_is_answered_with_200(
    api: Api, receiver: Receiver, answers, calls
) -> None:
    api.control("settings", {"webhook_retry_s": 0.3})
    receiver.answers = answers

    job_id = api.begun(webhook=receiver.url)

    eventually(lambda: len(receiver.bodies) == calls)
    time.sleep(0.5)
    assert len(receiver.bodies) == calls
    gaps = np.diff(receiver.times)
    assert all(0.3 <= gap < 0.9 for gap in gaps)
    tries = api.control("calls")["webhooks"]
    assert [(each["job_id"], each["attempt"]) for each in tries] == [
        (job_id, number + 1) for number in range(calls)
    ]


def test_webhook_that_nobody_takes_is_noted_without_a_status(api: Api) -> None:
    api.control("settings", {"webhook_retry_s": 0.01})
    api.begun(webhook=f"http://{HOST}:9/")
    api.begun(webhook="no address")

    eventually(lambda: len(api.control("calls")["webhooks"]) == 6)
    assert {each["status"] for each in api.control("calls")["webhooks"]} == {0}


def test_webhook_can_be_lost(api: Api, receiver: Receiver) -> None:
    api.ended(api.begun({"webhook": "lost"}, webhook=receiver.url))

    time.sleep(0.3)
    assert receiver.bodies == []


def test_webhook_can_be_doubled(api: Api, receiver: Receiver) -> None:
    api.begun({"webhook": "doubled"}, webhook=receiver.url)

    eventually(lambda: len(receiver.bodies) == 2)
    assert receiver.bodies[0] == receiver.bodies[1]


def test_webhook_can_be_late(api: Api, receiver: Receiver) -> None:
    api.ended(api.begun({"webhook": "late", "webhook_ms": 400}, webhook=receiver.url))
    ended = time.monotonic()

    eventually(lambda: len(receiver.bodies) == 1)
    assert receiver.times[0] - ended > 0.2


def test_webhook_can_come_before_status_knows_of_it(api: Api, receiver: Receiver) -> None:
    job_id = api.begun({"webhook": "early", "webhook_ms": 500}, webhook=receiver.url)

    eventually(lambda: len(receiver.bodies) == 1)

    assert receiver.bodies[0]["status"] == "COMPLETED"
    assert receiver.bodies[0]["output"]["status"] == "success"
    assert api.status(job_id).json()["status"] == "IN_PROGRESS"
    assert api.ended(job_id)["status"] == "COMPLETED"
    assert len(receiver.bodies) == 1


def test_webhook_can_be_followed_by_an_older_one(api: Api, receiver: Receiver) -> None:
    api.begun({"webhook": "stale", "webhook_ms": 200}, webhook=receiver.url)

    eventually(lambda: len(receiver.bodies) == 2)
    assert [body["status"] for body in receiver.bodies] == ["COMPLETED", "IN_PROGRESS"]
    assert "output" not in receiver.bodies[1]


def test_worker_can_fail_in_four_ways(api: Api) -> None:
    assert api.output({"end": "error"})["status"] == "error"
    failed, crashed = (api.ended(api.begun({"end": end})) for end in ("failed", "crash"))

    assert (failed["status"], crashed["status"]) == ("FAILED", "FAILED")
    assert json.loads(failed["error"])["error_message"]
    assert "exited" in crashed["error"]
    assert "output" not in failed.keys() | crashed.keys()


def test_output_can_be_a_data_uri(api: Api) -> None:
    audio = api.output({"output": "data_uri"})["audio"]

    head, _, data = audio.partition(",")
    assert head == "data:audio/wav;base64"
    assert base64.b64decode(data)[:4] == b"RIFF"


def test_output_can_be_an_address(api: Api) -> None:
    output = api.output({"output": "audio_url"})

    answer = httpx.get(output["audio_url"], trust_env=False)
    assert "audio_base64" not in output
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.content[:4] == b"RIFF"
    missing = httpx.get(f"{output['audio_url']}x", trust_env=False)
    assert missing.status_code == 404


def test_output_can_be_any_address(api: Api) -> None:
    url = "http://169.254.169.254/latest"

    assert api.output({"output": "audio_url", "url": url})["audio_url"] == url


def test_output_can_have_other_shapes(api: Api) -> None:
    bare = api.output({"output": "duration_s"})
    nested = api.output({"output": "nested"})
    listed = api.output({"output": "list"})
    wrong = api.output({"output": "wrong_types"})
    other = api.output({"output": "not_audio"})

    assert bare.keys() == {"audio_base64", "duration_s"}
    assert 0.3 < bare["duration_s"] < 3
    assert nested["output"]["status"] == listed[0]["status"] == "success"
    assert isinstance(wrong["audio_base64"], int)
    assert isinstance(wrong["metadata"], list)
    assert base64.b64decode(other["audio_base64"]).startswith(b"<html>")


def test_output_can_be_missing(api: Api) -> None:
    told = api.ended(api.begun({"output": "missing"}))

    assert told["status"] == "COMPLETED"
    assert "output" not in told


def test_output_can_be_huge_and_is_sound(api: Api) -> None:
    output = api.output({"output": "huge"})

    audio = soundfile.info(io.BytesIO(base64.b64decode(output["audio_base64"])))
    assert len(output["audio_base64"]) >= 40_000_000
    assert output["metadata"]["audio_shape"] == [1, audio.frames]


def test_profile_can_be_pickled(api: Api) -> None:
    audio = api.output({})["audio_base64"]
    given = {"name": "Ann", "audio_data": audio, "_fault": {"output": "pickled"}}

    output = api.client.post("/clone/runsync", json={"input": given}).json()["output"]

    file = io.BytesIO(base64.b64decode(output["profile_base64"]))
    with pytest.raises(ValueError, match="allow_pickle"):
        np.load(file, allow_pickle=False)


def test_start_can_be_refused_for_a_while(api: Api) -> None:
    fault = {"run": [429, 429, 500]}

    answers = [api.start(fault) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [429, 429, 500, 200, 200]
    assert answers[0].headers["Retry-After"] == "1"
    assert len(api.control("calls")["jobs"]) == 2


@pytest.mark.parametrize(
    ("how", "error", "jobs"),
    [
        ("reset", httpx.ReadError, 0),
        ("lost", httpx.ReadError, 1),
        ("cut", httpx.RemoteProtocolError, 1),
        ("half", json.JSONDecodeError, 1),
    ],
)
def test_answer_to_a_start_can_break(api: Api, how, error, jobs) -> None:
    fault = {"run": [how]}

    with pytest.raises(error):
        api.start(fault).json()

    assert len(api.control("calls")["jobs"]) == jobs
    assert api.start(fault).json()["status"] == "IN_QUEUE"


def test_answers_about_status_can_break_one_after_another(api: Api) -> None:
    job_id = api.begun({"status": ["half", "cut", "reset", 500, 429]})

    with pytest.raises(json.JSONDecodeError):
        api.status(job_id).json()
    with pytest.raises(httpx.RemoteProtocolError):
        api.status(job_id)
    with pytest.raises(httpx.ReadError):
        api.status(job_id)
    assert [api.status(job_id).status_code for _ in range(3)] == [500, 429, 200]


def test_answer_can_be_slow(api: Api) -> None:
    job_id = api.begun({"status": ["slow"], "slow_ms": 400})

    assert api.status(job_id).elapsed.total_seconds() >= 0.4
    assert api.status(job_id).elapsed.total_seconds() < 0.3


def test_fault_can_come_as_a_header(api: Api) -> None:
    headers = {"X-Fault": json.dumps({"end": "crash"})}
    started = api.client.post("/speech/run", json={"input": SPEECH}, headers=headers).json()
    broken = {"X-Fault": json.dumps({"status": [503]})}

    assert api.ended(started["id"])["status"] == "FAILED"
    assert api.client.get(f"/speech/status/{started['id']}", headers=broken).status_code == 503
    assert api.status(started["id"]).status_code == 200


def test_worker_never_sees_the_fault(api: Api, receiver: Receiver) -> None:
    api.begun({"queue_ms": 10}, webhook=receiver.url)

    eventually(lambda: len(receiver.bodies) == 1)
    assert "_fault" not in receiver.bodies[0]["input"]


def test_plan_gives_each_of_the_next_jobs_its_fault(api: Api) -> None:
    queue = [{"endpoint": "clone", "end": "failed"}, {"end": "crash"}, {"run": [429]}]
    api.control("faults", {"queue": queue})

    crashed = api.ended(api.begun())
    refused, repeated = api.start(), api.start()
    sound = api.ended(api.begun())

    assert "exited" in crashed["error"]
    assert (refused.status_code, repeated.status_code) == (429, 200)
    assert sound["status"] == "COMPLETED"


def test_same_seed_draws_the_same_faults(api: Api) -> None:
    chance = {"error": 0.3, "failed": 0.3, "crash": 0.3}

    def drawn() -> list[str]:
        api.control("reset")
        api.control("faults", {"seed": 7, "chance": chance})
        return [json.dumps(api.ended(api.begun()).get("error", "")) for _ in range(12)]

    assert drawn() == drawn()
    assert len(set(drawn())) > 1


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("faults", {"queue": [{"none": 1}]}),
        ("faults", {"queue": [1]}),
        ("faults", {"none": 1}),
        ("faults", {"chance": {"none": 1}}),
        ("settings", {"none": 1}),
        ("settings", {"workers": "many"}),
    ],
)
def test_control_refuses_what_it_does_not_know(api: Api, action, body) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="400"):
        api.control(action, body)


def test_runpods_own_client_works_with_it(stand_in: RunningStandIn) -> None:
    script = f"""
import runpod
endpoint = runpod.Endpoint("speech", api_key={stand_in.key!r})
given = {{"input": {SPEECH!r}}}
run = endpoint.run(given)
assert run.output(timeout=20)["status"] == "success"
assert run.status() == "COMPLETED"
assert endpoint.run_sync(given)["status"] == "success"
slow = endpoint.run({{"input": {{**given["input"], "_fault": {{"queue_ms": 60000}}}}}})
assert slow.status() == "IN_QUEUE"
assert slow.cancel()["status"] == "CANCELLED"
assert endpoint.health()["jobs"]["completed"] >= 2
"""
    environ = os.environ | {"RUNPOD_ENDPOINT_BASE_URL": stand_in.base_url}

    run = subprocess.run(
        [sys.executable, "-c", script],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stderr


def test_calls_are_counted_with_digests_of_what_is_long(api: Api) -> None:
    job_id = api.begun()
    api.ended(job_id)

    calls = api.control("calls")["calls"]

    digest = hashlib.sha256(PROFILE.encode()).hexdigest()
    assert calls[0]["path"] == "/v2/speech/run"
    assert calls[0]["job_id"] == calls[1]["job_id"] == job_id
    assert calls[0]["input"]["text"] == "Hello."
    assert calls[0]["input"]["profile_base64"] == {"characters": len(PROFILE), "sha256": digest}


def test_two_hundred_jobs_with_every_fault_by_chance_all_end(api: Api) -> None:
    api.control("settings", {"workers": 8})
    # Huge outputs take their time, and nothing else of this test.
    names = {"error", "failed", "crash", "queued", "working", "run_429", "run_500", "run_reset"}
    names |= {"run_lost", "run_half", "status_500", "status_half", "status_cut", "status_reset"}
    names |= {"data_uri", "duration_s", "nested", "list", "wrong_types", "missing", "pickled"}
    api.control("faults", {"seed": 1, "chance": dict.fromkeys(names, 0.1)})

    def patiently(call: Callable[[], httpx.Response]) -> dict[str, Any]:
        for _ in range(20):
            try:
                return call().raise_for_status().json()
            except (httpx.HTTPError, ValueError):
                continue
        raise AssertionError("It never answered.")

    def one(number: int) -> str:
        given = SPEECH | {"text": f"Number {number}."}
        job_id = patiently(lambda: api.client.post("/speech/run", json={"input": given}))["id"]
        while (state := patiently(lambda: api.status(job_id))["status"]) not in ENDED:
            time.sleep(0.05)
        return state

    with ThreadPoolExecutor(16) as pool:
        states = list(pool.map(one, range(200)))

    assert set(states) == {"COMPLETED", "FAILED"}
