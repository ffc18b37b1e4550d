"""Withdrawing consent, renewing addresses, taking over uploads, cleaning up."""

from dataclasses import replace

import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_library import get
from tests.endpoint.test_saves import b64, save_speech, save_voice
from tests.sounds import npy, wav

CONSENT = {"statement": "I lend my voice.", "granted_by": "The speaker"}


def call(function, method, path, headers=ADA, **options):
    return function("library").open(path, method=method, headers=headers, **options)


def save_voice_json(function, headers=ADA, **fields):
    body = {"voice_name": "My Voice", "audio_base64": b64(wav(1.0)), **fields}
    body = {name: value for name, value in body.items() if value is not None}
    return function("voices_save").post("/", json=body, headers=headers)


class TestConsent:
    def test_consent_is_kept_with_time_and_digest(self, function, services):
        given = {**CONSENT, "audio_base64": b64(wav(0.5))}
        voice = save_voice_json(function, consent=given).get_json()["voice"]
        consent = voice["consent"]
        assert (consent["statement"], consent["granted_by"]) == tuple(CONSENT.values())
        assert consent["granted_at"] == voice["created_at"]
        assert len(consent["sha256"]) == 64
        assert services.objects.stored[consent["audio"]["path"]][1] == wav(0.5)

    def test_a_new_version_carries_the_consent_on(self, function, services):
        given = {**CONSENT, "audio_base64": b64(wav(0.5))}
        first = save_voice_json(function, consent=given).get_json()["voice"]
        other = b64(wav(2.0))
        second = save_voice_json(function, audio_base64=other, replace=True).get_json()["voice"]
        kept = ("statement", "granted_by", "granted_at", "sha256", "audio_sha256")
        assert all(second["consent"][name] == first["consent"][name] for name in kept)
        assert set(services.objects.stored) == {second["sample"]["path"]}

    def test_where_consent_is_required_nothing_is_kept_without(self, function, services):
        services.policy = replace(services.policy, require_consent=True)
        answer = save_voice_json(function)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "permission_denied")
        assert services.objects.stored == {}
        assert save_voice_json(function, consent=CONSENT).status_code == 201

    @pytest.mark.parametrize("given", [{"statement": "x"}, {"granted_by": "x"}, [], "no", 7])
    def test_half_a_consent_is_refused(self, function, services, given):
        assert save_voice_json(function, consent=given or [1]).status_code == 400

    def test_withdrawing_removes_the_files_and_bars_the_voice(self, function, services):
        save_voice_json(function, consent=CONSENT, profile_base64=b64(npy()))
        speech = save_speech(function).get_json()["generation"]
        path = "/api/voices/voice_my_voice"
        assert call(function, "DELETE", f"{path}/consent").status_code == 200
        assert get(function, path).status_code == 404
        assert set(services.objects.stored) == {speech["file_path"]}
        for answer in (save_speech(function), save_voice(function)):
            assert (answer.status_code, answer.get_json()["code"]) == (403, "permission_denied")


class TestRenewal:
    def test_a_renewed_voice_has_new_addresses_and_the_same_bytes(self, function, services):
        given = {**CONSENT, "audio_base64": b64(wav(0.5))}
        saved = save_voice_json(function, profile_base64=b64(npy()), consent=given).get_json()
        before = {path: data for path, (_, data) in services.objects.stored.items()}
        answer = call(function, "POST", "/api/voices/voice_my_voice/urls/renew")
        voice = answer.get_json()["voice"]
        assert answer.status_code == 200
        after = {path: data for path, (_, data) in services.objects.stored.items()}
        assert not set(before) & set(after)
        assert sorted(before.values()) == sorted(after.values())
        assert voice["sample"]["sha256"] == saved["voice"]["sample"]["sha256"]
        tokens = {new.token for new, _ in services.objects.stored.values()}
        assert not any(f"token={token}" in saved["firebase_url"] for token in tokens)
        assert get(function, "/api/voices/voice_my_voice").get_json()["voice"] == voice

    def test_a_renewed_generation_keeps_its_id(self, function, services):
        save_voice(function)
        saved = save_speech(function).get_json()
        path = f"/api/tts/generations/{saved['generation_id']}"
        renewed = call(function, "POST", f"{path}/urls/renew").get_json()["generation"]
        assert renewed["generation_id"] == saved["generation_id"]
        assert renewed["firebase_url"] != saved["firebase_url"]
        assert saved["generation"]["file_path"] not in services.objects.stored
        voice = get(function, "/api/voices/voice_my_voice").get_json()["voice"]
        assert voice["generation_count"] == 1
        assert services.library.accounts["ada"].kept.generations == 1

    def test_a_failed_renewal_leaves_the_old_addresses(self, function, services):
        save_voice(function)
        before = set(services.objects.stored)
        services.objects.failing_paths = {"voice_samples"}
        answer = call(function, "POST", "/api/voices/voice_my_voice/urls/renew")
        assert answer.status_code == 503
        assert set(services.objects.stored) == before
        assert get(function, "/api/voices/voice_my_voice").status_code == 200

    def test_a_renewal_that_another_one_overtakes_is_to_be_tried_again(self, function, services):
        saved = save_voice(function).get_json()["voice"]
        # What the other one has taken away between the reading of the voice and of its file.
        del services.objects.stored[saved["sample_file"]]
        answer = call(function, "POST", "/api/voices/voice_my_voice/urls/renew")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "in_progress")
        assert "Retry-After" in answer.headers

    def test_nobody_renews_what_is_not_his(self, function, services):
        save_voice(function)
        answer = call(function, "POST", "/api/voices/voice_my_voice/urls/renew", BOB)
        assert answer.status_code == 404


