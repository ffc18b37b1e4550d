"""Moving house: an export of one user's library, brought into another's."""

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.endpoint.conftest import ADA, BOB
from tests.endpoint.test_items import CONSENT, save_voice_json
from tests.endpoint.test_saves import b64
from tests.hardening.bodies import form, part
from tests.sounds import encoded, npy, tone, wav
from voxshelf.core.account import Limits
from voxshelf.http.boundary import CutOff

# What an item cannot bring along: where it lies, and what the new library counts and decides.
BOUND_TO_A_LIBRARY = {"version", "updated_at", "generation_count", "trusted"}
SECOND_NAMES = {"file_id", "file_size", "text_input", "created_date", "has_profile"}
ADDRESSES = {"path", "url", "firebase_url", "sample_file", "profile_file", "file_path"}


def export(function, headers=ADA, **query):
    return function("library").get("/api/library/export", query_string=query, headers=headers)


def opened(answer):
    assert answer.status_code == 200, answer.data
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    return archive


def lines(archive):
    return [json.loads(line) for line in archive.read("items.jsonl").splitlines()]


def repacked(archive, change):
    """Return an archive whose lines `change` has changed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(packed, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "items.jsonl":
                changed = [json.loads(line) for line in data.splitlines()]
                for line in changed:
                    change(line)
                data = b"".join(json.dumps(line).encode() + b"\n" for line in changed)
            new.writestr(entry.filename, data)
    return packed.getvalue()


def bring(function, archive, headers=BOB, **query):
    return function("library").post(
        "/api/library/import",
        data=archive,
        content_type="application/zip",
        query_string=query,
        headers=headers,
    )


def report(answer):
    assert answer.status_code == 200, answer.data
    return answer.get_json()


def counts(body):
    return body["imported"], body["already_there"], body["failed"]


def speech(function, headers=ADA, **fields):
    body = {"voice_id": "voice_my_voice", "audio_base64": b64(wav(0.5)), **fields}
    answer = function("tts_save").post("/", json=body, headers=headers)
    assert answer.status_code == 201, answer.data
    return answer.get_json()["generation"]


def shelf(function, headers):
    get = function("library").get
    voices = get("/api/voices", headers=headers).get_json()["voices"]
    generations = get("/api/tts/generations", headers=headers).get_json()["generations"]
    return voices, generations


def portable(item, left_out=BOUND_TO_A_LIBRARY | ADDRESSES):
    if not isinstance(item, dict):
        return item
    return {
        name: value if name == "parameters" else portable(value, left_out)
        for name, value in item.items()
        if name not in left_out
    }


def mixed_library(function):
    """Save voices and speech of every form, with everything that can be said of them."""
    save_voice_json(
        function,
        profile_base64=b64(npy()),
        consent={**CONSENT, "audio_base64": b64(wav(0.5, seed=3))},
        template_message="The sample\nsays this.",
        description="Warm, 温かい.",
        language="ja-JP",
        tags=["warm", "深い"],
        parameters={"seed": 7, "url": "kept", "path": "kept", "exact": 0.1, "on": True},
        runpod_job_id="job-1",
    )
    other = encoded(tone(2.0, seed=5), form="FLAC")
    save_voice_json(function, voice_name="Другой", audio_base64=b64(other), consent=None)
    text = "Zeile eins.\n第二行 \N{GRINNING FACE} "
    speech(function, text=text, language="de", tags=["a"], parameters={"t": 0.5})
    ogg = encoded(tone(1.5, seed=8), form="OGG", subtype="VORBIS")
    speech(function, audio_base64=b64(ogg), generation_time=1.25, timestamp="20200102_030405")
    speech(function, voice_id="voice_другой", audio_base64=b64(wav(0.5, seed=9)))


class TestExport:
    def test_everything_is_in_the_archive_and_nothing_that_only_holds_here(self, function):
        mixed_library(function)
        voices, generations = shelf(function, ADA)
        answer = export(function)
        archive = opened(answer)
        assert answer.headers["Content-Type"] == "application/zip"
        kept_as = answer.headers["Content-Disposition"]
        assert kept_as.startswith('attachment; filename="voxshelf-export-20')
        assert ".zip" in kept_as
        assert answer.headers["X-Voxshelf-Part-Items"] == "5"
        assert "X-Next-Page-Token" not in answer.headers
        assert json.loads(archive.read("voxshelf-export.json"))["format"] == "voxshelf-export"
        assert archive.namelist()[-1] == "items.jsonl"
        items = lines(archive)
        assert [item["kind"] for item in items] == ["voice"] * 2 + ["generation"] * 3
        created = [item["created_at"] for item in items]
        assert created == sorted(created[:2]) + sorted(created[2:])
        shown = {item.get("generation_id", item["voice_id"]): item for item in voices + generations}
        for item in items:
            if item["kind"] == "generation":
                spoken_by = shown[item["voice_id"]]
                assert item.pop("voice_sample_sha256") == spoken_by["sample"]["sha256"]
            said = {name: item[name] for name in item if name not in {"kind", "id", "files"}}
            assert said == portable(shown[item["id"]], ADDRESSES | SECOND_NAMES)

    def test_names_in_the_archive_hold_no_text_of_the_user(self, function):
        mixed_library(function)
        assert opened(export(function)).namelist() == [
            "voxshelf-export.json",
            "voices/1/sample.wav",
            "voices/1/profile.npy",
            "voices/1/consent.wav",
            "voices/2/sample.flac",
            "generations/3/audio.wav",
            "generations/4/audio.ogg",
            "generations/5/audio.wav",
            "items.jsonl",
        ]

    def test_every_file_has_the_digest_that_its_line_says(self, function):
        mixed_library(function)
        archive = opened(export(function))
        for item in lines(archive):
            facts = {**item, "consent": (item.get("consent") or {}).get("audio")}
            for role, name in item["files"].items():
                data = archive.read(name)
                assert len(data) == facts[role]["size_bytes"]
                assert hashlib.sha256(data).hexdigest() == facts[role]["sha256"]

    def test_it_carries_the_headers_of_every_answer(self, function):
        answer = export(function, {**ADA, "Origin": "https://app.example"})
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert len(answer.headers["X-Request-Id"]) == 32
        assert "X-Next-Page-Token" in answer.headers["Access-Control-Expose-Headers"]
        assert "Content-Length" not in answer.headers

    def test_the_log_has_its_line_when_the_last_byte_is_sent(self, function, capsys):
        answer = function("library").get("/api/library/export", headers=ADA, buffered=False)
        assert "library/export" not in capsys.readouterr().out
        assert answer.data
        answer.close()
        assert '"route": "GET /api/library/export"' in capsys.readouterr().out

    def test_its_headers_alone_tell_what_it_would_hold(self, function):
        mixed_library(function)
        answer = function("library").head("/api/library/export", headers=ADA)
        assert (answer.status_code, answer.data) == (200, b"")
        assert answer.headers["X-Voxshelf-Part-Items"] == "5"

    def test_an_empty_library_is_an_archive_without_items(self, function, services):
        archive = opened(export(function))
        assert lines(archive) == []
        assert counts(report(bring(function, export(function).data))) == (0, 0, 0)

    def test_a_selection_holds_what_was_selected_in_that_order(self, function):
        mixed_library(function)
        _, generations = shelf(function, ADA)
        wanted = [generations[0]["generation_id"], generations[2]["generation_id"]]
        answer = export(
            function, voice_ids="voice_другой,voice_never", generation_ids=",".join(wanted)
        )
        ids = [item["id"] for item in lines(opened(answer))]
        assert ids == ["voice_другой", *wanted]
        assert answer.headers["X-Voxshelf-Part-Items"] == "3"

    @pytest.mark.parametrize(
        "query",
        [
            {"voice_ids": "voice_my_voice"},
            {"generation_ids": "TTS_never"},
            {"voice_ids": "../x"},
            {"voice_ids": "__x__"},
        ],
    )
    def test_what_is_not_there_or_not_his_is_not_found(self, function, query):
        mixed_library(function)
        answer = export(function, BOB, **query)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")
        assert opened(export(function, BOB)).namelist()[1:] == ["items.jsonl"]

    @pytest.mark.parametrize(
        "query",
        [
            {"part_bytes": "1048575"},
            {"part_bytes": "25165825"},
            {"part_bytes": "-1"},
            {"part_bytes": "1e9"},
            {"part_bytes": "٣٣٣٣٣٣٣"},
            {"page_token": "x"},
            {"voice_ids": ",".join(f"v{n}" for n in range(501))},
        ],
    )
    def test_a_query_that_makes_no_sense_is_refused_before_the_first_byte(self, function, query):
        answer = export(function, **query)
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")


class TestParts:
    def parts(self, function, headers=ADA, **query):
        token, answers = None, []
        while True:
            more = {"page_token": token} if token else {}
            answers.append(export(function, headers, part_bytes=1024**2, **query, **more))
            assert answers[-1].status_code == 200, answers[-1].data
            token = answers[-1].headers.get("X-Next-Page-Token")
            if token is None:
                return answers

    @pytest.fixture
    def large(self, function):
        save_voice_json(function, audio_base64=b64(wav(1.0)))
        # 0.48 MB each, so that two fit into a part, and one of 2.4 MB that fits into none.
        for number in range(5):
            speech(function, audio_base64=b64(wav(10.0, seed=number)), text=f"Number {number}.")
        speech(function, audio_base64=b64(wav(50.0, seed=6)), text="Long.")
        speech(function, audio_base64=b64(wav(0.5, seed=7)), text="Last.")

    def test_each_part_is_whole_and_small_and_together_they_are_everything(self, function, large):
        answers = self.parts(function)
        archives = [opened(answer) for answer in answers]
        items = [lines(archive) for archive in archives]
        texts = [[item.get("text") for item in part] for part in items]
        assert texts == [
            [None, "Number 0.", "Number 1."],
            ["Number 2.", "Number 3."],
            ["Number 4."],
            ["Long."],
            ["Last."],
        ]
        assert [len(answer.data) <= 1024**2 for answer in answers] == [True] * 3 + [False, True]
        counted = [int(answer.headers["X-Voxshelf-Part-Items"]) for answer in answers]
        assert counted == [len(part) for part in items]
        headers = [json.loads(archive.read("voxshelf-export.json")) for archive in archives]
        assert [header["part"] for header in headers] == [1, 2, 3, 4, 5]
        assert [header["is_last_part"] for header in headers] == [False] * 4 + [True]

    def test_a_selection_comes_in_parts_too(self, function, large):
        _, generations = shelf(function, ADA)
        ids = [item["generation_id"] for item in generations]
        answers = self.parts(function, generation_ids=",".join(ids))
        found = [item["id"] for answer in answers for item in lines(opened(answer))]
        assert found == ids
        assert len(answers) > 3

    def test_nothing_is_skipped_or_doubled_while_others_come_and_go(self, function, large):
        first = export(function, part_bytes=1024**2)
        token = first.headers["X-Next-Page-Token"]
        _, generations = shelf(function, ADA)
        ids = {item["text"]: item["generation_id"] for item in generations}
        # The last of the first part, the next one after it, and a new one.
        for text in ("Number 1.", "Number 2."):
            path = f"/api/tts/generations/{ids[text]}"
            assert function("library").delete(path, headers=ADA).status_code == 200
        speech(function, text="New.")
        found = []
        while token:
            answer = export(function, part_bytes=1024**2, page_token=token)
            found += [item["text"] for item in lines(opened(answer))]
            token = answer.headers.get("X-Next-Page-Token")
        assert found == ["Number 3.", "Number 4.", "Long.", "Last.", "New."]

    def test_a_part_may_be_asked_for_again(self, function, large):
        token = export(function, part_bytes=1024**2).headers["X-Next-Page-Token"]
        again = [export(function, part_bytes=1024**2, page_token=token) for _ in range(2)]
        assert lines(opened(again[0])) == lines(opened(again[1]))

    def test_a_token_belongs_to_its_user_and_selection(self, function, large):
        token = export(function, part_bytes=1024**2).headers["X-Next-Page-Token"]
        for headers, query in ((BOB, {}), (ADA, {"voice_ids": "voice_my_voice"})):
            assert export(function, headers, page_token=token, **query).status_code == 400

    def test_parts_import_one_after_another(self, function, large):
        for answer in self.parts(function):
            assert report(bring(function, answer.data))["failed"] == 0
        assert len(shelf(function, BOB)[1]) == 7


DIRECT = "/library/export"


def error(answer):
    body = answer.get_json()
    return answer.status_code, body["code"], body["details"]


class TestHosting:
    """Firebase Hosting passes on paths with /api, for 60 s and in one piece."""

    def direct(self, function, **query):
        return function("library").get(DIRECT, query_string=query, headers=ADA)

    @pytest.mark.parametrize("part_bytes", [24 * 1024**2 + 1, 5 * 1024**3])
    def test_larger_parts_come_only_from_the_function_itself(self, function, part_bytes):
        save_voice_json(function)
        answer = export(function, part_bytes=part_bytes)
        limit = {"field": "part_bytes", "max_bytes": 24 * 1024**2}
        assert error(answer) == (400, "invalid_request", limit)
        assert "without /api" in answer.get_json()["message"]
        assert opened(self.direct(function, part_bytes=part_bytes))

    def test_nowhere_are_they_larger_than_an_import_takes(self, function):
        answer = self.direct(function, part_bytes=5 * 1024**3 + 1)
        assert answer.status_code == 400
        assert "/api" not in answer.get_json()["message"]

    @pytest.mark.parametrize("path", ["/api/library/export", DIRECT])
    def test_without_asking_a_part_goes_back_as_a_body(self, function, path):
        save_voice_json(function)
        for seed in range(3):
            speech(function, audio_base64=b64(wav(200.0, seed=seed)))
        answer = function("library").get(path, headers=ADA)
        assert len(lines(opened(answer))) == 3
        assert len(answer.data) <= 24 * 1024**2
        assert answer.headers["X-Next-Page-Token"]

    @pytest.fixture
    def with_a_large_one(self, function, services):
        """Save a short speech, one that is too large for Hosting, and another short one."""
        save_voice_json(function)
        speech(function, text="First.")
        services.objects.plant("uploads/ada/long.wav", wav(350.0, channels=2))
        function("tts_save").post(
            "/",
            json={
                "voice_id": "voice_my_voice",
                "audio_path": "uploads/ada/long.wav",
                "text": "Long.",
            },
            headers=ADA,
        )
        speech(function, text="Last.", audio_base64=b64(wav(0.5, seed=7)))

    def test_one_item_that_is_too_large_is_told_apart_and_passed_over(
        self, function, with_a_large_one
    ):
        first = export(function)
        assert [item.get("text") for item in lines(opened(first))] == [None, "First."]
        token = first.headers["X-Next-Page-Token"]
        refused = export(function, page_token=token)
        status, code, details = error(refused)
        assert (status, code) == (413, "payload_too_large")
        assert details["max_bytes"] == 32 * 1024**2
        _, generations = shelf(function, ADA)
        assert details["id"] in {
            item["generation_id"] for item in generations if item["text"] == "Long."
        }
        there = self.direct(function, page_token=details["page_token"])
        assert [item["text"] for item in lines(opened(there))] == ["Long."]
        assert there.headers["X-Next-Page-Token"] == details["next_page_token"]
        rest = export(function, page_token=details["next_page_token"])
        assert [item["text"] for item in lines(opened(rest))] == ["Last."]
        assert "X-Next-Page-Token" not in rest.headers

    def test_when_it_is_the_only_one_nothing_follows(self, function, with_a_large_one):
        _, generations = shelf(function, ADA)
        (long,) = [item["generation_id"] for item in generations if item["text"] == "Long."]
        details = error(export(function, generation_ids=long))[2]
        assert details["next_page_token"] is None
        answer = self.direct(function, generation_ids=long, page_token=details["page_token"])
        assert [item["text"] for item in lines(opened(answer))] == ["Long."]


class TestRoundTrip:
    def test_every_digest_and_all_metadata_arrive(self, function, services):
        mixed_library(function)
        body = report(bring(function, export(function).data))
        assert counts(body) == (5, 0, 0)
        assert (body["done"], body["next_start"]) == (True, None)
        assert [result["id"] for result in body["results"]] == [
            result["saved_as"] for result in body["results"]
        ]
        for mine, theirs in zip(shelf(function, ADA), shelf(function, BOB), strict=True):
            before = {item["created_at"]: portable(item) for item in mine}
            assert {item["created_at"]: portable(item) for item in theirs} == before

    def test_the_bytes_arrive_under_names_of_their_own(self, function, services):
        mixed_library(function)
        bring(function, export(function).data)
        stored = services.objects.stored
        data = {
            uid: sorted(data for path, (_, data) in stored.items() if f"/{uid}/" in path)
            for uid in ("ada", "bob")
        }
        assert data["ada"] == data["bob"]

    @pytest.mark.parametrize("headers", [ADA, BOB], ids=["the same account", "another"])
    def test_doing_it_again_doubles_nothing(self, function, services, headers):
        mixed_library(function)
        archive = export(function).data
        first = report(bring(function, archive, headers))
        before = shelf(function, headers)
        again = report(bring(function, archive, headers))
        assert counts(again) == (0, 5, 0)
        assert first["failed"] == 0
        assert shelf(function, headers) == before

    def test_edits_made_after_an_import_stay(self, function, services):
        mixed_library(function)
        archive = export(function).data
        bring(function, archive)
        edit = {"name": "Renamed", "tags": ["mine"]}
        path = "/api/voices/voice_my_voice"
        assert function("library").patch(path, json=edit, headers=BOB).status_code == 200
        assert counts(report(bring(function, archive))) == (0, 5, 0)
        voice = function("library").get(path, headers=BOB).get_json()["voice"]
        assert (voice["name"], voice["tags"]) == ("Renamed", ["mine"])

    def test_favorites_and_dates_are_kept_however_old(self, function, services):
        now = services.library.now
        services.library.now = lambda: now() - timedelta(days=400)
        mixed_library(function)
        services.library.now = now
        voices, generations = shelf(function, ADA)
        for path in (
            "/api/voices/voice_my_voice",
            f"/api/tts/generations/{generations[0]['generation_id']}",
        ):
            edit = function("library").patch(path, json={"favorite": True}, headers=ADA)
            assert edit.status_code == 200
        bring(function, export(function).data)
        (voices, generations), brought = shelf(function, ADA), shelf(function, BOB)
        assert [item["favorite"] for item in brought[0]] == [item["favorite"] for item in voices]
        assert [item["created_at"] for item in brought[1]] == [
            item["created_at"] for item in generations
        ]
        consent = function("library").get("/api/voices/voice_my_voice", headers=BOB)
        granted_at = consent.get_json()["voice"]["consent"]["granted_at"]
        assert datetime.fromisoformat(granted_at) < datetime.now(UTC) - timedelta(days=399)

    def test_a_pickled_profile_stays_untrusted(self, function, services):
        import numpy as np

        pickled = npy(np.array([{"a": 1}], dtype=object))
        save_voice_json(function, profile_base64=b64(pickled))
        record = services.library.records["ada", "voices", "voice_my_voice"]
        trusted = replace(record.ready.profile, trusted=True)
        record.ready = replace(record.ready, profile=trusted)
        archive = export(function).data
        assert lines(zipfile.ZipFile(io.BytesIO(archive)))[0]["profile"]["trusted"] is True
        bring(function, archive)
        (voice,), _ = shelf(function, BOB)
        assert (voice["profile"]["pickled"], voice["profile"]["trusted"]) == (True, False)


class TestIdsThatAreTaken:
    @pytest.fixture
    def archive(self, function, services):
        save_voice_json(function)
        speech(function, text="Mine.")
        return export(function).data

    def taken(self, function, services, archive):
        """Let bob have another speech under the id that ada's has."""
        wanted = lines(zipfile.ZipFile(io.BytesIO(archive)))[1]["id"]
        save_voice_json(function, BOB)
        theirs = speech(function, BOB, text="His.", audio_base64=b64(wav(0.7, seed=4)))
        key = "bob", "generations", theirs["generation_id"]
        record = services.library.records.pop(key)
        record.ready = replace(record.ready, generation_id=wanted)
        services.library.records["bob", "generations", wanted] = record
        return wanted

    def test_another_generations_id_is_left_to_it(self, function, services, archive):
        wanted = self.taken(function, services, archive)
        body = report(bring(function, archive))
        assert counts(body) == (1, 1, 0)
        saved_as = body["results"][1]["saved_as"]
        assert saved_as != wanted
        texts = {item["generation_id"]: item["text"] for item in shelf(function, BOB)[1]}
        assert texts == {wanted: "His.", saved_as: "Mine."}
        assert counts(report(bring(function, archive))) == (0, 2, 0)
        assert len(shelf(function, BOB)[1]) == 2
        # Also once the id is free again.
        path = f"/api/tts/generations/{wanted}?permanent=true"
        assert function("library").delete(path, headers=BOB).status_code == 200
        assert counts(report(bring(function, archive))) == (0, 2, 0)

    def test_a_deleted_ones_id_is_left_to_it_too(self, function, services, archive):
        bring(function, archive)
        (speech,) = shelf(function, BOB)[1]
        path = f"/api/tts/generations/{speech['generation_id']}"
        assert function("library").delete(path, headers=BOB).status_code == 200
        assert ("bob", "generations", speech["generation_id"]) in services.library.records
        for _ in range(2):
            assert report(bring(function, archive))["failed"] == 0
            assert len(shelf(function, BOB)[1]) == 1

    def test_another_voice_of_that_id_stays_as_it_is(self, function, services, archive):
        save_voice_json(function, BOB, audio_base64=b64(wav(3.0, seed=2)))
        before = shelf(function, BOB)
        body = report(bring(function, archive))
        voice, spoken = body["results"]
        assert (voice["kind"], voice["id"], voice["code"]) == (
            "voice",
            "voice_my_voice",
            "voice_exists",
        )
        assert "replace" not in voice["message"]
        # Its speech is not filed under another person's voice.
        assert spoken["code"] == "not_found"
        assert counts(body) == (0, 0, 2)
        assert shelf(function, BOB) == before

    def test_a_voice_whose_id_is_anothers_gets_its_own_and_its_speech_follows(
        self, function, services, archive
    ):
        save_voice_json(function, BOB, voice_name="My voice", audio_base64=b64(wav(3.0, seed=2)))
        body = report(bring(function, archive))
        assert body["results"][0]["saved_as"] == "voice_my_voice_2"
        assert counts(body) == (2, 0, 0)
        assert [one["voice_id"] for one in shelf(function, BOB)[1]] == ["voice_my_voice_2"]
        # Also when the speech comes alone, as in a later part.
        path = f"/api/tts/generations/{body['results'][1]['saved_as']}?permanent=true"
        assert function("library").delete(path, headers=BOB).status_code == 200
        assert counts(report(bring(function, archive, start=1))) == (1, 0, 0)
        assert [one["voice_id"] for one in shelf(function, BOB)[1]] == ["voice_my_voice_2"]

    def test_a_voice_that_is_refused_for_its_profile_takes_its_speech_with_it(
        self, function, services
    ):
        save_voice_json(function, profile_base64=b64(npy()))
        speech(function, text="Mine.")
        archive = export(function).data
        # The same sample, under the same id and name, and no profile: it is another voice.
        save_voice_json(function, BOB)
        for start in (0, 1):
            body = report(bring(function, archive, start=start))
            codes = [result["code"] for result in body["results"]]
            assert codes == ["voice_exists", "not_found"][start:]
            assert shelf(function, BOB)[1] == []

    def test_a_voice_that_is_refused_takes_its_speech_with_it_in_older_archives_too(
        self, function, services, archive
    ):
        older = repacked(archive, lambda line: line.pop("voice_sample_sha256", None))
        save_voice_json(function, BOB, audio_base64=b64(wav(3.0, seed=2)))
        for start in (0, 1):
            body = report(bring(function, older, start=start))
            codes = [result["code"] for result in body["results"]]
            assert codes == ["voice_exists", "not_found"][start:]
            assert shelf(function, BOB)[1] == []

    def test_a_voice_in_the_place_of_a_deleted_one_says_that_it_ends_it(
        self, function, services, archive
    ):
        save_voice_json(function, BOB, audio_base64=b64(wav(3.0, seed=2)))
        path = "/api/voices/voice_my_voice"
        assert function("library").delete(path, headers=BOB).status_code == 200
        voice, spoken = report(bring(function, archive))["results"]
        assert (voice["status"], voice["code"]) == ("imported", None)
        assert "cannot be restored" in voice["message"]
        assert spoken["message"] is None

    def test_a_voice_that_was_renamed_since_is_there_already(self, function, services, archive):
        bring(function, archive)
        services.library.edit(
            "bob", "voices", "voice_my_voice", lambda item, _: replace(item, name="Renamed")
        )
        assert counts(report(bring(function, archive))) == (0, 2, 0)

    def test_an_older_archive_finds_the_voice_by_id_and_name_together(
        self, function, services, archive
    ):
        older = repacked(archive, lambda line: line.pop("voice_sample_sha256", None))
        for name, expected in (("My Voice", (2, 0, 0)), ("My voice", (1, 0, 1))):
            owner = {"Authorization": f"Bearer token-of-{expected[0]}"}
            if expected[2]:
                save_voice_json(function, owner, voice_name=name, audio_base64=b64(wav(3.0)))
            body = report(bring(function, older, owner))
            assert counts(body) == expected


