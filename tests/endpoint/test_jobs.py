"""Jobs on RunPod through the real functions: started, followed, told of by a webhook, saved."""

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_saves import b64, save_voice
from tests.sounds import npy, wav
from tests.unit.workshop import CLONED, PICKLE, SPOKEN
from voxshelf.adapters.tmp_cache import TmpCache
from voxshelf.core.errors import RunpodFailed, Unavailable
from voxshelf.core.jobs import JobLimits

JOB_FIELDS = {
    "job_id",
    "kind",
    "state",
    "voice_id",
    "voice_name",
    "text",
    "result",
    "error",
    "runpod_job_id",
    "retry_of",
    "delay_s",
    "execution_s",
    "words_removed",
    "created_at",
    "updated_at",
    "expires_at",
}


@pytest.fixture
def runpod(services):
    return services.runpod


@pytest.fixture
def clock(runpod):
    """Return a database whose clock a test can put forward; this process's own stays."""

    class Clock:
        offset = timedelta()

        def __call__(self):
            return datetime.now(UTC) - timedelta(hours=1) + self.offset

    runpod.jobs.now = Clock()
    return runpod.jobs.now


def clone(function, headers=ADA, **fields):
    body = {"voice_name": "Ada", "audio_base64": b64(wav(2.0)), **fields}
    return function("voices_clone").post("/", json=body, headers=headers)


def speak(function, headers=ADA, **fields):
    body = {"voice_id": "voice_my_voice", "text": "Words.", **fields}
    return function("tts_generate").post("/api/tts/generate", json=body, headers=headers)


def job(function, job_id, headers=ADA):
    return function("jobs").get(f"/api/jobs/{job_id}", headers=headers)


def post(function, path, headers=ADA, **options):
    name = "runpod_webhook" if "/webhook/" in path else "jobs"
    return function(name).post(path, headers=headers, **options)


def webhook(function, runpod, runpod_job_id="r-1", **options):
    path = runpod.workers.webhook(runpod_job_id)
    options = options or {"json": {"id": runpod_job_id, "status": "COMPLETED"}}
    return post(function, path, headers={}, **options)


def assert_private(answer, runpod):
    """No answer shows what a webhook must know, nor what was sent along."""
    text = answer.get_data(as_text=True)
    for request in runpod.workers.requests.values():
        secret = request["webhook"].rpartition("/")[2]
        assert secret not in text
        assert hashlib.sha256(secret.encode()).hexdigest() not in text
    assert b64(PICKLE)[:200] not in text
    assert b64(npy())[:200] not in text
    assert b64(wav(2.0))[:200] not in text


def test_a_clone_ends_in_the_library_by_its_webhook_alone(function, services, runpod):
    answer = clone(function, template_message="Hello.", language="en-GB", tags="warm")
    body = answer.get_json()
    assert answer.status_code == 202, body
    assert set(body) == {"status", "message", "job_id", "job", "replayed"}
    assert set(body["job"]) == JOB_FIELDS
    started = body["job"]
    assert (started["state"], started["kind"], started["runpod_job_id"]) == (
        "queued",
        "clone",
        "r-1",
    )
    assert (started["voice_id"], started["voice_name"], started["text"]) == (
        "voice_ada",
        "Ada",
        None,
    )
    assert started["created_at"].endswith("Z")
    assert_private(answer, runpod)
    runpod.workers.complete("r-1", CLONED)
    taken = webhook(function, runpod)
    assert (taken.status_code, taken.get_json()) == (200, {"status": "success"})
    done = job(function, body["job_id"])
    assert_private(done, runpod)
    shown = done.get_json()["job"]
    assert (shown["state"], shown["result"]) == (
        "done",
        {"voice_id": "voice_ada", "generation_id": None},
    )
    assert (shown["delay_s"], shown["execution_s"], shown["error"]) == (1.2, 3.4, None)
    voice = services.library.voice("ada", "voice_ada")
    assert (voice.template_message, voice.language, voice.tags) == ("Hello.", "en-GB", ("warm",))


def test_speech_ends_in_the_library_when_its_user_asks(function, services, runpod, clock):
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    body = speak(function, parameters={"speed": 1.5}, language="de").get_json()
    assert (body["job"]["kind"], body["job"]["text"]) == ("speech", "Words.")
    runpod.workers.complete("r-1", SPOKEN)
    done = job(function, body["job_id"]).get_json()["job"]
    generation = services.library.generation("ada", done["result"]["generation_id"])
    assert (done["state"], done["result"]["voice_id"]) == ("done", None)
    assert (generation.text, generation.parameters) == ("Words.", {"speed": 1.5})


