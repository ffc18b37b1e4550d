import base64
import io
import json

import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.sounds import npy, wav
from voxshelf.core.account import Limits, Policy

VOICE_FIELDS = {
    "status",
    "message",
    "voice_id",
    "firebase_url",
    "saved_files",
    "voice",
    "replayed",
    "warnings",
}
SPEECH_FIELDS = {
    "status",
    "message",
    "voice_id",
    "generation_id",
    "firebase_url",
    "file_size_bytes",
    "file_size_mb",
    "metadata",
    "generation",
    "replayed",
    "warnings",
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def multipart(parts: dict[str, str]) -> dict[str, object]:
    """Return a large form written out; the test client would leave a temporary file open."""
    body = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in parts.items()
    )
    return {
        "data": f"{body}--x--\r\n".encode(),
        "content_type": "multipart/form-data; boundary=x",
    }


def save_voice(function, headers=ADA, **fields):
    form = {"voice_name": "My Voice", "audio_file": (io.BytesIO(wav(1.0)), "sample.wav"), **fields}
    return function("voices_save").post("/", data=form, headers=headers)


def save_speech(function, headers=ADA, **fields):
    form = {
        "voice_id": "voice_my_voice",
        "text_input": "Hello.",
        "audio_file": (io.BytesIO(wav(0.5)), "x.wav"),
        # Tests save the same several times, and mean it.
        "again": "true",
        **fields,
    }
    return function("tts_save").post("/", data=form, headers=headers)


def test_a_voice_saved_as_multipart_answers_all_fields(function, services):
    answer = save_voice(
        function,
        profile_file=(io.BytesIO(npy()), "profile.npy"),
        template_message="The sample says this.",
        language="en-GB",
        tags='["warm", "deep"]',
        parameters='{"seed": 7}',
    )
    body = answer.get_json()
    assert answer.status_code == 201, body
    assert set(body) == VOICE_FIELDS
    assert (body["status"], body["voice_id"]) == ("success", "voice_my_voice")
    assert len(body["saved_files"]) == 2
    assert body["firebase_url"].startswith(
        "https://files.example/v0/b/bucket/o/voice_samples%2Fada"
    )
    voice = body["voice"]
    assert voice["has_profile"] is True
    assert voice["profile"]["dtype"] == "<f4"
    assert voice["tags"] == ["warm", "deep"]
    assert voice["parameters"] == {"seed": 7}
    assert voice["sample"]["duration_s"] == 1.0
    assert voice["created_at"].endswith("Z")
    assert isinstance(voice["created_date"], float)


def test_a_voice_saved_as_json_answers_the_same(function, services):
    answer = function("voices_save").post(
        "/api/voices/save",
        json={
            "voice_name": "My Voice",
            "audio_base64": "data:audio/wav;base64," + b64(wav(1.0)),
            "profile_base64": b64(npy()),
            "tags": ["warm"],
            "userId": "mallory",
            "status": "ready",
            "storagePath": "voice_samples/mallory/x.wav",
        },
        headers=ADA,
    )
    body = answer.get_json()
    assert answer.status_code == 201, body
    assert body["voice"]["has_profile"] is True
    assert all("/ada/" in path for path in body["saved_files"])
    assert "mallory" not in json.dumps(body)


def test_the_output_of_a_runpod_clone_job_is_accepted_as_it_is(function, services):
    output = {
        "status": "success",
        "audio_base64": b64(wav(1.0)),
        "profile_base64": None,
        "metadata": {
            "sample_rate": 24_000,
            "audio_shape": [1, 24_000],
            "voice_id": "voice_cloned_1",
            "voice_name": "Cloned",
            "generation_method": "clone",
            "template_message": "As spoken.",
        },
    }
    answer = function("voices_save").post("/", json=output, headers=ADA)
    voice = answer.get_json()["voice"]
    assert answer.status_code == 201
    assert (voice["voice_id"], voice["name"]) == ("voice_cloned_1", "Cloned")
    assert voice["template_message"] == "As spoken."


def test_the_output_of_a_runpod_speech_job_is_accepted_as_it_is(function, services):
    save_voice(function)
    output = {
        "status": "success",
        "audio_base64": b64(wav(0.5)),
        "metadata": {
            "voice_id": "voice_my_voice",
            "voice_name": "My Voice",
            "text_input": "Hello.",
            "generation_time": 1.25,
            "sample_rate": 24_000,
            "audio_shape": [1, 12_000],
            "timestamp": "20260102_030405",
        },
    }
    answer = function("tts_save").post("/", json=output, headers=ADA)
    body = answer.get_json()
    assert answer.status_code == 201, body
    assert set(body) == SPEECH_FIELDS
    assert body["metadata"]["mismatches"] == []
    assert body["metadata"]["timestamp"] == "20260102_030405"
    assert body["generation"]["generation_time_s"] == 1.25


