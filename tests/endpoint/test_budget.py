"""Large files at the same time: as many as fit are taken, the rest is told when to come again."""

import base64
import io
import json
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from benchmarks.footprint import footprint
from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_items import save_voice_json
from tests.endpoint.test_moving import export
from tests.endpoint.test_saves import b64
from tests.hardening.bodies import form, part
from tests.sounds import npy, wav
from voxshelf.use_cases.budget import FREE_BYTES, Budget

MIB = 1024**2
AT_ONCE = 8
# What the pages of a file may be more than its bytes, and what one more block is.
SLACK = MIB


@pytest.fixture(scope="module")
def long_wav():
    """Return a recording of about 10 MiB."""
    return wav(218.0)


def claimed(budget):
    """What is held now: requests that have ended hold nothing."""
    return budget.taken_bytes


def save_by_path(function, number):
    """Save one upload as a client does that obeys; tell how often it was refused."""
    body = {
        "voice_id": "voice_my_voice",
        "audio_path": f"uploads/ada/{number}.wav",
        "text": f"Number {number}.",
    }
    refusals = 0
    while True:
        answer = function("tts_save").post("/", json=body, headers=ADA)
        if answer.status_code == 201:
            return refusals
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        refusals += 1
        assert refusals < 500
        # A hundredth of what it says: a test cannot wait for it.
        time.sleep(int(answer.headers["Retry-After"]) / 100)


def test_eight_large_saves_at_once_stay_within_the_budget_and_all_succeed(
    function, services, long_wav
):
    save_voice_json(function)
    for number in range(AT_ONCE):
        services.objects.plant(f"uploads/ada/{number}.wav", long_wav)
    services.budget = Budget(40 * MIB, wait_s=0.02)
    nothing = Path(tempfile.mkdtemp())
    with (
        footprint(os.getpid(), nothing, 0.002, memory_of=lambda _: 0) as highest,
        ThreadPoolExecutor(max_workers=AT_ONCE) as clients,
    ):
        refusals = list(clients.map(lambda number: save_by_path(function, number), range(AT_ONCE)))
    assert sum(refusals) > 0
    assert highest.disk > 2 * len(long_wav)
    assert highest.disk <= 40 * MIB + AT_ONCE * FREE_BYTES + SLACK
    assert claimed(services.budget) == 0
    generations = function("library").get("/api/tts/generations", headers=ADA).get_json()
    assert generations["total_generations"] == AT_ONCE