def test_asking_every_second_does_not_ask_runpod_every_second(function, runpod):
    started = clone(function).get_json()["job_id"]
    for _ in range(3):
        assert job(function, started).get_json()["job"]["state"] == "queued"
    assert [method for method, _ in runpod.workers.journal] == ["run"]


def test_a_job_whose_runpod_is_away_is_shown_as_it_is_known(function, runpod, clock):
    started = clone(function).get_json()["job_id"]
    for error in (Unavailable("Away."), RunpodFailed("Refused.")):
        runpod.workers.failing["status"] = error
        answer = job(function, started)
        assert (answer.status_code, answer.get_json()["job"]["state"]) == (200, "queued")


def test_a_clone_is_taken_as_a_form_with_a_file_too(function, runpod):
    form = {"voice_name": "Ada", "audio_file": (io.BytesIO(wav(1.0)), "a.wav"), "tags": "warm"}
    answer = function("voices_clone").post("/api/voices/clone", data=form, headers=ADA)
    assert (answer.status_code, answer.get_json()["job"]["voice_id"]) == (202, "voice_ada")
    assert runpod.workers.requests["r-1"]["input"]["audio_data"] == b64(wav(1.0))


def test_a_failure_is_shown_with_its_reason(function, runpod):
    started = clone(function).get_json()["job_id"]
    runpod.workers.complete("r-1", {"status": "error", "message": "No speech found."})
    assert webhook(function, runpod).status_code == 200
    failed = job(function, started).get_json()["job"]
    assert (failed["state"], failed["result"]) == ("failed", None)
    assert failed["error"] == {"code": "runpod_error", "message": "No speech found."}


def test_a_start_under_the_same_key_is_the_same_job(function, runpod):
    headers = {**ADA, "Idempotency-Key": "k"}
    first, again = clone(function, headers=headers), clone(function, headers=headers)
    assert again.get_json() == {**first.get_json(), "replayed": True}
    assert first.get_json()["replayed"] is False
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    other = clone(function, headers=headers, description="Other.")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_conflict")
    assert len(runpod.workers.requests) == 1


def as_form(value):
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize(
    ("start", "fields"),
    [
        (
            clone,
            {
                "voice_name": "Ada",
                "audio_base64": b64(wav(2.0)),
                "template_message": "Hello.",
                "description": "A voice.",
                "tags": ["warm", "low"],
                "consent": {"statement": "I agree.", "granted_by": "Ada"},
                "parameters": {"speed": 1.5, "seed": 7, "style": "calm", "do_sample": True},
            },
        ),
        (
            speak,
            {
                "voice_id": "voice_my_voice",
                "text": "Words.",
                "language": "de",
                "tags": ["warm", "low"],
                "parameters": {"speed": 1.5, "seed": 7, "style": "calm", "do_sample": True},
            },
        ),
    ],
    ids=["clone", "speech"],
)
def test_fields_in_any_order_and_form_or_json_are_the_same_start(function, runpod, start, fields):
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    headers = {**ADA, "Idempotency-Key": "k"}
    name = "voices_clone" if start is clone else "tts_generate"
    path = "/api/voices/clone" if start is clone else "/api/tts/generate"
    seen = set()

    @settings(max_examples=25, deadline=None)
    @given(st.randoms(use_true_random=False), st.booleans(), st.booleans())
    def send(dice, form, keyed):
        sent = without_order(fields, dice)
        body = {"data": json.dumps(sent), "content_type": "application/json"}
        if form:
            texts = {name: as_form(value) for name, value in sent.items()}
            body = {"data": texts, "content_type": "multipart/form-data"}
        answer = function(name).post(path, headers=headers if keyed else ADA, **body)
        assert answer.status_code == 202, answer.get_json()
        seen.add(answer.get_json()["job_id"])

    assert function(name).post(path, json=fields, headers=headers).status_code == 202
    send()
    assert len(seen) == 1
    other = {**fields, "tags": ["low", "warm"]}
    assert function(name).post(path, json=other, headers=headers).status_code == 422


def without_order(fields, dice):
    """Return the same fields, and those of the objects among them, in another order."""
    items = [
        (name, without_order(value, dice) if isinstance(value, dict) else value)
        for name, value in fields.items()
    ]
    dice.shuffle(items)
    return dict(items)