@pytest.mark.parametrize("form", ["multipart", "json", "multipart with base64"])
def test_speech_is_saved_in_all_three_forms(function, services, form):
    save_voice(function)
    fields = {
        "voice_id": "voice_my_voice",
        "text_input": "Hello.",
        "generation_time": 2.5,
        "sample_rate": 24_000,
        "audio_shape": [1, 12_000],
        "timestamp": "20260102_030405",
    }
    audio = wav(0.5)
    texts = {key: v if isinstance(v, str) else json.dumps(v) for key, v in fields.items()}
    client = function("tts_save")
    if form == "multipart":
        data = {**texts, "audio_file": (io.BytesIO(audio), "a.wav")}
        answer = client.post("/", data=data, headers=ADA)
    elif form == "json":
        answer = client.post("/", json={**fields, "audio_base64": b64(audio)}, headers=ADA)
    else:
        data = {**texts, "audio_base64": b64(audio)}
        answer = client.post("/", data=data, headers=ADA, content_type="multipart/form-data")
    body = answer.get_json()
    assert answer.status_code == 201, body
    assert body["file_size_bytes"] == len(audio)
    assert body["file_size_mb"] == round(len(audio) / 1024 / 1024, 2)
    assert body["metadata"]["audio_shape"] == [1, 12_000]
    assert body["generation"]["file_id"] == body["generation_id"]
    path = body["generation"]["file_path"]
    assert services.objects.stored[path][1] == audio


def test_a_big_base64_form_field_is_taken(function, services):
    save_voice(function)
    audio = wav(60.0)
    parts = {"voice_id": "voice_my_voice", "audio_base64": b64(audio)}
    answer = function("tts_save").post("/", headers=ADA, **multipart(parts))
    assert answer.status_code == 201
    assert answer.get_json()["file_size_bytes"] == len(audio)


def test_an_existing_voice_is_a_conflict_that_shows_it(function, services):
    save_voice(function)
    answer = save_voice(function, audio_file=(io.BytesIO(wav(2.0)), "other.wav"))
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (409, "voice_exists")
    assert body["details"]["voice"]["voice_id"] == "voice_my_voice"
    assert body["request_id"] == answer.headers["X-Request-Id"]


def test_replace_makes_a_new_version(function, services):
    save_voice(function)
    answer = save_voice(function, audio_file=(io.BytesIO(wav(2.0)), "other.wav"), replace="true")
    assert answer.status_code == 201
    assert answer.get_json()["voice"]["version"] == 2


def test_an_idempotency_key_replays_the_first_answer(function, services):
    headers = {**ADA, "Idempotency-Key": "key-1"}
    first = save_voice(function, headers)
    again = save_voice(function, headers)
    assert again.status_code == first.status_code == 201
    assert again.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"


def test_a_stranger_cannot_speak_with_a_voice(function, services):
    save_voice(function)
    own = save_speech(function, BOB, voice_id="voice_my_voice")
    missing = save_speech(function, BOB, voice_id="voice_never")
    assert own.status_code == missing.status_code == 404
    mine, other = own.get_json(), missing.get_json()
    assert {**mine, "request_id": ""} == {**other, "request_id": ""}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"voice_name": ""}, "voice_name"),
        ({"voice_name": "x" * 101}, "voice_name"),
        ({"voice_name": "a\x00b"}, "voice_name"),
        ({"voice_name": "a\nb"}, "voice_name"),
        ({"voice_id": "../x"}, "voice_id"),
        ({"voice_id": "__x__"}, "voice_id"),
        ({"tags": json.dumps(["x"] * 21)}, "tags"),
        ({"tags": json.dumps(["x" * 51])}, "tags"),
        ({"parameters": json.dumps(dict.fromkeys(map(str, range(51))))}, "parameters"),
        ({"consent": "[]"}, "consent"),
        ({"consent": "{"}, "consent"),
        ({"consent": '{"statement": "I agree."}'}, "granted_by"),
        ({"replace": "maybe"}, "replace"),
        ({"description": "x" * 1001}, "description"),
        ({"template_message": "x" * 5001}, "template_message"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_bad_field_is_named(function, services, fields, field):
    answer = save_voice(function, **fields)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert body["details"]["field"] == field
    assert services.library.records == {}


@pytest.mark.parametrize(
    ("data", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"voice_name": NaN}', "application/json", 400),
        (b'{"a": 1, "a": 2}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"a": ' + b"9" * 5000 + b"}", "application/json", 400),
        (b'{"voice_name": "\\ud800", "audio_base64": "UklGRg=="}', "application/json", 400),
        (b'{"voice_name": "x", "audio_base64": "!!!"}', "application/json", 400),
        (b'{"voice_name": "x", "audio_base64": ""}', "application/json", 400),
        (b'{"voice_name": "x", "audio_base64": "aGVsbG8="}', "application/json", 415),
        (b"\xff\xfe", "application/json", 400),
        (b"hello", "text/plain", 415),
        (b"", "multipart/form-data; boundary=x", 400),
        (b"--x\r\nnonsense", "multipart/form-data; boundary=x", 400),
    ],
)
def test_a_malformed_body_is_the_clients_mistake(function, services, data, content_type, status):
    answer = function("voices_save").post("/", data=data, headers=ADA, content_type=content_type)
    assert answer.status_code == status, answer.get_json()
    assert answer.get_json()["status"] == "error"


