"""`PATCH` of voices and generations."""

import json

import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_library import get
from tests.endpoint.test_saves import save_speech, save_voice
from voxshelf.core.edits import GenerationEdit, VoiceEdit
from voxshelf.core.shelf import Pending

VOICE = "/api/voices/voice_my_voice"


def patch(function, path, body=None, headers=ADA, **options):
    options = {"json": body} if body is not None else options
    return function("library").patch(path, headers=headers, **options)


def edit(function, body, **more):
    return patch(function, VOICE, body, headers={**ADA, **more})


@pytest.fixture
def voice(function):
    """Return a saved voice."""
    fields = {
        "description": "Warm.",
        "language": "en",
        "tags": '["warm"]',
        "template_message": "Hi.",
    }
    return save_voice(function, **fields).get_json()["voice"]


@pytest.fixture
def speech(function, voice):
    """Return a saved generation."""
    return save_speech(function).get_json()["generation"]


class TestVoices:
    @pytest.mark.parametrize(
        ("field", "sent", "kept"),
        [
            ("name", "  Ada 音声  ", "Ada 音声"),
            ("name", "n" * 100, "n" * 100),
            ("description", "Two\nlines.", "Two\nlines."),
            ("description", "d" * 1000, "d" * 1000),
            ("description", None, None),
            ("description", "  ", None),
            ("language", "pt-BR", "pt-BR"),
            ("language", "", None),
            ("language", None, None),
            ("template_message", "t" * 5000, "t" * 5000),
            ("template_message", "", None),
            ("tags", ["a", " b ", "a"], ["a", "b"]),
            ("tags", "a, b", ["a", "b"]),
            ("tags", [], []),
            ("tags", None, []),
            ("favorite", True, True),
            ("favorite", "true", True),
        ],
    )
    def test_each_field_can_be_edited_alone(self, function, voice, field, sent, kept):
        answer = edit(function, {field: sent})
        body = answer.get_json()
        assert answer.status_code == 200
        assert body["voice"] == {
            **voice,
            field: kept,
            "version": 2,
            "updated_at": body["voice"]["updated_at"],
        }
        assert body["voice"]["updated_at"] > voice["updated_at"]
        assert get(function, VOICE).get_json() == body
        assert answer.headers["ETag"] == get(function, VOICE).headers["ETag"] == '"2"'

    @pytest.mark.parametrize(
        ("field", "sent"),
        [
            ("name", ""),
            ("name", None),
            ("name", "   "),
            ("name", 7),
            ("name", "two\nlines"),
            ("name", "nul\0"),
            ("name", "\ud800"),
            ("name", "n" * 101),
            ("description", "d" * 1001),
            ("description", ["x"]),
            ("language", "not a language"),
            ("template_message", "t" * 5001),
            ("tags", ["t"] * 21),
            ("tags", ["t" * 51]),
            ("tags", [1]),
            ("tags", {"a": 1}),
            ("favorite", "perhaps"),
            ("favorite", 2),
            ("version", "2"),
            ("version", 0),
            ("version", True),
            ("version", 1.5),
        ],
    )
    def test_what_a_save_refuses_an_edit_refuses_too(self, function, voice, field, sent):
        answer = edit(function, {"template_message": "Changed.", field: sent})
        body = answer.get_json()
        assert (answer.status_code, body["code"]) == (400, "invalid_request")
        assert body["details"]["field"] == field
        assert get(function, VOICE).get_json()["voice"] == voice

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"version": 1},
            {"nothing": "known"},
            {"voice_id": "other", "status": "deleting", "userId": "bob", "metadata": {"name": "X"}},
        ],
        ids=["empty", "version alone", "unknown", "not his to say"],
    )
    def test_there_must_be_something_to_change(self, function, voice, body):
        answer = edit(function, body)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
        assert "othing to change" in answer.get_json()["message"]
        assert get(function, VOICE).get_json()["voice"] == voice

    def test_unknown_fields_are_ignored_and_never_stored(self, function, voice):
        unknown = {
            "voice_id": "voice_x",
            "source": "runpod",
            "generation_count": 9,
            "sample": {"path": "elsewhere"},
            "consent": None,
            "metadata": 7,
            "parameters": {"a": 1},
        }
        after = edit(function, {"favorite": True, **unknown}).get_json()["voice"]
        changed = {name for name in voice if voice[name] != after[name]}
        assert changed == {"favorite", "version", "updated_at"}

    def test_an_edit_that_changes_nothing_keeps_version_and_time(self, function, voice):
        same = {name: voice[name] for name in ("name", "tags", "favorite", "language")}
        answer = edit(function, same)
        assert (answer.status_code, answer.get_json()["voice"]) == (200, voice)
        assert answer.headers["ETag"] == '"1"'

    def test_a_repeated_edit_is_the_first_one(self, function, voice):
        first = edit(function, {"name": "New", "favorite": True}).get_json()
        assert edit(function, {"name": "New", "favorite": True}).get_json() == first

    def test_a_renamed_voice_shows_everywhere_under_its_new_name(self, function, voice, speech):
        assert edit(function, {"name": "New Name"}).status_code == 200
        (listed,) = get(function, "/api/voices").get_json()["voices"]
        (spoken,) = get(function, "/api/tts/generations").get_json()["generations"]
        path = f"/api/tts/generations/{speech['generation_id']}"
        read = get(function, path).get_json()["generation"]
        assert (listed["name"], listed["voice_id"]) == ("New Name", voice["voice_id"])
        assert spoken == read == {**speech, "voice_name": "New Name"}
        later = save_speech(function).get_json()["generation"]
        assert later["voice_name"] == "New Name"

    def test_the_generations_are_sorted_by_the_new_name_when_it_is_answered(self, function, voice):
        save_voice(function, voice_name="Between")
        for voice_id in ("voice_my_voice", "voice_between", "voice_my_voice"):
            assert save_speech(function, voice_id=voice_id).status_code == 201
        edit(function, {"name": "Alpha"})
        path = "/api/tts/generations?sort=name&order=asc"
        listed = get(function, path).get_json()["generations"]
        assert [one["voice_name"] for one in listed] == ["Alpha", "Alpha", "Between"]
        for words, count in [("alph", 2), ("my", 0)]:
            found = get(function, f"/api/tts/generations?search={words}").get_json()
            assert len(found["generations"]) == count

    def test_a_voice_that_is_being_replaced_is_in_progress(self, function, services, voice):
        record = services.library.records["ada", "voices", "voice_my_voice"]
        record.pending = Pending(record.ready, "f", "lease", services.library.now(), None)
        answer = edit(function, {"favorite": True})
        assert (answer.status_code, answer.get_json()["code"]) == (409, "in_progress")
        assert int(answer.headers["Retry-After"]) > 0