class TestStopping:
    @pytest.fixture
    def archive(self, function, services):
        save_voice_json(function)
        for number in range(3):
            speech(function, text=f"{number}", audio_base64=b64(wav(0.5, seed=number)))
        return export(function).data

    def limit(self, services, **limits):
        defaults = services.policy.limits
        services.policy = replace(services.policy, limits=replace(defaults, **limits))

    def test_a_full_library_stops_it_where_it_can_go_on(self, function, services, archive):
        self.limit(services, generations=1)
        body = report(bring(function, archive))
        assert counts(body) == (2, 0, 1)
        assert body["results"][-1]["code"] == "quota_exceeded"
        assert (body["done"], body["next_start"]) == (False, 2)
        self.limit(services, generations=100)
        body = report(bring(function, archive, start=2))
        assert (counts(body), body["done"]) == ((2, 0, 0), True)

    def test_a_store_that_fails_stops_it_and_again_converges(self, function, services, archive):
        services.objects.failing_paths = {"tts_generations/bob"}
        body = report(bring(function, archive))
        assert counts(body) == (1, 0, 1)
        assert body["results"][-1]["code"] == "unavailable"
        assert body["next_start"] == 1
        services.objects.failing_paths = set()
        assert counts(report(bring(function, archive, start=1))) == (3, 0, 0)

    def test_without_consent_nothing_is_brought_where_it_is_required(
        self, function, services, archive
    ):
        services.policy = replace(services.policy, require_consent=True)
        body = report(bring(function, archive))
        codes = [result["code"] for result in body["results"]]
        assert codes == ["permission_denied"] + ["not_found"] * 3
        assert body["done"]

    def test_speech_whose_voice_is_not_there_says_so(self, function, services, archive):
        body = report(bring(function, archive, start=1))
        assert [result["code"] for result in body["results"]] == ["not_found"] * 3
        assert all("voice" in result["message"] for result in body["results"])

    @pytest.mark.parametrize("start", ["-1", "x", "1.5", str(10**9)])
    def test_a_start_that_is_no_line_is_refused(self, function, archive, start):
        assert bring(function, archive, start=start).status_code == 400

    def test_a_start_past_the_end_is_the_end(self, function, archive):
        body = report(bring(function, archive, start=99))
        assert (body["results"], body["done"]) == ([], True)


