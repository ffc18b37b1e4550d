"""Requests as real clients write them: each is taken, or refused in words that help."""

import json

import pytest

from tests.endpoint.conftest import ADA
from tests.hardening.bodies import BOUNDARY, b64, form, json_body, part
from tests.sounds import npy, wav

AUDIO, OTHER = wav(1.0), wav(1.5)
NAME = part("voice_name", b"Row")
FILE = part("audio_file", AUDIO, "a.wav")
EMPTY_FILE = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="profile_file"; filename=""\r\n'
    "Content-Type: application/octet-stream\r\n\r\n\r\n"
).encode()


def with_head(head: str, value: bytes) -> bytes:
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + value + b"\r\n"


def post(function, name, request):
    return function(name).post("/", headers=ADA, **request)


def save_voice(function, *parts):
    return post(function, "voices_save", form(NAME, *parts))


def save_speech(function, *parts, **fields):
    """Save speech of a voice that is there, as a form or as JSON."""
    assert save_voice(function, FILE).status_code == 201
    if fields:
        body = {"voice_id": "voice_row", "text": "Hello.", "audio_base64": b64(AUDIO), **fields}
        return post(function, "tts_save", json_body(body))
    return post(function, "tts_save", form(part("voice_id", b"voice_row"), *parts))


AUDIO_PARTS = {
    "a file": [FILE],
    "a file without a file name": [part("audio_file", AUDIO)],
    "base64 without a file name": [part("audio_file", b64(AUDIO).encode())],
    "a data URI without a file name": [
        part("audio_file", f"data:audio/wav;base64,{b64(AUDIO)}".encode())
    ],
    "as audio_data, a recorder's blob": [part("audio_data", AUDIO, "a.wav")],
    "beside a word under another alias": [FILE, part("recording", b"true")],
    "a data URI with codecs": [
        part("audio_file", f"data:audio/wav;codecs=1,2;base64,{b64(AUDIO)}".encode())
    ],
    "a blob of base64": [part("audio_base64", b64(AUDIO).encode(), "blob")],
    "base64 by its header": [
        with_head(
            'Content-Disposition: form-data; name="audio_file"; filename="a.wav"\r\n'
            "Content-Transfer-Encoding: base64",
            b64(AUDIO).encode(),
        )
    ],
    "without quotes": [
        with_head("Content-Disposition: form-data; name=audio_file; filename=a.wav", AUDIO)
    ],
    "as audio": [part("audio", AUDIO, "a.wav")],
    "as file": [part("file", AUDIO, "a.wav")],
    "as files": [part("files", AUDIO, "a.wav")],
    "as files[]": [part("files[]", AUDIO, "a.wav")],
    "as recording": [part("recording", AUDIO, "a.wav")],
    "the same twice": [
        FILE,
        part("file", AUDIO, "b.wav"),
        part("audio_base64", b64(AUDIO).encode()),
    ],
    "beside an empty input": [EMPTY_FILE, FILE],
    "behind an empty one of the same name": [part("audio_file", b"", ""), FILE],
    "beside an unlisted file": [part("cover", b"\xff\xd8" * 300_000, "a.jpg"), FILE],
    "beside an unlisted small one": [part("cover", b"\xff\xd8", "a.jpg"), FILE],
    "beside an unlisted text of other bytes": [part("x", b"\xff\xfe\x00"), FILE],
    "beside unlisted keys": [part("a[b][c]", b"1"), part("[", b"2"), part("", b"3"), FILE],
}


@pytest.mark.parametrize("parts", AUDIO_PARTS)
def test_audio_is_taken_however_its_part_is_written(function, services, parts):
    answer = save_voice(function, *AUDIO_PARTS[parts])
    body = answer.get_json()
    assert answer.status_code == 201, body
    warned = ["recording"] if "another alias" in parts else []
    assert [one["field"] for one in body["warnings"]] == warned
    assert [data for _, data in services.objects.stored.values()] == [AUDIO]


@pytest.mark.parametrize("name", ["profile_file", "profile"])
@pytest.mark.parametrize("file_name", [None, "p.npy"])
def test_so_is_a_profile(function, services, name, file_name):
    body = save_voice(function, FILE, part(name, npy(), file_name)).get_json()
    assert body["voice"]["has_profile"] is True