class TestGenerations:
    def test_tags_and_favorite_can_be_edited(self, function, speech):
        path = f"/api/tts/generations/{speech['generation_id']}"
        answer = patch(function, path, {"tags": ["best"], "favorite": True})
        after = answer.get_json()["generation"]
        assert answer.status_code == 200
        assert after == {
            **speech,
            "tags": ["best"],
            "favorite": True,
            "version": 2,
            "updated_at": after["updated_at"],
        }
        assert get(function, path).get_json()["generation"] == after
        assert answer.headers["ETag"] == get(function, path).headers["ETag"] == '"2"'

    @pytest.mark.parametrize("field", ["name", "description", "language", "voice_name", "text"])
    def test_nothing_else_can(self, function, speech, field):
        path = f"/api/tts/generations/{speech['generation_id']}"
        assert patch(function, path, {field: "x"}).status_code == 400
        assert get(function, path).get_json()["generation"] == speech

    def test_another_version_is_a_conflict_with_what_is_there(self, function, speech):
        path = f"/api/tts/generations/{speech['generation_id']}"
        edit(function, {"name": "New Name"})
        answer = patch(function, path, {"favorite": True, "version": 5})
        error = answer.get_json()
        assert (answer.status_code, error["code"]) == (409, "version_conflict")
        present = {**speech, "voice_name": "New Name"}
        assert error["details"] == {"version": 1, "generation": present}