@pytest.mark.parametrize("start", [clone, speak])
def test_a_double_click_is_one_job_unless_again_is_asked_for(function, runpod, start):
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    first, second = start(function), start(function)
    assert second.status_code == 202
    assert second.get_json() == {**first.get_json(), "replayed": True}
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(runpod.workers.requests) == 1
    for again in (True, "true", "1"):
        other = start(function, again=again)
        assert (other.status_code, other.get_json()["replayed"]) == (202, False)
        assert "Idempotent-Replayed" not in other.headers
    assert start(function, again="perhaps").status_code == 400
    assert len(runpod.workers.requests) == 4


def test_a_double_click_of_two_people_is_two_jobs(function, runpod):
    assert clone(function).get_json()["job_id"] != clone(function, BOB).get_json()["job_id"]


def test_a_start_whose_answer_got_lost_is_brought_home_by_its_webhook(function, services, runpod):
    runpod.workers.lost = True
    answer = clone(function)
    assert answer.status_code == 202
    assert answer.get_json()["job"]["runpod_job_id"] is None
    runpod.workers.complete("r-1", CLONED)
    assert webhook(function, runpod).status_code == 200
    done = job(function, answer.get_json()["job_id"]).get_json()["job"]
    assert (done["state"], done["runpod_job_id"]) == ("done", "r-1")


def test_a_start_that_runpod_refuses_is_a_bad_gateway_and_a_failed_job(function, runpod):
    runpod.workers.refuse()
    answer = clone(function)
    assert (answer.status_code, answer.get_json()["code"]) == (502, "runpod_error")
    [listed] = function("jobs").get("/api/jobs", headers=ADA).get_json()["jobs"]
    assert listed["state"] == "failed"


def test_a_voice_that_exists_is_shown_in_the_refusal(function, runpod):
    save_voice(function, voice_name="Ada")
    answer = clone(function)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "voice_exists")
    assert answer.get_json()["details"]["voice"]["voice_id"] == "voice_ada"
    assert runpod.workers.requests == {}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"voice_name": ""}, 400, "invalid_request"),
        ({"audio_base64": ""}, 400, "invalid_request"),
        ({"audio_base64": "%%%"}, 400, "invalid_request"),
        ({"audio_base64": b64(b"<html>")}, 415, "unsupported_media_type"),
        ({"audio_base64": b64(wav(0.1))}, 422, "invalid_audio"),
        ({"audio_path": "uploads/bob/x.wav", "audio_base64": None}, 404, "not_found"),
        ({"voice_id": "../x"}, 400, "invalid_request"),
        ({"consent": {"statement": "I agree."}}, 400, "invalid_request"),
        ({"parameters": {"audio_url": "http://169.254.169.254/"}}, 400, "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_clone_that_could_become_nothing_is_refused(function, runpod, fields, status, code):
    answer = clone(function, **fields)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert (runpod.workers.journal, runpod.jobs.records) == ([], {})


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"voice_id": ""}, 400, "invalid_request"),
        ({"voice_id": "voice_never"}, 404, "not_found"),
        ({"text": ""}, 400, "invalid_request"),
        ({"text": "x" * 5001}, 400, "invalid_request"),
        ({"text": "a\x00b"}, 400, "invalid_request"),
        ({"parameters": {"profile_url": "x"}}, 400, "invalid_request"),
        ({"parameters": {"model": "x"}}, 400, "invalid_request"),
        ({"parameters": {"nested": {}}}, 400, "invalid_request"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_speech_that_could_become_nothing_is_refused(function, runpod, fields, status, code):
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    answer = speak(function, **fields)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert (runpod.workers.journal, runpod.jobs.records) == ([], {})


def test_a_pickle_of_a_clients_own_is_not_spoken_with(function, runpod):
    save_voice(function, profile_file=(io.BytesIO(PICKLE), "p.npy"))
    answer = speak(function)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "permission_denied")
    assert runpod.workers.journal == []


def test_a_recording_that_runpod_would_refuse_is_too_large(function, runpod):
    answer = clone(function, audio_base64=b64(wav(170.0)))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")
    assert (runpod.workers.journal, runpod.jobs.records) == ([], {})


def test_more_jobs_than_the_limit_are_too_many(function, runpod):
    runpod.job_policy = replace(runpod.job_policy, limits=JobLimits(1, 9, 100))
    clone(function)
    answer = clone(function, voice_name="Other")
    assert (answer.status_code, answer.get_json()["code"]) == (429, "quota_exceeded")
    assert int(answer.headers["Retry-After"]) > 0
    assert clone(function, headers=BOB).status_code == 202


