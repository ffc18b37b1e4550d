"""What jobs return draws on the budget as what clients send does; a full one costs no result."""

import json
import tracemalloc
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.endpoint.test_saves import b64
from tests.sounds import wav
from tests.unit.workshop import SPOKEN, Workshop
from voxshelf.adapters.runpod_api import RunpodApi
from voxshelf.core.errors import PayloadTooLarge, Unavailable
from voxshelf.use_cases.budget import Budget

MIB = 1024**2
# About 3 MiB, in base64 four.
LONG = {**SPOKEN, "audio_base64": b64(wav(65.0))}


@pytest.fixture
def shop():
    shop = Workshop()
    shop.save_voice()
    shop.services.budget = Budget(10 * MIB, wait_s=0)
    return shop


@pytest.mark.parametrize("by", ["base64", "address"])
def test_a_result_waits_until_there_is_room_for_it(shop, by):
    output = LONG
    if by == "address":
        shop.services.budget = Budget(30 * MIB, wait_s=0)
        shop.runpod.files["https://files.example/a.wav"] = wav(65.0)
        output = {**SPOKEN, "audio_url": "https://files.example/a.wav"}
        del output["audio_base64"]
    job = shop.speak()[0]
    shop.workers.complete("r-1", output)
    with shop.services.budget.claim() as other:
        other.take(9 * MIB)
        assert shop.settle(job.job_id).state == "saving"
    assert shop.settle(job.job_id).state == "done"
    assert shop.services.budget.taken_bytes == 0
    shop.check()


def test_a_result_that_is_kept_for_a_retry_is_read_only_when_there_is_room(shop):
    output_sha256 = shop.ports["results"].keep("ada", LONG)
    shop.services.budget = Budget(20 * MIB, wait_s=0)
    results = shop.ports["results"]
    with shop.services.budget.claim() as other:
        other.take(15 * MIB)
        with pytest.raises(Unavailable):
            results.kept("ada", output_sha256)
    assert results.kept("ada", output_sha256) == LONG
    assert results.kept("ada", "0" * 64) is None
    assert shop.services.budget.taken_bytes == 0


class _Status(BaseHTTPRequestHandler):
    declares = True

    def do_GET(self):
        data = json.dumps({"id": "r-1", "status": "COMPLETED", "output": LONG}).encode()
        self.send_response(200)
        if self.declares:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *arguments):
        pass


@pytest.mark.parametrize("declares", [True, False], ids=["of known length", "of unknown length"])
def test_an_answer_of_runpod_takes_its_room_while_it_is_read(monkeypatch, declares):
    monkeypatch.setattr(_Status, "declares", declares)
    with HTTPServer(("127.0.0.1", 0), _Status) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            for room, refusal in ((30 * MIB, None), (8 * MIB, PayloadTooLarge)):
                budget = Budget(room, wait_s=0)
                url = f"http://127.0.0.1:{server.server_port}/v2"
                api = RunpodApi(url, "key", budget=budget, retry_for_s=0.2)
                if refusal is None:
                    assert api.status("e1", "r-1").output == LONG
                else:
                    with pytest.raises(refusal):
                        api.status("e1", "r-1")
                assert budget.taken_bytes == 0
                api._client.close()
        finally:
            server.shutdown()
            thread.join()


def keep(shop, output):
    """Keep an output; return its digest, and the memory that it took at the most."""
    tracemalloc.start()
    try:
        digest = shop.ports["results"].keep("ada", output)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return digest, peak


OUTPUTS = {
    "long texts": {"audio_base64": "UklG" * 4_000_000, "pieces": ["x" * 200_000, None, 1.5, []]},
    "all kinds": {
        "a": [True, {"b": {}, "c": '\N{GRINNING FACE}\n"'}, [[]]],
        "": "é" * 70_000,
        "z": -1,
    },
    "a list": [],
    "a text": "x",
    "nothing": None,
}


@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_a_result_that_is_kept_is_itself_and_never_copied_whole(shop, output):
    shop.services.budget = Budget(100 * MIB, wait_s=0)
    digest, peak = keep(shop, output)
    assert shop.ports["results"].kept("ada", digest) == output
    # The store of these tests keeps one copy, and takes another one while it does.
    stored = len(json.dumps(output))
    assert peak < 2 * stored + 2 * MIB
