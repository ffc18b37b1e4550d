"""An Idempotency-Key holds on every POST: one effect, and the first answer again."""

import io
import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from local.openapi.routes import routes
from tests.authorisation.routes import function_of
from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_items import CONSENT, save_voice_json
from tests.endpoint.test_jobs import clone
from tests.endpoint.test_moving import export
from tests.endpoint.test_saves import save_speech, save_voice
from tests.unit.workshop import CLONED, SPOKEN
from voxshelf.core.errors import Unavailable
from voxshelf.http import keyed

POSTS = {route.path: route for route in routes() if route.method == "POST" and not route.public}
# These keep their keys with the voice, the generation or the job that they make.
OWN_KEYS = {
    "/api/voices/save",
    "/api/tts/save",
    "/api/voices/clone",
    "/api/tts/generate",
    "/api/uploads",
}
WORDS = "Confidential words."


def post(function, path, key="k", headers=ADA, **options):
    sent = headers if key is None else {**headers, "Idempotency-Key": key}
    return function(function_of("POST", path)).post(path, headers=sent, **options)


def shown(answer):
    """Return an answer without what differs from request to request."""
    return answer.status_code, {**answer.get_json(), "request_id": ""}


class House:
    """What the routes act on; `effects` tells of all that they can change."""

    def __init__(self, function, services):
        self.function, self.services = function, services
        save_voice(function)
        self.speech = save_speech(function).get_json()["generation_id"]
        self.job = clone(function).get_json()["job_id"]
        services.runpod.workers.elsewhere("speech-endpoint", "r-x")
        services.runpod.workers.complete("r-x", SPOKEN)

    def failed_job(self):
        self.services.runpod.workers.complete("r-1", {**CLONED, "profile_base64": "bm9uZQ=="})
        path = self.services.runpod.workers.webhook("r-1")
        assert self.function("runpod_webhook").post(path, json={"id": "r-1"}).status_code == 200
        return self.job

    def effects(self):
        library, jobs = self.services.library, self.services.runpod.jobs
        return repr((library.records, library.accounts, jobs.records, jobs.uses)), sorted(
            self.services.objects.stored
        )


@pytest.fixture
def house(function, services):
    return House(function, services)


def renew_voice(house):
    return "/api/voices/voice_my_voice/urls/renew", {}, None


def renew_generation(house):
    return f"/api/tts/generations/{house.speech}/urls/renew", {}, None


def delete(house):
    path = "/api/library/delete"
    return path, {"json": {"voice_ids": ["voice_my_voice"]}}, {"json": {"voice_ids": ["x"]}}


def restore(house):
    path, asked, other = delete(house)
    assert post(house.function, path, None, **asked).status_code == 200
    return "/api/library/restore", asked, other


def bring(house):
    archive = export(house.function).data
    house.services.library.records.clear()
    sent = {"data": archive, "content_type": "application/zip"}
    return "/api/library/import", sent, {**sent, "query_string": {"start": 1}}


def bring_as_a_form(house):
    archive = export(house.function).data
    house.services.library.records.clear()
    # Each call makes a boundary of its own, as browsers do.
    sent = lambda data: {"data": {"file": (io.BytesIO(data), "a.zip")}}  # noqa: E731
    return "/api/library/import", lambda: sent(archive), sent(archive + b" ")


def cancel(house):
    return f"/api/jobs/{house.job}/cancel", {}, None


def retry(house):
    return f"/api/jobs/{house.failed_job()}/retry", {}, None


def adopt(house):
    body = {"runpod_job_id": "r-x", "kind": "speech"}
    return "/api/jobs/import", {"json": body}, {"json": {**body, "text": "Other."}}


ACTS = [
    renew_voice, renew_generation, delete, restore, bring, bring_as_a_form, cancel, retry, adopt,
]  # fmt: skip


def options(sent):
    return sent() if callable(sent) else sent


def test_every_post_has_a_key_the_boundarys_or_its_own():
    assert {path for path, route in POSTS.items() if route.has_own_keys} == OWN_KEYS
    assert all(route.lease > timedelta(0) for route in POSTS.values())


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a\x7fb"], ids=ascii)
def test_a_key_that_is_none_is_refused_by_every_post_before_its_body(function, path, key):
    path = path.replace("<", "").replace(">", "")
    answer = post(function, path, key, data=b"{", content_type="application/json")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
    assert answer.get_json()["details"] == {"field": "Idempotency-Key"}


@pytest.mark.parametrize("act", ACTS)
def test_the_second_request_has_the_first_answer_and_no_effect(function, house, act):
    path, sent, other = act(house)
    first = post(function, path, **options(sent))
    assert first.status_code in (200, 202), first.data
    assert "Idempotent-Replayed" not in first.headers
    effects = house.effects()
    for _ in range(2):
        again = post(function, path, **options(sent))
        assert shown(again) == shown(first)
        assert again.headers["Idempotent-Replayed"] == "true"
    refused = post(function, path, **options(other or {"data": b"other"}))
    assert (refused.status_code, refused.get_json()["code"]) == (422, "idempotency_conflict")
    assert house.effects() == effects