def test_without_configuration_all_four_functions_say_so(function, runpod):
    runpod.is_configured = False
    answers = [
        clone(function),
        speak(function),
        function("voices_clone").post("/", json={}, headers=ADA),
        function("jobs").get("/api/jobs", headers=ADA),
        job(function, "job_1"),
        post(function, "/api/jobs/job_1/cancel"),
        post(function, "/api/jobs/job_1/retry"),
        post(function, "/api/jobs/import", json={}),
        post(function, "/api/runpod/webhook/job_1/x", headers={}),
    ]
    for answer in answers:
        assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
        assert "not configured" in answer.get_json()["message"]
    assert function("reconcile").post("/").get_json()["status"] == "success"
    assert save_voice(function).status_code == 201


def test_jobs_are_listed_newest_first_page_by_page(function, runpod):
    made = [clone(function, voice_name=f"Ada {n}").get_json()["job_id"] for n in range(3)]
    clone(function, headers=BOB)
    first = function("jobs").get("/api/jobs?page_size=2", headers=ADA)
    assert_private(first, runpod)
    body = first.get_json()
    assert set(body) == {"status", "jobs", "has_more", "next_page_token"}
    assert [one["job_id"] for one in body["jobs"]] == [made[2], made[1]]
    token = body["next_page_token"]
    rest = function("jobs").get(f"/jobs?page_size=2&page_token={token}", headers=ADA).get_json()
    assert [one["job_id"] for one in rest["jobs"]] == [made[0]]
    assert (rest["has_more"], rest["next_page_token"]) == (False, None)
    for headers, changed in ((BOB, token), (ADA, f"{token}x"), (ADA, "never")):
        answer = function("jobs").get(f"/api/jobs?page_token={changed}", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def ended(function, runpod):
    """Return the ids of a job that is active, of one that failed, and of one that is cancelled."""
    ids = [clone(function, voice_name=f"Ada {n}").get_json()["job_id"] for n in range(3)]
    runpod.workers.complete("r-2", {"status": "error", "message": "No speech found."})
    assert webhook(function, runpod, "r-2").status_code == 200
    post(function, f"/api/jobs/{ids[2]}/cancel")
    return ids


def listed(function, query="", headers=ADA):
    answer = function("jobs").get(f"/api/jobs{query}", headers=headers)
    assert answer.status_code == 200, answer.get_json()
    return [one["job_id"] for one in answer.get_json()["jobs"]]


def test_a_list_is_filtered_by_state_and_kind(function, runpod):
    active, failed, cancelled = ended(function, runpod)
    assert listed(function, "?state=failed") == [failed]
    assert listed(function, "?state=active") == [active]
    assert listed(function, "?state=FAILED,%20cancelled") == [cancelled, failed]
    assert listed(function, "?state=failed&state=active") == [failed, active]
    assert listed(function, "?state=done") == listed(function, "?kind=speech") == []
    assert len(listed(function, "?state=&kind=clone")) == 3
    first = function("jobs").get("/api/jobs?state=failed,cancelled&page_size=1", headers=ADA)
    token = first.get_json()["next_page_token"]
    query = f"?state=cancelled,failed&page_size=1&page_token={token}"
    assert listed(function, query) == [failed]
    answer = function("jobs").get(f"/api/jobs?page_size=1&page_token={token}", headers=ADA)
    assert (answer.status_code, answer.get_json()["details"]) == (400, {"field": "page_token"})


@pytest.mark.parametrize(
    ("query", "field", "hint"),
    [
        ("page=2", "page", "page_token"),
        ("limit=5", "limit", "page_size"),
        ("offset=5", "offset", "page_token"),
        ("per_page=5", "per_page", "page_size"),
        ("status=failed", "status", "state"),
        ("sort=name", "sort", "kind, page_size, page_token, state"),
        ("state=gone", "state", "'gone'"),
        ("state=failed,gone,lost", "state", "'gone', 'lost'"),
        ("kind=song", "kind", "clone, speech"),
    ],
)
def test_what_a_list_does_not_know_is_refused_by_name(function, query, field, hint):
    answer = function("jobs").get(f"/api/jobs?{query}", headers=ADA)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert body["details"]["field"] == field
    assert hint in body["message"]


def delete(function, path, headers=ADA):
    return function("jobs").delete(path, headers=headers)


def test_an_ended_job_is_deleted_and_its_late_webhook_has_no_effect(function, services, runpod):
    active, failed, cancelled = ended(function, runpod)
    refused = delete(function, f"/api/jobs/{active}")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "in_progress")
    assert "Cancel it first" in refused.get_json()["message"]
    assert int(refused.headers["Retry-After"]) > 0
    assert delete(function, f"/api/jobs/{failed}", BOB).status_code == 404
    answer = delete(function, f"/api/jobs/{failed}")
    assert (answer.status_code, answer.get_json()["job_id"]) == (200, failed)
    assert delete(function, f"/api/jobs/{failed}").status_code == 404
    assert job(function, failed).status_code == 404
    assert listed(function) == [cancelled, active]
    runpod.workers.complete("r-2", CLONED)
    assert webhook(function, runpod, "r-2").status_code == 404
    assert services.library.records == {}