class TestVersions:
    @pytest.mark.parametrize(
        "headers",
        [
            {"If-Match": '"1"'},
            {"If-Match": "*"},
            {"If-Match": '"7", "1"'},
            {"If-Match": 'W/"1","1"'},
            {"If-Match": "1"},
            {"If-Match": 'W/"1"'},
        ],
        ids=str,
    )
    def test_an_edit_of_the_version_that_is_there_is_made(self, function, voice, headers):
        answer = edit(function, {"favorite": True}, **headers)
        assert (answer.status_code, answer.get_json()["voice"]["version"]) == (200, 2)

    @pytest.mark.parametrize(
        "tags",
        [
            '"2"',
            '"0", "2"',
            'W/"2"',
            "",
            ",",
            '"01"',
            '"1 "',
            '"x"',
            '""',
            '"*"',
            f'"{"1" * 5000}"',
            '"１"',
        ],
        ids=lambda tags: tags[:9],
    )
    def test_an_edit_of_another_version_changes_nothing(self, function, voice, tags):
        answer = edit(function, {"favorite": True}, **{"If-Match": tags})
        error = answer.get_json()
        assert (answer.status_code, error["code"]) == (409, "version_conflict")
        assert error["details"] == {"version": 1, "voice": voice}
        assert get(function, VOICE).get_json()["voice"] == voice

    def test_the_version_may_stand_in_the_body(self, function, voice):
        assert edit(function, {"favorite": True, "version": 2}).status_code == 409
        assert edit(function, {"favorite": True, "version": 1}).status_code == 200
        assert edit(function, {"favorite": False, "version": 1}).status_code == 409
        assert edit(function, {"favorite": False, "version": None}).status_code == 200

    def test_body_and_header_must_both_hold(self, function, voice):
        one, other = {"If-Match": '"1"'}, {"If-Match": '"2"'}
        assert edit(function, {"favorite": True, "version": 2}, **one).status_code == 409
        assert edit(function, {"favorite": True, "version": 1}, **other).status_code == 409
        assert edit(function, {"favorite": True, "version": 1}, **one).status_code == 200

    def test_what_is_not_there_is_missing_whatever_its_version(self, function, voice):
        for tags in ("*", '"1"'):
            answer = patch(function, VOICE, {"favorite": True}, {**BOB, "If-Match": tags})
            assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")

    def test_a_replacement_is_a_new_version(self, function, voice):
        edit(function, {"favorite": True})
        replaced = save_voice(function, replace="true").get_json()["voice"]
        assert (replaced["version"], replaced["favorite"]) == (3, True)
        assert edit(function, {"favorite": False, "version": 2}).status_code == 409


class TestRequests:
    @pytest.mark.parametrize("kind", ["voices", "tts/generations"])
    @pytest.mark.parametrize("item_id", ["never", "..", "%2e%2e%2f", "__x__", "a%00"])
    def test_what_is_not_there_is_not_found(self, function, voice, kind, item_id):
        answer = patch(function, f"/api/{kind}/{item_id}", {"favorite": True})
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        "options",
        [
            {"data": {"favorite": "true"}, "content_type": "multipart/form-data"},
            {"data": {"favorite": "true"}},
            {"data": b"favorite=true", "content_type": "text/plain"},
            {"data": b'{"favorite": true}'},
            {"data": b'{"favorite": true}', "content_type": "application/merge-patch+json"},
        ],
        ids=["multipart", "form", "text", "no type", "merge patch"],
    )
    def test_an_edit_is_json(self, function, voice, options):
        answer = patch(function, VOICE, **options)
        assert (answer.status_code, answer.get_json()["code"]) == (415, "unsupported_media_type")

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"null", b"{", b'{"favorite": NaN}', b'{"name": "\xff"}', b"[" * 100_000],
        ids=["empty", "list", "null", "cut off", "NaN", "no UTF-8", "deep"],
    )
    def test_what_is_no_json_object_is_refused(self, function, voice, body):
        answer = patch(function, VOICE, data=body, content_type="application/json")
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")

    def test_an_edit_is_not_large(self, function, voice):
        body = json.dumps({"favorite": True, "description": "x" * 300_000})
        answer = patch(function, VOICE, data=body, content_type="application/json")
        assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")
        assert answer.get_json()["details"]["max_bytes"] < 300_000

    def test_all_fields_at_their_limits_fit_however_they_are_escaped(self, function, voice):
        wide = "\N{MUSICAL SYMBOL G CLEF}"
        body = {
            "name": wide * 100,
            "description": wide * 1000,
            "template_message": wide * 5000,
            "tags": [f"{number:02}" + wide * 48 for number in range(20)],
        }
        after = edit(function, body).get_json()["voice"]
        assert {name: after[name] for name in body} == body

    def test_a_browser_may_send_an_edit_and_read_its_version(self, function, voice):
        origin = {"Origin": "https://app.example"}
        asked = {
            **origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": "authorization,content-type,if-match",
        }
        preflight = function("library").options(VOICE, headers=asked)
        assert preflight.status_code == 204
        allowed = preflight.headers["Access-Control-Allow-Methods"].split(", ")
        headers = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert "PATCH" in allowed
        assert {"authorization", "content-type", "if-match"} <= set(headers)
        answer = edit(function, {"favorite": True}, **origin)
        assert "ETag" in answer.headers["Access-Control-Expose-Headers"].split(", ")

    @pytest.mark.parametrize("path", ["/api/voices", "/api/tts/generations"])
    def test_a_list_cannot_be_edited(self, function, path):
        answer = patch(function, path, {"favorite": True})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, OPTIONS")


def test_every_field_that_can_be_edited_is_a_field_of_the_contract():
    voices = {"name", "description", "language", "tags", "favorite", "template_message"}
    assert set(VoiceEdit.__dataclass_fields__) == voices
    assert set(GenerationEdit.__dataclass_fields__) == {"tags", "favorite"}