def test_too_many_parts_are_refused(function, services):
    parts = {f"field{number}": "x" for number in range(10_000)}
    answer = function("voices_save").post("/", headers=ADA, **multipart(parts))
    assert answer.status_code == 400


def test_a_body_over_the_limit_is_refused_with_the_way_out(function, services):
    answer = function("voices_save").post(
        "/",
        data=b"x" * (32 * 1024 * 1024 + 1),
        headers=ADA,
        content_type="application/json",
    )
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (413, "payload_too_large")
    assert "audio_path" in body["message"]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey", "ünïcode"])
def test_a_bad_idempotency_key_is_refused(function, services, key):
    answer = save_voice(function, {**ADA, "Idempotency-Key": key})
    assert answer.status_code == 400


def test_a_full_library_answers_429(function, services):
    services.policy = Policy(Limits(voices=0, generations=0, size_bytes=0, saves_per_day=9))
    answer = save_voice(function)
    assert (answer.status_code, answer.get_json()["code"]) == (429, "quota_exceeded")


def test_storage_that_fails_is_503_with_retry_after(function, services):
    services.objects.failing_paths = {"voice_samples"}
    answer = save_voice(function)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert services.library.records == {}


def test_audio_over_the_limit_is_refused_with_the_way_out(function, services):
    long = wav(0.6, rate_hz=192_000, channels=2) + bytes(24 * 1024 * 1024)
    crlf = b"\r\n"
    body = crlf.join(
        [
            b"--x",
            b'Content-Disposition: form-data; name="voice_name"',
            b"",
            b"Long",
            b"--x",
            b'Content-Disposition: form-data; name="audio_file"; filename="a.wav"',
            b"",
            long,
            b"--x--",
            b"",
        ]
    )
    content_type = "multipart/form-data; boundary=x"
    answer = function("voices_save").post("/", data=body, headers=ADA, content_type=content_type)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")
    assert answer.get_json()["details"] == {"max_bytes": 24 * 1024 * 1024}


def test_the_same_speech_sent_twice_is_one_and_the_answer_says_so(function, services):
    save_voice(function)
    first = save_speech(function, again="").get_json()
    answer = save_speech(function, again="", tags="other")
    body = answer.get_json()
    assert (first["replayed"], body["replayed"]) == (False, True)
    assert body["generation"] == first["generation"]
    assert answer.headers["Idempotent-Replayed"] == "true"
    other = save_speech(function, again="yes").get_json()
    assert other["generation_id"] != first["generation_id"]
    assert other["replayed"] is False


def test_voices_of_one_slug_are_kept_apart_and_found_by_their_names(function, services):
    for name in ("C", "C#", "C++"):
        assert save_voice(function, voice_name=name).status_code == 201
    answer = save_voice(function, voice_name=" C# ", audio_file=(io.BytesIO(wav(2.0)), "b.wav"))
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (409, "voice_exists")
    assert body["details"]["voice"]["voice_id"] == "voice_c_2"
    replaced = save_voice(
        function, voice_name="C#", audio_file=(io.BytesIO(wav(2.0)), "b.wav"), replace="true"
    ).get_json()["voice"]
    assert (replaced["voice_id"], replaced["version"]) == ("voice_c_2", 2)


def test_a_workers_id_is_a_wish_that_never_leads_to_another_voice(function, services):
    save_voice(function, voice_name="C")
    output = {
        "audio_base64": b64(wav(2.0)),
        "metadata": {"voice_id": "voice_c", "voice_name": "C#"},
        "replace": True,
    }
    body = function("voices_save").post("/", json=output, headers=ADA).get_json()
    assert (body["voice_id"], body["voice"]["version"]) == ("voice_c_2", 1)