def test_all_that_has_ended_is_deleted_at_once(function, runpod):
    active, _, _ = ended(function, runpod)
    answer = delete(function, "/api/jobs?state=done,timed_out")
    assert (answer.status_code, answer.get_json()["deleted"]) == (200, 0)
    answer = delete(function, "/api/jobs?state=failed,cancelled", BOB)
    assert (answer.status_code, answer.get_json()["deleted"]) == (200, 0)
    answer = delete(function, "/api/jobs?state=failed,cancelled")
    assert (answer.status_code, answer.get_json()["deleted"]) == (200, 2)
    assert listed(function) == [active]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "state"),
        ("?state=", "state"),
        ("?state=active", "state"),
        ("?state=failed,queued", "state"),
        ("?state=all", "state"),
        ("?state=failed&kind=clone", "kind"),
        ("?status=failed", "status"),
    ],
)
def test_nobody_deletes_everything_by_accident(function, runpod, query, field):
    ids = ended(function, runpod)
    answer = delete(function, f"/api/jobs{query}")
    assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, field)
    assert len(listed(function)) == len(ids)


def test_thirty_days_after_its_end_a_job_is_gone_though_the_database_still_has_it(
    function, runpod, clock
):
    started = clone(function).get_json()["job_id"]
    shown = post(function, f"/api/jobs/{started}/cancel").get_json()["job"]
    assert datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(
        shown["updated_at"]
    ) == timedelta(days=30)
    clock.offset = timedelta(days=30, hours=1)
    assert runpod.jobs.records
    assert listed(function) == []
    assert job(function, started).status_code == 404
    assert post(function, f"/api/jobs/{started}/cancel").status_code == 404
    assert post(function, f"/api/jobs/{started}/retry").status_code == 404
    assert delete(function, f"/api/jobs/{started}").status_code == 404
    assert webhook(function, runpod).status_code == 404


def test_the_words_of_a_deleted_generation_go_from_its_job(function, services, runpod, clock):
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    started = speak(function, text="Confidential.", tags="secret").get_json()["job_id"]
    runpod.workers.complete("r-1", SPOKEN)
    done = job(function, started).get_json()["job"]
    assert (done["text"], done["words_removed"]) == ("Confidential.", False)
    path = f"/api/tts/generations/{done['result']['generation_id']}"
    assert function("library").delete(path, headers=ADA).status_code == 200
    assert job(function, started).get_json()["job"]["text"] == "Confidential."
    permanently = f"{path}?permanent=true"
    assert function("library").delete(permanently, headers=ADA).status_code == 200
    left = job(function, started).get_json()["job"]
    assert left == {**done, "text": None, "words_removed": True}
    assert "Confidential" not in repr(runpod.jobs.records)


def test_the_words_of_a_voice_go_from_its_clone_when_consent_is_withdrawn(
    function, services, runpod
):
    given = {"statement": "Confidential.", "granted_by": "Ada Confidential"}
    fields = {"template_message": "Confidential.", "description": "Confidential."}
    started = clone(function, consent=given, tags="confidential", **fields).get_json()["job_id"]
    runpod.workers.complete("r-1", CLONED)
    webhook(function, runpod)
    answer = function("library").delete("/api/voices/voice_ada/consent", headers=ADA)
    assert answer.status_code == 200, answer.get_json()
    left = job(function, started).get_json()["job"]
    assert (left["voice_name"], left["voice_id"], left["words_removed"]) == (
        None,
        "voice_ada",
        True,
    )
    assert "onfidential" not in repr(runpod.jobs.records)