class TestUploads:
    def test_an_uploaded_archive_is_brought_in_and_removed(self, function, services):
        mixed_library(function)
        services.objects.plant("uploads/bob/a.zip", export(function).data)
        path = {"archive_path": "uploads/bob/a.zip"}
        answer = function("library").post("/api/library/import", json=path, headers=BOB)
        assert counts(report(answer)) == (5, 0, 0)
        assert "uploads/bob/a.zip" not in services.objects.stored
        again = function("library").post("/api/library/import", json=path, headers=BOB)
        assert again.status_code == 404

    def test_it_stays_until_the_last_line(self, function, services):
        mixed_library(function)
        services.objects.plant("uploads/bob/a.zip", export(function).data)
        defaults = services.policy.limits
        services.policy = replace(services.policy, limits=Limits(1, 100, 10**9, 100))
        body = {"archive_path": "uploads/bob/a.zip"}
        first = report(function("library").post("/api/library/import", json=body, headers=BOB))
        assert first["next_start"] == 1
        services.policy = replace(services.policy, limits=defaults)
        body |= {"start": first["next_start"], "token": first["next_token"]}
        answer = function("library").post("/api/library/import", json=body, headers=BOB)
        assert report(answer)["done"]
        assert "uploads/bob/a.zip" not in services.objects.stored

    def bring(self, function, services, archive, **fields):
        """Import an upload; return the report, and whether the upload is still there."""
        services.objects.plant("uploads/bob/a.zip", archive)
        body = {"archive_path": "uploads/bob/a.zip", **fields}
        answer = function("library").post("/api/library/import", json=body, headers=BOB)
        return report(answer), "uploads/bob/a.zip" in services.objects.stored

    @pytest.mark.parametrize("start", [2, 4, 5, 99])
    def test_it_stays_where_nobody_knows_what_became_of_the_lines_before(
        self, function, services, start
    ):
        mixed_library(function)
        body, is_there = self.bring(function, services, export(function).data, start=start)
        assert (body["done"], is_there) == (True, True)

    def test_it_stays_where_a_line_has_failed(self, function, services):
        mixed_library(function)
        archive = export(function).data
        save_voice_json(function, BOB, voice_name="Другой", audio_base64=b64(wav(3.0, seed=2)))
        body, is_there = self.bring(function, services, archive)
        assert (body["failed"], body["done"], is_there) == (2, True, True)

    def test_it_stays_where_a_line_has_failed_before(self, function, services):
        mixed_library(function)
        archive, policy = export(function).data, services.policy
        save_voice_json(function, BOB, voice_name="Другой", audio_base64=b64(wav(3.0, seed=2)))
        services.policy = replace(policy, limits=Limits(10, 1, 10**9, 100))
        first, _ = self.bring(function, services, archive)
        assert (first["failed"], first["next_start"]) == (2, 3)
        services.policy = policy
        body, is_there = self.bring(function, services, archive, token=first["next_token"])
        assert (body["done"], is_there) == (True, True)

    @pytest.mark.parametrize("by", ["body", "upload", "form"])
    def test_another_archive_than_the_one_begun_with_is_refused(self, function, services, by):
        mixed_library(function)
        archive = export(function).data
        services.policy = replace(services.policy, limits=Limits(1, 100, 10**9, 100))
        first = report(bring(function, archive))
        token, other = first["next_token"], repacked(archive, lambda line: line.update(tags=[]))
        if by == "body":
            answer = bring(function, other, token=token)
        elif by == "form":
            request = form(part("token", token.encode()), part("archive", other, "a.zip"))
            answer = function("library").post("/api/library/import", headers=BOB, **request)
        else:
            services.objects.plant("uploads/bob/a.zip", other)
            body = {"archive_path": "uploads/bob/a.zip", "token": token}
            answer = function("library").post("/api/library/import", json=body, headers=BOB)
        assert error(answer) == (400, "invalid_request", {"field": "token"})
        assert "this archive" in answer.get_json()["message"]

    def test_a_token_goes_on_by_itself_and_agrees_with_start(self, function, services):
        mixed_library(function)
        archive, policy = export(function).data, services.policy
        services.policy = replace(policy, limits=Limits(1, 100, 10**9, 100))
        first = report(bring(function, archive))
        token = first["next_token"]
        services.policy = policy
        for wrong in ({"token": token, "start": 3}, {"token": "x"}, {"token": token + "x"}):
            assert error(bring(function, archive, **wrong))[1:] == (
                "invalid_request",
                {"field": "token"},
            )
        assert error(bring(function, archive, ADA, token=token))[0] == 400
        body = report(bring(function, archive, token=token))
        assert counts(body) == (4, 0, 0)
        assert body["next_token"] is None

    @pytest.mark.parametrize(
        "path", ["uploads/ada/a.zip", "uploads/bob/../ada/a.zip", "uploads/bob/never.zip", "a"]
    )
    def test_any_other_path_is_as_missing_as_one_that_never_was(self, function, services, path):
        services.objects.plant("uploads/ada/a.zip", export(function).data)
        body = {"archive_path": path}
        answer = function("library").post("/api/library/import", json=body, headers=BOB)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        "body", [{}, {"archive_path": 7}, {"archive_path": "a", "start": -1}, {"start": "x"}]
    )
    def test_a_request_that_makes_no_sense_is_refused(self, function, services, body):
        answer = function("library").post("/api/library/import", json=body, headers=BOB)
        assert answer.status_code == 400

    def test_what_is_neither_zip_nor_json_is_refused(self, function, services):
        answer = function("library").post(
            "/api/library/import", data=b"x", content_type="text/plain", headers=BOB
        )
        assert answer.status_code == 415

    def test_a_body_over_the_limit_names_the_way_that_is_open(self, function, services):
        answer = bring(function, bytes(32 * 1024**2 + 1))
        assert (answer.status_code, answer.get_json()["code"]) == (413, "payload_too_large")
        assert "archive_path" in answer.get_json()["message"]