CONTRADICTIONS = {
    "two files": ([FILE, part("file", OTHER, "b.wav")], "file"),
    "two of one name": ([FILE, part("audio_file", OTHER, "b.wav")], "audio_file"),
    "a file and base64": ([FILE, part("audio_base64", b64(OTHER).encode())], "audio_base64"),
    "a file and an upload": ([FILE, part("audio_path", b"uploads/ada/a.wav")], "audio_path"),
    "two names": ([FILE, part("name", b"Other")], "name"),
    "two of one text": (
        [FILE, part("description", b"a"), part("description", b"b")],
        "description",
    ),
    "two of one parameter": (
        [FILE, part("parameters[a]", b"1"), part("parameters[a]", b"2")],
        "parameters.a",
    ),
}


@pytest.mark.parametrize("row", CONTRADICTIONS)
def test_a_contradiction_is_refused_by_name_and_nothing_is_dropped(function, services, row):
    parts, field = CONTRADICTIONS[row]
    answer = save_voice(function, *parts)
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (400, "invalid_request")
    assert body["details"]["field"] == field
    assert services.objects.stored == {}


LISTS = {
    "repeated": [part("tags", b"a"), part("tags", b"b")],
    "with brackets": [part("tags[]", b"a"), part("tags[]", b"b")],
    "numbered": [part("tags[0]", b"a"), part("tags[1]", b"b")],
    "dotted": [part("tags.0", b"a"), part("tags.1", b"b")],
    "with commas": [part("tags", b"a, b")],
    "JSON": [part("tags", b'["a", "b"]')],
    "JSON and one more": [part("tags", b'["a"]'), part("tags[]", b"b")],
}


@pytest.mark.parametrize("row", LISTS)
def test_all_tags_are_kept_however_a_list_is_written(function, services, row):
    body = save_voice(function, FILE, *LISTS[row]).get_json()
    assert (body["voice"]["tags"], body["warnings"]) == (["a", "b"], [])


OBJECTS = {
    "brackets": [part("parameters[temperature]", b"0.7"), part("parameters[mode]", b"warm")],
    "dots": [part("parameters.temperature", b"0.7"), part("parameters.mode", b"warm")],
    "JSON": [part("parameters", b'{"temperature": 0.7, "mode": "warm"}')],
    "both": [part("parameters", b'{"mode": "warm"}'), part("parameters[temperature]", b"0.7")],
}


@pytest.mark.parametrize("row", OBJECTS)
def test_parameters_are_kept_however_an_object_is_written(function, services, row):
    body = save_voice(function, FILE, *OBJECTS[row]).get_json()
    assert body["voice"]["parameters"] == {"temperature": 0.7, "mode": "warm"}
    assert body["warnings"] == []


def test_a_consent_may_be_written_with_keys_too(function, services):
    parts = [part("consent[statement]", b"I agree."), part("consent[granted_by]", b"Ada")]
    consent = save_voice(function, FILE, *parts).get_json()["voice"]["consent"]
    assert (consent["statement"], consent["granted_by"]) == ("I agree.", "Ada")


@pytest.mark.parametrize("field", ["description", "language", "tags", "parameters"])
@pytest.mark.parametrize("text", [b"null", b"undefined"])
def test_the_word_that_scripts_make_of_nothing_is_nothing_and_is_told(
    function, services, field, text
):
    body = save_voice(function, FILE, part(field, text)).get_json()
    assert not body["voice"][field]
    assert [one["field"] for one in body["warnings"]] == [field]


@pytest.mark.parametrize("field", ["profile_file", "profile_base64", "profile"])
@pytest.mark.parametrize("text", [b"null", b"undefined"])
def test_so_is_a_file_that_is_not_there(function, services, field, text):
    body = save_voice(function, FILE, part(field, text)).get_json()
    assert body["voice"]["has_profile"] is False
    assert [one["field"] for one in body["warnings"]] == [field]


def test_audio_may_lie_in_an_object_as_some_workers_answer(function, services):
    for number, key in enumerate(("data", "base64")):
        body = {"voice_name": f"Row {number}", "audio": {key: b64(AUDIO)}}
        assert post(function, "voices_save", json_body(body)).status_code == 201


@pytest.mark.parametrize("name", ["\u200b", "\u00a0\u200d", "\u202e", "\ufeff "])
def test_a_name_must_show(function, services, name):
    answer = post(function, "voices_save", json_body({"voice_name": name, "audio": b64(AUDIO)}))
    assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, "voice_name")