@pytest.mark.parametrize("size", ["0", "-1", "101", "99999", "001000000", "x", "1.5", "٣"])
def test_a_page_has_a_size(function, size):
    answer = function("jobs").get(f"/api/jobs?page_size={size}", headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


def test_a_job_is_cancelled(function, runpod):
    started = clone(function).get_json()["job_id"]
    answer = post(function, f"/api/jobs/{started}/cancel")
    assert (answer.status_code, answer.get_json()["job"]["state"]) == (200, "cancelled")
    assert runpod.workers.journal[-1] == ("cancel", "r-1")
    runpod.workers.complete("r-1", CLONED)
    assert webhook(function, runpod).status_code == 200
    assert post(function, f"/api/jobs/{started}/cancel").get_json() == answer.get_json()


def test_a_result_that_could_not_be_saved_is_saved_later(function, services, runpod):
    policy, limits = services.policy, replace(services.policy.limits, voices=0)
    services.policy = replace(policy, limits=limits)
    started = clone(function).get_json()["job_id"]
    runpod.workers.complete("r-1", CLONED)
    assert webhook(function, runpod).status_code == 200
    failed = job(function, started).get_json()["job"]
    assert (failed["state"], failed["error"]["code"]) == ("failed", "quota_exceeded")
    services.policy = policy
    runpod.workers.forget("r-1")
    answer = post(function, f"/api/jobs/{started}/retry")
    assert_private(answer, runpod)
    again = answer.get_json()["job"]
    assert (answer.status_code, again["state"], again["retry_of"]) == (202, "done", started)
    refused = post(function, f"/api/jobs/{again['job_id']}/retry")
    assert (refused.status_code, refused.get_json()["code"]) == (400, "invalid_request")


def test_a_job_from_elsewhere_is_imported(function, services, runpod):
    runpod.workers.elsewhere("clone-endpoint", "r-x")
    runpod.workers.complete("r-x", CLONED)
    body = {"runpod_job_id": "r-x", "kind": "clone"}
    answer = post(function, "/api/jobs/import", json=body)
    imported = answer.get_json()["job"]
    assert (answer.status_code, imported["state"]) == (202, "done")
    assert (imported["voice_id"], imported["voice_name"], imported["text"]) == (None, None, None)
    assert imported["result"]["voice_id"] == "voice_worker"
    assert post(function, "/api/jobs/import", json=body).get_json()["job"] == imported
    stranger = post(function, "/api/jobs/import", json=body, headers=BOB)
    never = post(function, "/api/jobs/import", json={**body, "runpod_job_id": "r-y"}, headers=BOB)
    assert (stranger.status_code, never.status_code) == (404, 404)
    assert stranger.get_json()["message"] == never.get_json()["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"runpod_job_id": "r-x"},
        {"kind": "clone"},
        {"runpod_job_id": "r-x", "kind": "dance"},
        {"runpod_job_id": "../status/x", "kind": "clone"},
        {"runpod_job_id": [7], "kind": "clone"},
    ],
    ids=str,
)
def test_an_import_names_a_job_and_its_kind(function, runpod, body):
    answer = post(function, "/api/jobs/import", json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
    assert runpod.workers.journal == []


@pytest.mark.parametrize("job_id", ["job_never", "..%2fx", "%00", "__x__", "x" * 200, "a%20b"])
@pytest.mark.parametrize("action", ["", "/cancel", "/retry"])
def test_a_job_that_is_not_there_is_not_found(function, job_id, action):
    method = "POST" if action else "GET"
    answer = function("jobs").open(f"/api/jobs/{job_id}{action}", method=method, headers=ADA)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_a_strangers_job_is_as_one_that_never_was(function, runpod):
    started = clone(function).get_json()["job_id"]
    calls = [("GET", ""), ("DELETE", ""), ("POST", "/cancel"), ("POST", "/retry")]
    for method, action in calls:
        his, never = (
            function("jobs").open(f"/api/jobs/{name}{action}", method=method, headers=BOB)
            for name in (started, "job_never")
        )
        assert (his.status_code, his.get_json()["message"]) == (
            404,
            never.get_json()["message"],
        )
    assert job(function, started).get_json()["job"]["state"] == "queued"


@pytest.fixture
def waiting(function, runpod):
    """Return the path of the webhook of a clone that has been completed."""
    clone(function)
    runpod.workers.complete("r-1", CLONED)
    return runpod.workers.webhook("r-1")


def effects(runpod, services):
    return runpod.jobs.records.copy(), dict(services.library.records), runpod.workers.journal[:]


@pytest.mark.parametrize(
    "forge",
    [
        lambda path: path[:-1],
        lambda path: f"{path}x",
        lambda path: path.rpartition("/")[0] + "/x",
        lambda path: path.rpartition("/")[0] + "/%ff%00",
        lambda path: path.rpartition("/")[0] + "/" + "x" * 5000,
        lambda path: path.rpartition("/")[0] + "/" + hashlib.sha256(b"").hexdigest(),
        lambda path: path.swapcase().replace("/API/RUNPOD/WEBHOOK/JOB", "/api/runpod/webhook/job"),
        lambda path: path.replace("/job_", "/job_0"),
        lambda path: path.replace("/job_", "/..%2fjob_"),
    ],
)
def test_a_forged_webhook_has_no_effect(function, services, runpod, waiting, forge):
    before = effects(runpod, services)
    answer = post(function, forge(waiting), headers={}, json={"id": "r-1"})
    never = post(function, "/api/runpod/webhook/job_never/x", headers={}, json={"id": "r-1"})
    assert (answer.status_code, never.status_code) == (404, 404)
    assert answer.get_json()["message"] == never.get_json()["message"]
    assert effects(runpod, services) == before


def test_the_digest_of_a_secret_is_no_secret(function, services, runpod, waiting):
    [kept] = runpod.jobs.records.values()
    before = effects(runpod, services)
    path = waiting.rpartition("/")[0]
    assert post(function, f"{path}/{kept.secret_sha256}", headers={}).status_code == 404
    assert effects(runpod, services) == before


def test_the_webhook_of_one_job_says_nothing_of_another(function, services, runpod, waiting):
    clone(function, voice_name="Other")
    other = runpod.workers.webhook("r-2")
    crossed = f"{other.rpartition('/')[0]}/{waiting.rpartition('/')[2]}"
    before = effects(runpod, services)
    assert post(function, crossed, headers={}, json={"id": "r-1"}).status_code == 404
    assert effects(runpod, services) == before


def test_a_webhooks_body_is_not_believed(function, services, runpod):
    started = clone(function).get_json()["job_id"]
    body = {"id": "r-evil", "status": "COMPLETED", "output": CLONED}
    answer = webhook(function, runpod, json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    assert services.library.records == {}
    assert job(function, started).get_json()["job"]["runpod_job_id"] == "r-1"
    failed = webhook(function, runpod, json={"id": "r-1", "status": "FAILED", "error": "No."})
    assert failed.status_code == 503
    assert job(function, started).get_json()["job"]["state"] == "queued"


def test_a_webhook_that_is_repeated_has_one_effect(function, services, runpod, waiting):
    assert webhook(function, runpod).status_code == 200
    before = effects(runpod, services)
    for _ in range(3):
        assert webhook(function, runpod).status_code == 200
    assert effects(runpod, services) == before


@pytest.mark.parametrize(
    "options",
    [
        {"data": b""},
        {"data": b"", "content_type": "application/json"},
        {"data": b"{", "content_type": "application/json"},
        {"json": {}},
        {"json": {"id": 7}},
        {"json": [1]},
        {"data": b"x" * 1_000_000},
        {"data": b'{"id": "' + b"x" * 34_000_000 + b'"}', "content_type": "application/json"},
    ],
    ids=["nothing", "empty", "half", "no id", "odd id", "list", "bytes", "huge"],
)
def test_a_webhook_of_a_job_whose_id_is_known_needs_no_body(
    function, services, runpod, waiting, options
):
    assert webhook(function, runpod, **options).status_code == 200
    assert services.library.voice("ada", "voice_ada")


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b""}, 415),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"json": {}}, 400),
        ({"json": {"id": 7}}, 400),
        ({"json": {"id": "../x"}}, 400),
        ({"data": b"x" * 34_000_000, "content_type": "application/json"}, 413),
    ],
    ids=["nothing", "half", "no id", "odd id", "path", "huge"],
)
def test_a_webhook_of_a_job_whose_id_is_not_known_has_to_bring_it(
    function, services, runpod, options, status
):
    runpod.workers.lost = True
    started = clone(function).get_json()["job_id"]
    runpod.workers.complete("r-1", CLONED)
    assert webhook(function, runpod, **options).status_code == status
    assert job(function, started).get_json()["job"]["state"] == "queued"
    assert webhook(function, runpod).status_code == 200
    assert job(function, started).get_json()["job"]["state"] == "done"