CALLED = {
    "zip": "application/zip",
    "zip as Windows calls it": "application/x-zip-compressed",
    "a stream of bytes": "application/octet-stream",
    "with a parameter": "application/zip; charset=binary",
    "what curl says": "application/x-www-form-urlencoded",
    "nothing": None,
}


class TestHowAnArchiveIsSent:
    @pytest.fixture
    def archive(self, function, services):
        mixed_library(function)
        return export(function).data

    @pytest.mark.parametrize("content_type", CALLED.values(), ids=CALLED)
    def test_as_the_body_whatever_it_is_called(self, function, archive, content_type):
        answer = function("library").post(
            "/api/library/import", data=archive, content_type=content_type, headers=BOB
        )
        assert counts(report(answer)) == (5, 0, 0)

    @pytest.mark.parametrize("name", ["archive", "file", "upload", "files", "zip"])
    def test_in_a_form_whatever_the_field_is_called(self, function, archive, name):
        request = form(part(name, archive, "export.zip"))
        answer = function("library").post("/api/library/import", headers=BOB, **request)
        assert counts(report(answer)) == (5, 0, 0)

    def test_a_form_may_say_where_to_begin_or_where_it_was_uploaded(
        self, function, services, archive
    ):
        services.objects.plant("uploads/bob/a.zip", archive)
        path, start = part("archive_path", b"uploads/bob/a.zip"), part("start", b"4")
        answer = function("library").post("/api/library/import", headers=BOB, **form(path, start))
        body = report(answer)
        assert len(body["results"]) == 1
        assert body["done"]

    @pytest.mark.parametrize(
        "parts",
        [(), (part("note", b"x"),), (part("file", b"a", "a"), part("archive", b"b", "b"))],
        ids=["nothing", "no archive", "two archives"],
    )
    def test_a_form_without_just_one_archive_is_refused(self, function, services, parts):
        answer = function("library").post("/api/library/import", headers=BOB, **form(*parts))
        assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid_request")
        assert answer.get_json()["details"]["field"]

    def test_what_is_no_archive_says_so_whatever_it_is_called(self, function, services):
        for content_type in CALLED.values():
            answer = function("library").post(
                "/api/library/import", data=b"a=b", content_type=content_type, headers=BOB
            )
            assert answer.status_code == 415