def test_a_name_may_not_be_that_word_by_mistake(function, services):
    answer = post(function, "voices_save", form(part("voice_name", b"undefined"), FILE))
    assert answer.status_code == 400
    assert answer.get_json()["details"]["field"] == "voice_name"


@pytest.mark.parametrize("head", ["; charset=utf-8", '; charset="ISO-8859-1"'])
def test_a_part_may_name_its_encoding(function, services, head):
    encoding = "utf-8" if "utf" in head else "latin-1"
    text = with_head(
        f'Content-Disposition: form-data; name="voice_name"\r\nContent-Type: text/plain{head}',
        "Zoë".encode(encoding),
    )
    assert post(function, "voices_save", form(text, FILE)).get_json()["voice"]["name"] == "Zoë"


def test_a_name_in_another_encoding_is_refused_by_name(function, services):
    answer = post(function, "voices_save", form(part("voice_name", b"Zo\xeb"), FILE))
    assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, "voice_name")


def test_json_may_begin_with_a_byte_order_mark(function, services):
    body = json.dumps({"voice_name": "Row", "audio_base64": b64(AUDIO)})
    answer = post(function, "voices_save", json_body(b"\xef\xbb\xbf" + body.encode()))
    assert answer.status_code == 201


@pytest.mark.parametrize("flag", ["true", "True", "1", "on", "yes", 1, True])
def test_a_flag_is_on_in_all_usual_words(function, services, flag):
    save_voice(function, FILE)
    body = {"voice_name": "Row", "audio_base64": b64(OTHER), "replace": flag}
    answer = post(function, "voices_save", json_body(body))
    assert (answer.status_code, answer.get_json()["voice"]["version"]) == (201, 2)


@pytest.mark.parametrize("flag", ["false", "0", "off", "no", "", 0, False, None])
def test_and_off(function, services, flag):
    save_voice(function, FILE)
    body = {"voice_name": "Row", "audio_base64": b64(OTHER), "replace": flag}
    assert post(function, "voices_save", json_body(body)).status_code == 409


NOTES = {
    "a form feed": ({"text": "a\x0cb"}, "text", "a\nb", ["text"]),
    "a vertical tab": ({"text": "a\x0bb"}, "text", "a\nb", ["text"]),
    "a next line": ({"text": "a\x85b"}, "text", "a\nb", ["text"]),
    "colours of a terminal": ({"text": "\x1b[1;31mred\x1b[0m"}, "text", "red", ["text"]),
    "a NUL": ({"text": "a\0b"}, "text", "ab", ["text"]),
    "half a surrogate": ({"text": "a\ud83d"}, "text", "a\ufffd", ["text"]),
    "line breaks": ({"text": "a\r\n\tb\u2028c"}, "text", "a\r\n\tb\u2028c", []),
    "an underscore": ({"language": "en_US"}, "language", "en-US", []),
    "small letters": ({"language": "zh-hant-tw"}, "language", "zh-Hant-TW", []),
    "no language": ({"language": "English (US)"}, "language", None, ["language"]),
    "a number for one": ({"language": 7}, "language", None, ["language"]),
    "seconds": ({"generation_time": "2.4 s"}, "generation_time_s", 2.4, []),
    "milliseconds": ({"generation_time": "2400ms"}, "generation_time_s", 2.4, []),
    "a word for a time": (
        {"generation_time": "fast"}, "generation_time_s", None, ["generation_time"],
    ),
    "a negative time": ({"generation_time": -1}, "generation_time_s", None, ["generation_time"]),
    "hertz": ({"sample_rate": "24000 Hz"}, "text", "Hello.", []),
    "kilohertz": ({"sample_rate": "24 kHz"}, "text", "Hello.", []),
    "a word for a rate": ({"sample_rate": "high"}, "text", "Hello.", ["sample_rate"]),
    "a numbered job": ({"runpod_job_id": 17}, "runpod_job_id", "17", []),
    "no id of a job": ({"runpod_job_id": "a b"}, "runpod_job_id", None, ["runpod_job_id"]),
    "nested parameters": (
        {"parameters": {"a": 1, "b": {"c": 2}, "d": [3]}}, "parameters", {"a": 1},
        ["parameters.b", "parameters.d"],
    ),
    "no parameters": ({"parameters": [1]}, "parameters", {}, ["parameters"]),
    "parameters that are no JSON": ({"parameters": "{'a': 1}"}, "parameters", {}, ["parameters"]),
    "a parameter with a colour": (
        {"parameters": {"a": "\x1b[1mx"}}, "parameters", {"a": "x"}, ["parameters.a"],
    ),
    "numbers as tags": ({"tags": [1, "b", None, {"c": 1}]}, "tags", ["1", "b"], ["tags"]),
    "a tag of two lines": ({"tags": ["a\nb"]}, "tags", ["a b"], []),
    "a moment": ({"timestamp": "2026-01-02T03:04:05Z"}, "timestamp", "20260102_030405", []),
    "Unix milliseconds": ({"timestamp": 1767323045123}, "timestamp", "20260102_030405", []),
    "a number for a text": ({"text": 5}, "text", "5", []),
    "a list for a text": ({"text": ["a"]}, "text", None, ["text"]),
    "Unix seconds": ({"timestamp": 1767323045.5}, "timestamp", "20260102_030405", []),
}  # fmt: skip