def test_a_webhook_that_brings_the_result_of_a_large_job_is_read(function, services, runpod):
    runpod.workers.lost = True
    clone(function)
    runpod.workers.complete("r-1", CLONED)
    body = {"id": "r-1", "input": {"audio_data": "A" * 9_000_000}, "output": CLONED}
    assert webhook(function, runpod, json=body).status_code == 200
    assert services.library.voice("ada", "voice_ada")


def test_a_webhook_of_a_deleted_job_is_as_one_that_never_was(function, services, runpod, waiting):
    runpod.jobs.records.clear()
    assert webhook(function, runpod).status_code == 404
    assert services.library.records == {}


def test_a_webhook_whose_result_cannot_be_saved_yet_is_to_come_again(
    function, services, runpod, waiting
):
    services.objects.failing_paths = {"voice_samples"}
    answer = webhook(function, runpod)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "unavailable")
    services.objects.failing_paths = set()
    assert webhook(function, runpod).status_code == 200
    assert services.library.voice("ada", "voice_ada")


def test_a_webhook_while_runpod_is_away_is_to_come_again(function, services, runpod, waiting):
    runpod.workers.failing["status"] = Unavailable("Away.")
    assert webhook(function, runpod).status_code == 503
    assert services.library.records == {}


def test_the_webhooks_function_has_no_other_path(function, runpod):
    for path in ("/", "/api/runpod/webhook", "/api/runpod/webhook/job_1"):
        answer = function("runpod_webhook").post(path)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_the_schedule_follows_jobs_whose_webhook_never_came(function, services, runpod, clock):
    clone(function)
    runpod.workers.complete("r-1", CLONED)
    clock.offset = timedelta(minutes=1)
    counts = function("reconcile").post("/").get_json()
    assert (counts["jobs_followed"], counts["jobs_ended"], counts["jobs_failed"]) == (1, 1, 0)
    assert services.library.voice("ada", "voice_ada")
    assert function("reconcile").post("/").get_json()["jobs_followed"] == 0