def test_an_upload_that_can_never_fit_is_refused_for_good(function, services, long_wav):
    save_voice_json(function)
    services.objects.plant("uploads/ada/0.wav", long_wav)
    services.budget = Budget(5 * MIB, wait_s=10)
    body = {"voice_id": "voice_my_voice", "audio_path": "uploads/ada/0.wav", "text": "x"}
    answer = function("tts_save").post("/", json=body, headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")
    assert "Retry-After" not in answer.headers
    assert claimed(services.budget) == 0


VOICE = part("voice_id", b"voice_my_voice")


class Held:
    """Watches how much a request holds at each look that it takes at its audio."""

    def __init__(self, services):
        self.seen, self._inspect, self._services = [], services.inspect_audio, services
        services.inspect_audio = self

    def __call__(self, content, limits, owner):
        self.seen.append(self._services.budget.taken_bytes + FREE_BYTES)
        return self._inspect(content, limits, owner)


def save(function, target, headers=ADA, **request):
    return function(target).post("/", headers=headers, **request)


class TestWhatIsHeld:
    """Each way in which bytes come counts; what was decoded is not held twice."""

    @pytest.fixture
    def held(self, function, services):
        save_voice_json(function)
        return Held(services)

    def test_a_form_counts_once(self, function, services, held, long_wav):
        request = form(VOICE, part("audio_file", long_wav, "a.wav"))
        answer = save(function, "tts_save", **request)
        assert answer.status_code == 201
        assert len(long_wav) <= held.seen[-1] <= len(long_wav) + 4096
        assert claimed(services.budget) == 0

    def test_base64_in_json_counts_once_it_is_decoded_as_what_it_stands_for(
        self, function, services, held, long_wav
    ):
        body = {"voice_id": "voice_my_voice", "audio_base64": b64(long_wav)}
        assert save(function, "tts_save", json=body).status_code == 201
        assert len(long_wav) <= held.seen[-1] <= len(long_wav) + 4096

    def test_base64_in_a_form_does_too(self, function, services, held, long_wav):
        request = form(VOICE, part("audio_base64", b64(long_wav).encode()))
        answer = save(function, "tts_save", **request)
        assert answer.status_code == 201
        assert len(long_wav) <= held.seen[-1] <= len(long_wav) + 8192

    @pytest.mark.parametrize(("room_mib", "status"), [(40, 201), (10, 413)])
    def test_a_body_of_unknown_length_counts_as_it_comes(
        self, function, services, held, long_wav, room_mib, status
    ):
        services.budget = Budget(room_mib * MIB, wait_s=0)
        body = json.dumps({"voice_id": "voice_my_voice", "audio_base64": b64(long_wav)})
        answer = save(
            function,
            "tts_save",
            input_stream=io.BytesIO(body.encode()),
            content_type="application/json",
            environ_overrides={"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True},
        )
        assert answer.status_code == status
        if status == 201:
            assert len(long_wav) <= held.seen[-1] <= len(long_wav) + MIB + 4096
        assert claimed(services.budget) == 0

    def test_a_large_body_is_refused_before_it_is_read_when_there_is_no_room(
        self, function, services, held, long_wav
    ):
        services.budget = Budget(20 * MIB, wait_s=0)
        with services.budget.claim() as other:
            other.take(15 * MIB)
            body = {"voice_id": "voice_my_voice", "audio_base64": b64(long_wav)}
            answer = save(function, "tts_save", json=body)
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert held.seen == []

    def test_a_small_one_gets_through_however_full_it_is(self, function, services, held):
        services.budget = Budget(20 * MIB, wait_s=0)
        with services.budget.claim() as other:
            other.take(20 * MIB + FREE_BYTES)
            body = {"voice_id": "voice_my_voice", "audio_base64": b64(wav(1.0))}
            assert save(function, "tts_save", json=body).status_code == 201

    @pytest.mark.parametrize("fault", ["no voice", "no audio", "store fails"])
    def test_a_failure_gives_everything_back(self, function, services, held, long_wav, fault):
        if fault == "store fails":
            services.objects.failing_paths = {"tts_generations"}
        audio = bytes(len(long_wav)) if fault == "no audio" else long_wav
        voice_id = "voice_never" if fault == "no voice" else "voice_my_voice"
        body = {"voice_id": voice_id, "audio_base64": base64.b64encode(audio).decode()}
        assert save(function, "tts_save", json=body).status_code in {404, 415, 503}
        assert claimed(services.budget) == 0

    def test_sample_and_profile_of_one_voice_count_together(
        self, function, services, held, long_wav
    ):
        services.objects.plant("uploads/ada/s.wav", long_wav[: 48_000 * 60 + 44])
        services.objects.plant("uploads/ada/p.npy", npy())
        body = {"voice_name": "Both", "audio_path": "uploads/ada/s.wav"}
        body["profile_path"] = "uploads/ada/p.npy"
        answer = save(function, "voices_save", json=body)
        assert answer.status_code in {201, 422}
        assert claimed(services.budget) == 0


class TestImports:
    @pytest.fixture
    def archive(self, function, services, long_wav):
        save_voice_json(function)
        for number in range(2):
            body = {"voice_id": "voice_my_voice", "text": f"{number}"}
            body["audio_base64"] = b64(long_wav if number else wav(0.5))
            assert save(function, "tts_save", json=body).status_code == 201
        services.objects.plant("uploads/bob/a.zip", export(function, part_bytes=20 * MIB).data)

    def bring(self, function, start=0):
        body = {"archive_path": "uploads/bob/a.zip", "start": start}
        return function("library").post("/api/library/import", json=body, headers=BOB)

    def test_an_import_stops_where_there_is_no_room_and_says_when_to_go_on(
        self, function, services, archive
    ):
        services.budget = Budget(24 * MIB, wait_s=0)
        with services.budget.claim() as other:
            other.take(8 * MIB)
            stopped = self.bring(function)
            body = stopped.get_json()
            assert (stopped.status_code, body["imported"], body["next_start"]) == (200, 2, 2)
            assert body["results"][-1]["code"] == "unavailable"
            assert int(stopped.headers["Retry-After"]) >= 1
            again = self.bring(function, body["next_start"])
            assert (again.status_code, again.get_json()["code"]) == (503, "unavailable")
            assert int(again.headers["Retry-After"]) >= 1
        assert self.bring(function, body["next_start"]).get_json()["done"]
        assert claimed(services.budget) == 0

    def test_each_item_gives_its_room_back_before_the_next(self, function, services, archive):
        body = {"voice_id": "voice_my_voice", "text": "Third.", "audio_base64": b64(wav(215.0))}
        assert save(function, "tts_save", json=body).status_code == 201
        services.objects.plant("uploads/bob/a.zip", export(function).data)
        services.budget = Budget(24 * MIB, wait_s=0)
        assert self.bring(function).get_json()["imported"] == 4
        assert claimed(services.budget) == 0

    def test_what_an_export_reads_is_given_back_with_its_last_byte(
        self, function, services, archive
    ):
        services.budget = Budget(40 * MIB)
        answer = function("library").get("/library/export", headers=ADA, buffered=False)
        assert claimed(services.budget) > 0
        assert answer.data
        answer.close()
        assert claimed(services.budget) == 0


def test_saves_wait_briefly_for_each_other_and_none_is_refused(function, services, long_wav):
    save_voice_json(function)
    services.budget = Budget(12 * MIB, wait_s=60)
    for number in range(3):
        services.objects.plant(f"uploads/ada/{number}.wav", long_wav)
    with ThreadPoolExecutor() as clients:
        assert sum(clients.map(lambda number: save_by_path(function, number), range(3))) == 0
    assert threading.active_count() < 50