@pytest.mark.parametrize("row", NOTES)
def test_speech_is_saved_whatever_its_side_notes_are(function, services, row):
    sent, field, kept, warned = NOTES[row]
    answer = save_speech(function, **sent)
    body = answer.get_json()
    assert answer.status_code == 201, body
    assert body["generation"][field] == kept
    assert [one["field"] for one in body["warnings"]] == warned
    assert all(one["message"] for one in body["warnings"])


@pytest.mark.parametrize(
    "shape",
    [
        [1, 24_000], [24_000], [1.0, 24_000.0], "[1, 24000]", "(1, 24000)",
        "torch.Size([1, 24000])", "1x24000", "1 × 24000", "[1 24000]", "(24000,)", "[1.0, 24000.0]",
    ],
    ids=str,
)  # fmt: skip
def test_a_shape_is_read_as_any_library_prints_it(function, services, shape):
    body = save_speech(function, audio_shape=shape).get_json()
    assert (body["warnings"], body["metadata"]["mismatches"]) == ([], [])


@pytest.mark.parametrize("shape", ["loud", [1, "x"], [1.5], [-1], {"a": 1}, "[" * 999, [1] * 9])
def test_a_shape_that_is_none_is_told(function, services, shape):
    body = save_speech(function, audio_shape=shape).get_json()
    assert [one["field"] for one in body["warnings"]] == ["audio_shape"]


def test_what_makes_a_save_wrong_is_still_refused(function, services):
    for fields, field in [
        ({"text": "x" * 50_001}, "text"),
        ({"voice_id": "../x"}, "voice_id"),
        ({"audio_base64": "%"}, "audio_base64"),
    ]:
        answer = save_speech(function, **fields)
        assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, field)


def test_a_worker_does_not_decide_what_only_the_request_may(function, services):
    save_voice(function, FILE)
    told = {"voice_name": "Row", "replace": True, "audio_path": "/tmp/out.wav", "again": "maybe"}
    body = {"audio_base64": b64(OTHER), "metadata": told, "audio_path": "/tmp/out.wav"}
    assert post(function, "voices_save", json_body(body)).status_code == 409
    body = {**body, "metadata": {**told, "voice_name": "New", "name": "new.wav", "consent": True}}
    answer = post(function, "voices_save", json_body(body))
    assert (answer.status_code, answer.get_json()["voice"]["name"]) == (201, "New")
    assert [one["field"] for one in answer.get_json()["warnings"]] == ["audio_path"]


def test_a_number_in_keyed_metadata_is_a_text(function, services):
    parts = [part("metadata[voice_name]", b"2024"), FILE]
    assert post(function, "voices_save", form(*parts)).get_json()["voice"]["name"] == "2024"


def test_a_name_must_fit_in_the_form_in_which_it_is_kept(function, services):
    body = {"voice_name": "\U0001d160" * 100, "audio": b64(AUDIO)}
    answer = post(function, "voices_save", json_body(body))
    assert (answer.status_code, answer.get_json()["details"]["field"]) == (400, "voice_name")


@pytest.mark.parametrize("stamp", ["1760123112345", 1760123112345])
def test_a_scripts_clock_is_read_in_milliseconds(function, services, stamp):
    body = save_speech(function, timestamp=stamp).get_json()
    assert body["generation"]["timestamp"] == "20251010_190512"