@pytest.mark.parametrize("act", [renew_voice, renew_generation, retry])
def test_another_key_is_another_request(function, house, act):
    path, sent, _ = act(house)
    first, second = (post(function, path, key, **options(sent)) for key in "kl")
    assert "Idempotent-Replayed" not in second.headers
    assert shown(second) != shown(first)


def test_keys_are_of_one_user_and_one_kind_of_request(function, house):
    path, sent, _ = delete(house)
    assert post(function, path, **sent).get_json()["deleted"] == 1
    assert post(function, path, headers=BOB, **sent).get_json()["deleted"] == 0
    assert post(function, "/api/library/restore", **sent).get_json()["restored"] == 1


def test_what_is_refused_frees_its_key(function, house):
    path, sent, _ = delete(house)
    for wrong in ({"json": {}}, {"data": b"{", "content_type": "application/json"}):
        assert post(function, path, **wrong).status_code == 400
    assert post(function, path, **sent).get_json()["deleted"] == 1


def test_what_the_database_cannot_do_yet_frees_its_key(function, house, services):
    path, sent, _ = renew_voice(house)
    services.objects.failing_paths = {"voice_samples"}
    assert post(function, path, **sent).status_code == 503
    services.objects.failing_paths = set()
    assert post(function, path, **sent).status_code == 200


def test_a_bulk_answer_with_a_failure_in_it_frees_its_key(function, house, services):
    path, sent, _ = delete(house)
    library_delete = services.library.delete

    def away(*arguments):
        raise Unavailable

    services.library.delete = away
    failed = post(function, path, **sent)
    assert (failed.status_code, failed.get_json()["deleted"]) == (200, 0)
    services.library.delete = library_delete
    assert post(function, path, **sent).get_json()["deleted"] == 1


def test_while_the_first_runs_the_second_waits_and_a_crash_frees_the_key_after_its_lease(
    function, house, services
):
    path, sent, _ = delete(house)

    def dies(*arguments):
        # As when the process is killed: the key is not freed.
        services.requests.failing["free"] = Unavailable()
        answers.append(post(function, path, **sent))
        raise RuntimeError

    answers, library_delete = [], services.library.delete
    services.library.delete = dies
    assert post(function, path, **sent).status_code == 500
    services.library.delete = library_delete
    answers.append(post(function, path, **sent))
    for answer in answers:
        assert (answer.status_code, answer.get_json()["code"]) == (409, "in_progress")
        assert int(answer.headers["Retry-After"]) > 0
    services.requests.now = lambda: datetime.now(UTC) + timedelta(seconds=61)
    assert post(function, path, **sent).get_json()["deleted"] == 1


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(function, house, services):
    path, sent, _ = delete(house)
    services.requests.failing["keep"] = Unavailable()
    assert post(function, path, **sent).get_json()["deleted"] == 1


def test_a_request_whose_key_cannot_be_held_has_no_effect(function, house, services):
    path, sent, _ = delete(house)
    effects = house.effects()
    services.requests.failing["begin"] = Unavailable()
    assert post(function, path, **sent).status_code == 503
    assert house.effects() == effects


def test_an_answer_too_large_for_a_document_frees_its_key(function, house, services, monkeypatch):
    path, sent, _ = delete(house)
    monkeypatch.setattr(keyed, "MAX_KEPT_BYTES", 20)
    assert post(function, path, **sent).get_json()["deleted"] == 1
    assert services.requests.records == {}


def test_500_ids_take_little_of_a_document(function, house, services):
    sent = {"json": {"generation_ids": [f"TTS_voice_{'音' * 60}_{n:020}" for n in range(500)]}}
    first = post(function, "/api/library/delete", **sent)
    assert len(first.get_json()["results"]) == 500
    [record] = services.requests.records.values()
    assert len(record.answer.body) < 20_000
    assert json.loads(zlib.decompress(record.answer.body)) == first.get_json()


@pytest.mark.parametrize("act", [renew_voice, retry, adopt, cancel])
def test_what_is_kept_of_an_answer_holds_no_words(function, services, house, act):
    path, sent, _ = act(house)
    post(function, path, **options(sent))
    [record] = services.requests.records.values()
    kept = json.loads(zlib.decompress(record.answer.body))
    assert set(kept) <= {"id", "job_id"}


def test_a_key_does_not_give_the_words_of_a_withdrawn_voice_back(function, services):
    saved = save_voice_json(function, consent={**CONSENT, "statement": WORDS}).get_json()
    path = f"/api/voices/{saved['voice_id']}"
    assert WORDS in post(function, f"{path}/urls/renew").get_data(as_text=True)
    assert function("library").delete(f"{path}/consent", headers=ADA).status_code == 200
    again = post(function, f"{path}/urls/renew")
    assert (again.status_code, again.get_json()["code"]) == (404, "not_found")
    assert WORDS not in repr(services.requests.records)


def test_a_request_without_a_key_leaves_no_record(function, house, services):
    path, sent, _ = delete(house)
    post(function, path, None, **sent)
    assert services.requests.records == {}