def test_the_second_speech_with_a_voice_reads_no_profile_from_the_store(
    function, services, runpod, tmp_path
):
    services.cache = TmpCache(services.objects, tmp_path, max_bytes=10_000_000)
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    assert speak(function).status_code == 202
    first = services.cache.figures["fetched_bytes"]
    assert speak(function, again=True).status_code == 202
    assert (first, services.cache.figures["fetched_bytes"]) == (len(npy()), len(npy()))


def test_what_is_logged_names_neither_secret_nor_text(function, runpod, capsys, waiting):
    webhook(function, runpod)
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    speak(function, text="Confidential words.")
    secret = waiting.rpartition("/")[2]
    lines = capsys.readouterr().out
    assert "POST /api/runpod/webhook/<job_id>/<secret>" in lines
    assert secret not in lines
    assert "Confidential" not in lines
    assert all(json.loads(line) for line in lines.splitlines())


def test_no_more_results_are_taken_over_a_day_than_jobs(function, runpod):
    limits = replace(runpod.job_policy.limits, per_day=1)
    runpod.job_policy = replace(runpod.job_policy, limits=limits)
    body = {"runpod_job_id": "r-x", "kind": "clone"}
    assert post(function, "/api/jobs/import", json=body).status_code == 404
    for path, sent in (("/api/jobs/import", {"json": body}), ("/api/jobs/job_x/retry", {})):
        refused = post(function, path, **sent)
        assert (refused.status_code, refused.get_json()["code"]) == (429, "quota_exceeded")
        assert int(refused.headers["Retry-After"]) > 0
    assert post(function, "/api/jobs/import", json=body, headers=BOB).status_code == 404


@pytest.mark.parametrize("key", [{}, {"Idempotency-Key": "k"}], ids=["no key", "a key"])
def test_a_withdrawn_voice_is_neither_cloned_nor_spoken_with_nor_shown_again(function, runpod, key):
    headers = {**ADA, **key}
    save_voice(function, profile_file=(io.BytesIO(npy()), "p.npy"))
    assert speak(function, headers=headers).status_code == 202
    path = "/api/voices/voice_my_voice/consent"
    assert function("library").delete(path, headers=ADA).status_code == 200
    for start, fields in ((speak, {}), (clone, {"voice_name": "My Voice"})):
        refused = start(function, headers=headers, **fields)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "permission_denied")
    assert len(runpod.workers.requests) == 1