class TestFaultsOfAnExport:
    def test_a_damaged_file_ends_the_archive_in_the_middle(self, function, services, capsys):
        mixed_library(function)
        (path,) = [path for path in services.objects.stored if "voice_my_voice_sample" in path]
        new, data = services.objects.stored[path]
        services.objects.stored[path] = new, data[:-1] + b"x"
        with pytest.raises(CutOff):
            _ = export(function).data
        log = capsys.readouterr().out
        assert "DamagedFile" in log
        assert "my_voice" not in log

    def test_what_is_deleted_for_good_meanwhile_is_left_out(self, function, services):
        mixed_library(function)
        _, generations = shelf(function, ADA)
        gone = generations[-1]
        key = "ada", "generations", gone["generation_id"]
        answer = function("library").get("/api/library/export", headers=ADA, buffered=False)
        record = services.library.records.pop(key)
        services.objects.delete(record.ready.object_paths)
        ids = [item["id"] for item in lines(opened(answer))]
        answer.close()
        assert len(ids) == 4
        assert gone["generation_id"] not in ids

    def test_what_is_replaced_meanwhile_comes_in_its_new_version(self, function, services):
        save_voice_json(function, profile_base64=b64(npy()))
        read, replaced = services.objects.read, []

        def replace_first(path, start, length):
            if not replaced:
                replaced.append(path)
                new = b64(wav(2.0, seed=3))
                answer = save_voice_json(
                    function, audio_base64=new, replace=True, profile_base64=b64(npy())
                )
                assert answer.status_code == 201
            return read(path, start, length)

        services.objects.read = replace_first
        archive = opened(export(function))
        (item,) = lines(archive)
        assert item["version"] == 2
        assert archive.read(item["files"]["sample"]) == wav(2.0, seed=3)
        assert counts(report(bring(function, archive.fp.getvalue()))) == (1, 0, 0)