class TestUploads:
    def test_an_upload_is_taken_over_and_removed(self, function, services):
        services.objects.plant("uploads/ada/take 1.wav", wav(1.0))
        services.objects.plant("uploads/ada/profile.npy", npy())
        answer = save_voice_json(
            function,
            audio_base64=None,
            audio_path="uploads/ada/take 1.wav",
            profile_path="uploads/ada/profile.npy",
        )
        voice = answer.get_json()["voice"]
        assert answer.status_code == 201
        stored = {path: data for path, (_, data) in services.objects.stored.items()}
        expected = {voice["sample"]["path"]: wav(1.0), voice["profile"]["path"]: npy()}
        assert stored == expected

    def test_speech_is_taken_over_too_and_a_retry_finds_its_answer(self, function, services):
        save_voice(function)
        services.objects.plant("uploads/ada/speech.wav", wav(0.5))
        body = {"voice_id": "voice_my_voice", "audio_path": "uploads/ada/speech.wav"}
        headers = {**ADA, "Idempotency-Key": "k"}
        first = function("tts_save").post("/", json=body, headers=headers)
        again = function("tts_save").post("/", json=body, headers=headers)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.get_json()["generation"] == first.get_json()["generation"]
        assert again.headers["Idempotent-Replayed"] == "true"

    def test_a_retry_without_a_key_finds_the_voice_that_it_saved(self, function, services):
        services.objects.plant("uploads/ada/a.wav", wav(1.0))
        path = {"audio_base64": None, "audio_path": "uploads/ada/a.wav"}
        first = save_voice_json(function, **path)
        again = save_voice_json(function, **path)
        assert again.get_json() == {**first.get_json(), "replayed": True}

    @pytest.mark.parametrize(
        "path",
        [
            "uploads/ada/missing.wav",
            "uploads/bob/a.wav",
            "uploads/ada/../bob/a.wav",
            "uploads/ada//bob/a.wav",
            "uploads/ada/./a.wav",
            "uploads/adam/a.wav",
            "voice_samples/ada/a.wav",
            "/uploads/ada/a.wav",
            "gs://bucket/uploads/ada/a.wav",
        ],
    )
    def test_any_other_path_is_as_missing_as_one_that_never_was(self, function, services, path):
        for owner in ("bob", "adam"):
            services.objects.plant(f"uploads/{owner}/a.wav", wav(1.0))
        services.objects.plant("voice_samples/ada/a.wav", wav(1.0))
        answer = save_voice_json(function, audio_base64=None, audio_path=path)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")

    def test_an_upload_is_validated_like_any_body(self, function, services):
        services.objects.plant("uploads/ada/a.wav", b"<html>not audio</html>")
        answer = save_voice_json(function, audio_base64=None, audio_path="uploads/ada/a.wav")
        assert answer.status_code == 415
        assert "uploads/ada/a.wav" in services.objects.stored


class TestReconcile:
    def test_it_answers_and_logs_what_it_did(self, function, services, capsys):
        services.objects.plant("voice_samples/ada/orphan.wav", b"x")
        answer = function("reconcile").post("/", json={"deep": True})
        body = answer.get_json()
        assert (answer.status_code, body["orphans"], body["deep"]) == (200, 1, True)
        assert '"message": "reconcile"' in capsys.readouterr().out

    def test_without_being_asked_it_does_not_compare_the_bucket(self, function, services):
        services.objects.plant("voice_samples/ada/orphan.wav", b"x")
        for options in ({}, {"json": {}}, {"data": b"not json"}):
            assert function("reconcile").post("/", **options).get_json()["orphans"] == 0
