"""Deleting one item or many, and restoring."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_items import CONSENT, call, save_voice_json
from tests.endpoint.test_library import get
from tests.endpoint.test_saves import b64, save_speech, save_voice
from tests.sounds import npy, wav
from voxshelf.core.errors import Unavailable

VOICE = "/api/voices/voice_my_voice"


def delete_many(function, headers=ADA, **body):
    return call(function, "POST", "/api/library/delete", headers, json=body)


def restore(function, headers=ADA, **body):
    return call(function, "POST", "/api/library/restore", headers, json=body)


def results(answer):
    return [(one["kind"], one["id"], one["status"]) for one in answer.get_json()["results"]]


def spoken(function):
    return save_speech(function).get_json()["generation"]


def purge_what_is_due(function, services):
    services.library.now = lambda: datetime.now(UTC) + timedelta(hours=25)
    counts = function("reconcile").post("/").get_json()
    services.library.now = lambda: datetime.now(UTC)
    return counts


class TestOne:
    def test_a_deleted_voice_is_gone_at_once_and_its_files_in_a_day(self, function, services):
        save_voice(function)
        speech = spoken(function)
        answer = call(function, "DELETE", VOICE).get_json()
        until = datetime.fromisoformat(answer.pop("restorable_until"))
        assert timedelta(hours=23, minutes=59) < until - datetime.now(UTC) < timedelta(hours=24)
        assert answer == {
            "status": "success",
            "message": "It is deleted.",
            "id": "voice_my_voice",
            "generations": 0,
        }
        for path in (VOICE, f"{VOICE}/sample", f"{VOICE}/profile"):
            assert get(function, path).status_code == 404
        assert get(function, "/api/voices").get_json()["voices"] == []
        listed = get(function, "/api/tts/generations").get_json()["generations"]
        assert [item["voice_name"] for item in listed] == ["My Voice"]
        assert len(services.objects.stored) == 2
        assert purge_what_is_due(function, services)["deleted"] == 1
        assert set(services.objects.stored) == {speech["file_path"]}
        assert results(restore(function, voice_ids=["voice_my_voice"])) == [
            ("voice", "voice_my_voice", "not_found")
        ]

    def test_deleting_again_answers_the_same(self, function):
        save_voice(function)
        first = call(function, "DELETE", VOICE)
        again = call(function, "DELETE", VOICE)
        assert (again.status_code, again.get_json()) == (200, first.get_json())

    def test_a_deleted_generation_comes_back_with_its_audio(self, function, services):
        save_voice(function)
        speech = spoken(function)
        path = f"/api/tts/generations/{speech['generation_id']}"
        assert call(function, "DELETE", path).status_code == 200
        for gone in (path, f"{path}/audio"):
            assert get(function, gone).status_code == 404
        answer = restore(function, generation_ids=[speech["generation_id"]])
        assert answer.get_json() == {
            "status": "success",
            "restored": 1,
            "results": [
                {
                    "kind": "generation",
                    "id": speech["generation_id"],
                    "status": "restored",
                    "code": None,
                    "generations": 0,
                }
            ],
        }
        assert get(function, path).get_json()["generation"] == speech
        assert speech["file_path"] in services.objects.stored

    def test_for_good_means_at_once_also_for_what_is_in_the_trash(self, function, services):
        save_voice(function)
        speech = spoken(function)
        call(function, "DELETE", VOICE)
        for path in (VOICE, f"/api/tts/generations/{speech['generation_id']}"):
            answer = call(function, "DELETE", f"{path}?permanent=true").get_json()
            assert answer["restorable_until"] is None
            assert answer["message"] == "It is deleted for good."
            assert call(function, "DELETE", path).status_code == 404
        assert (services.objects.stored, services.library.records) == ({}, {})

    def test_a_voice_takes_its_generations_along_and_brings_them_back(self, function, services):
        save_voice(function)
        save_voice(function, voice_name="Other")
        for _ in range(3):
            spoken(function)
        other = save_speech(function, voice_id="voice_other").get_json()["generation_id"]
        answer = call(function, "DELETE", f"{VOICE}?generations=delete").get_json()
        assert answer["generations"] == 3
        listed = get(function, "/api/tts/generations").get_json()
        assert [item["generation_id"] for item in listed["generations"]] == [other]
        assert listed["total_generations"] == 1
        (result,) = restore(function, voice_ids=["voice_my_voice"]).get_json()["results"]
        assert (result["status"], result["generations"]) == ("restored", 3)
        assert get(function, VOICE).get_json()["voice"]["generation_count"] == 3
        assert get(function, "/api/tts/generations").get_json()["total_generations"] == 4
        assert len(services.objects.stored) == 6

    def test_for_good_with_all_generations(self, function, services):
        save_voice(function)
        for _ in range(2):
            spoken(function)
        answer = call(function, "DELETE", f"{VOICE}?generations=delete&permanent=1").get_json()
        assert (answer["generations"], answer["restorable_until"]) == (2, None)
        assert (services.objects.stored, services.library.records) == ({}, {})

    @pytest.mark.parametrize(
        ("query", "field"),
        [("generations=all", "generations"), ("permanent=perhaps", "permanent")],
    )
    def test_a_bad_option_names_its_parameter_and_deletes_nothing(self, function, query, field):
        save_voice(function)
        answer = call(function, "DELETE", f"{VOICE}?{query}")
        assert (answer.status_code, answer.get_json()["details"]) == (400, {"field": field})
        assert get(function, VOICE).status_code == 200

    @pytest.mark.parametrize(
        "query", ["", "?generations=keep&permanent=false", "?permanent=", "?permanent=OFF"]
    )
    def test_by_default_generations_are_kept_and_all_can_be_restored(self, function, query):
        save_voice(function)
        spoken(function)
        assert call(function, "DELETE", f"{VOICE}{query}").get_json()["restorable_until"]
        assert get(function, "/api/tts/generations").get_json()["total_generations"] == 1

    @pytest.mark.parametrize("path", [VOICE, f"{VOICE}?permanent=1", f"{VOICE}/consent"])
    def test_nobody_deletes_what_is_not_his(self, function, path):
        save_voice(function)
        assert call(function, "DELETE", path, BOB).status_code == 404
        assert get(function, VOICE).status_code == 200

    def test_a_save_that_died_is_undone(self, function, services):
        services.objects.failing_paths = {"voice_samples"}
        services.objects.deletes_fail = True
        assert save_voice(function).status_code == 503
        services.objects.failing_paths, services.objects.deletes_fail = set(), False
        assert get(function, VOICE).status_code == 404
        answer = call(function, "DELETE", VOICE)
        assert (answer.status_code, answer.get_json()["restorable_until"]) == (200, None)
        assert (services.objects.stored, services.library.records) == ({}, {})
        assert call(function, "DELETE", VOICE).status_code == 404


class TestSavingOver:
    def test_a_voice_may_be_saved_over_a_deleted_one(self, function, services):
        save_voice_json(function, profile_base64=b64(npy()))
        call(function, "DELETE", VOICE)
        answer = save_voice_json(function, audio_base64=b64(wav(2.0)), profile_base64=b64(npy()))
        assert answer.status_code == 201
        voice = answer.get_json()["voice"]
        assert set(services.objects.stored) == {voice["sample_file"], voice["profile_file"]}
        assert voice["profile_file"] != "voice_profiles/ada/voice_my_voice.npy"
        assert voice["version"] == 2

    def test_it_goes_on_counting_the_generations_of_its_id(self, function):
        save_voice(function)
        speech = spoken(function)["generation_id"]
        call(function, "DELETE", VOICE)
        saved = save_voice_json(function, audio_base64=b64(wav(2.0))).get_json()["voice"]
        assert saved["generation_count"] == 1
        assert get(function, VOICE).get_json()["voice"] == saved
        call(function, "DELETE", f"/api/tts/generations/{speech}")
        assert get(function, VOICE).get_json()["voice"]["generation_count"] == 0

    def test_a_save_in_its_place_says_that_it_cannot_be_restored_any_more(self, function, services):
        save_voice_json(function)
        call(function, "DELETE", VOICE)
        answer = save_voice_json(function, audio_base64=b64(wav(2.0, seed=2)))
        (warning,) = answer.get_json()["warnings"]
        assert warning["field"] == "voice_id"
        assert "cannot be restored" in warning["message"]
        again = save_voice_json(function, audio_base64=b64(wav(2.0, seed=3)), replace=True)
        assert again.get_json()["warnings"] == []

    def test_a_save_in_its_place_says_nothing_when_it_could_not_be_restored_before(
        self, function, services
    ):
        save_voice_json(function)
        call(function, "DELETE", VOICE)
        now = services.library.now
        services.library.now = lambda: now() + timedelta(days=2)
        answer = save_voice_json(function, audio_base64=b64(wav(2.0, seed=2)))
        assert answer.get_json()["warnings"] == []

    def test_a_save_that_fails_leaves_the_deleted_voice_to_be_restored(self, function, services):
        save_voice(function)
        before = get(function, VOICE).get_json()["voice"]
        call(function, "DELETE", VOICE)
        services.objects.failing_paths = {"voice_samples"}
        assert save_voice_json(function, audio_base64=b64(wav(2.0))).status_code == 503
        assert restore(function, voice_ids=["voice_my_voice"]).get_json()["restored"] == 1
        assert get(function, VOICE).get_json()["voice"] == before


class TestWithdrawing:
    def test_consent_to_a_voice_in_the_trash_is_withdrawn_as_to_any_other(self, function, services):
        save_voice_json(function, consent=CONSENT)
        call(function, "DELETE", VOICE)
        assert call(function, "DELETE", f"{VOICE}/consent").status_code == 200
        assert services.objects.stored == {}
        assert results(restore(function, voice_ids=["voice_my_voice"]))[0][2] == "not_found"
        assert save_voice(function).status_code == 403


class TestMany:
    def test_each_id_has_its_result_once_and_in_order(self, function):
        save_voice(function)
        speech = spoken(function)["generation_id"]
        ids = ["voice_never", "voice_my_voice", "voice_my_voice", "..", "a/b"]
        answer = delete_many(function, voice_ids=ids, generation_ids=[speech, speech])
        assert answer.status_code == 200
        assert results(answer) == [
            ("voice", "voice_never", "not_found"),
            ("voice", "voice_my_voice", "deleted"),
            ("voice", "..", "not_found"),
            ("voice", "a/b", "not_found"),
            ("generation", speech, "deleted"),
        ]
        assert answer.get_json()["deleted"] == 2
        codes = [one["code"] for one in answer.get_json()["results"]]
        assert codes == ["not_found", None, "not_found", "not_found", None]
        restored = restore(function, voice_ids=ids, generation_ids=[speech])
        assert [status for _, _, status in results(restored)] == [
            "not_found", "restored", "not_found", "not_found", "restored",
        ]  # fmt: skip
        assert get(function, VOICE).get_json()["voice"]["generation_count"] == 1

    def test_five_hundred_at_once(self, function, services):
        services.policy = replace(
            services.policy, limits=replace(services.policy.limits, generations=600)
        )
        save_voice(function)
        audio = wav(0.2)
        ids = [
            save_speech(
                function, audio_file=(io.BytesIO(audio), "x.wav"), text_input=f"Hello {number}."
            ).get_json()["generation_id"]
            for number in range(500)
        ]
        answer = delete_many(function, generation_ids=ids).get_json()
        assert (answer["deleted"], len(answer["results"])) == (500, 500)
        assert get(function, VOICE).get_json()["voice"]["generation_count"] == 0
        assert restore(function, generation_ids=ids).get_json()["restored"] == 500
        assert services.library.accounts["ada"].kept.generations == 500
        answer = delete_many(function, generation_ids=ids, permanent=True).get_json()
        assert answer["deleted"] == 500
        assert len(services.objects.stored) == 1

    @pytest.mark.parametrize("act", [delete_many, restore])
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, None),
            ({"voice_ids": None}, "voice_ids"),
            ({"ids": ["voice_my_voice"]}, None),
            ({"voice_ids": "voice_my_voice"}, "voice_ids"),
            ({"voice_ids": [7]}, "voice_ids"),
            ({"generation_ids": [None]}, "generation_ids"),
            ({"voice_ids": ["v"] * 251, "generation_ids": ["g"] * 250}, None),
        ],
        ids=["nothing", "no list", "other name", "text", "number", "null", "too many"],
    )
    def test_a_bad_selection_is_refused_whole(self, function, act, body, field):
        save_voice(function)
        answer = act(function, **body)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
        assert answer.get_json()["details"].get("field") == field
        assert get(function, VOICE).status_code == 200

    @pytest.mark.parametrize(
        "body", [{"generations": "all"}, {"generations": ["keep"]}, {"permanent": 2},
                 {"permanent": []}]
    )  # fmt: skip
    def test_a_bad_option_is_refused(self, function, body):
        save_voice(function)
        answer = delete_many(function, voice_ids=["voice_my_voice"], **body)
        assert answer.status_code == 400
        assert get(function, VOICE).status_code == 200

    @pytest.mark.parametrize("flag", [True, 1, "1", "YES", "on"])
    def test_for_good_is_taken_in_every_form_of_a_flag(self, function, flag):
        save_voice(function)
        answer = delete_many(function, voice_ids=["voice_my_voice"], permanent=flag)
        assert answer.get_json()["results"][0]["restorable_until"] is None

    @pytest.mark.parametrize("path", ["/api/library/delete", "/api/library/restore"])
    def test_an_empty_selection_is_done_at_once(self, function, path):
        answer = call(function, "POST", path, json={"voice_ids": [], "generation_ids": []})
        assert (answer.status_code, answer.get_json()["results"]) == (200, [])

    @pytest.mark.parametrize("path", ["/api/library/delete", "/api/library/restore"])
    def test_other_bodies_are_refused(self, function, path):
        assert call(function, "POST", path, data=b"x").status_code == 415
        assert call(function, "POST", path, data=b"[]", content_type="application/json"
                    ).status_code == 400  # fmt: skip
        large = {"voice_ids": ["v" * 2_000_000]}
        assert call(function, "POST", path, json=large).status_code == 413

    def test_a_strangers_ids_are_as_missing_as_any(self, function):
        save_voice(function)
        answer = delete_many(function, BOB, voice_ids=["voice_my_voice"])
        assert results(answer) == [("voice", "voice_my_voice", "not_found")]
        call(function, "DELETE", VOICE)
        assert results(restore(function, BOB, voice_ids=["voice_my_voice"]))[0][2] == "not_found"

    def test_what_could_not_be_done_is_told_for_each_id(self, function, services):
        save_voice(function)
        services.objects.deletes_fail = True
        answer = delete_many(function, voice_ids=["voice_my_voice"], permanent=True)
        (result,) = answer.get_json()["results"]
        assert (result["status"], result["code"]) == ("failed", Unavailable.code)
        services.objects.deletes_fail = False
        answer = delete_many(function, voice_ids=["voice_my_voice"], permanent=True)
        assert answer.get_json()["deleted"] == 1
        assert services.objects.stored == {}

    def test_what_has_no_room_stays_in_the_trash(self, function, services):
        save_voice(function)
        call(function, "DELETE", VOICE)
        save_voice(function, voice_name="Other")
        limits = services.policy.limits
        services.policy = replace(services.policy, limits=replace(limits, voices=1))
        (result,) = restore(function, voice_ids=["voice_my_voice"]).get_json()["results"]
        assert (result["status"], result["code"]) == ("failed", "quota_exceeded")
        services.policy = replace(services.policy, limits=limits)
        assert restore(function, voice_ids=["voice_my_voice"]).get_json()["restored"] == 1

    def test_several_voices_go_with_their_generations(self, function, services):
        save_voice(function)
        save_voice(function, voice_name="Other")
        spoken(function)
        save_speech(function, voice_id="voice_other")
        ids = ["voice_my_voice", "voice_other"]
        answer = delete_many(function, voice_ids=ids, generations="delete").get_json()
        assert [one["generations"] for one in answer["results"]] == [1, 1]
        assert get(function, "/api/tts/generations").get_json()["total_generations"] == 0
        answer = restore(function, voice_ids=ids).get_json()
        assert (answer["restored"], get(function, "/api/voices").get_json()["total_voices"]) == (
            2,
            2,
        )
