import codecs
import json
import os

import numpy as np
import pytest

from tests.sounds import encoded, npy, tone, wav
from voxshelf.migrate.folder import FolderUnusable, list_folder
from voxshelf.migrate.plan import make_plan


class Bomb:
    """Ends the test run when it is unpickled."""

    def __reduce__(self):
        return os._exit, (99,)


def planned(folder, owner=None):
    return make_plan(list_folder(folder.root, owner))


def problems(plan):
    return {remark.file: remark.text for remark in plan.problems}


def notes(plan):
    return {remark.file: remark.text for remark in plan.notes}


@pytest.mark.parametrize("uid", ["", "ada"])
def test_a_folder_is_planned_with_and_without_a_level_of_users(folder, uid):
    folder.uid = uid
    sample, profile = folder.sample("my_voice_2"), folder.profile("my_voice_2")
    speech = folder.generation("my_voice_2", "20250102_030405")
    plan = planned(folder)
    (voice,), (generation,) = plan.voices, plan.generations
    assert (voice.audio, voice.profile, voice.voice_id) == (sample, profile, "voice_my_voice_2")
    assert voice.fields == {
        "voice_id": "voice_my_voice_2",
        "voice_name": "my_voice_2",
        "parameters": '{"original_created_at": "2025-01-01T12:00:00Z"}',
    }
    assert generation.audio == speech
    assert generation.fields == {"voice_id": "voice_my_voice_2", "timestamp": "20250102_030405"}
    assert plan.problems == plan.notes == ()


def test_voices_and_generations_come_from_old_to_new(folder):
    for voice, stamp in [("a", "20250103_000000"), ("b", "20250101_000000")]:
        folder.sample(voice, stamp)
        folder.generation(voice, f"{stamp}_2")
        folder.generation(voice, stamp)
    plan = planned(folder)
    assert [voice.voice_id for voice in plan.voices] == ["voice_b", "voice_a"]
    assert [item.audio.stem for item in plan.generations] == [
        "TTS_voice_b_20250101_000000",
        "TTS_voice_b_20250101_000000_2",
        "TTS_voice_a_20250103_000000",
        "TTS_voice_a_20250103_000000_2",
    ]
    assert plan.items == plan.voices + plan.generations


def test_the_newest_sample_and_profile_become_the_voice_and_older_ones_are_reported(folder):
    old, new = folder.sample("a", "20250101_000000"), folder.sample("a", "20250101_000000_2")
    oldest = folder.profile("a")
    newest = folder.profile("a", "20250101_000001")
    plan = planned(folder)
    assert [(item.audio, item.profile) for item in plan.voices] == [(new, newest)]
    assert plan.problems == ()
    assert notes(plan) == {
        f"voice_samples/{old.name}": "older sample, not sent: the newest becomes the voice",
        f"voice_profiles/{oldest.name}": "older profile, not sent: the newest becomes the voice",
    }


def test_a_profile_goes_to_the_voice_that_there_is(folder):
    folder.sample("a")
    folder.sample("b_20240101_120000")
    first, second = folder.profile("a", "20240101_120000"), folder.profile("b", "20240101_120000")
    profiles = {voice.voice_id: voice.profile for voice in planned(folder).voices}
    assert profiles == {"voice_a": first, "voice_b_20240101_120000": second}


def test_facts_are_taken_under_all_names_that_frontends_write(folder):
    voice = {
        "name": "My Voice",
        "template_message": "The sample says this.",
        "language": "en",
        "description": "Warm.",
        "tags": ["warm", "deep"],
        "consent": {"statement": "I agree.", "granted_by": "M. Voice", "audio": "no"},
        "parameters": {"seed": 0, "loud": False, "nested": {"a": [1]}},
        "created_date": 1735700000.5,
        "runpod_job_id": "job-1",
    }
    speech = {
        "text_input": "Grüße — 你好",
        "generation_time": "1.5",
        "sample_rate": 24_000,
        "audio_shape": [1, 7200],
        "timestamp": "20240304_050607",
        "metadata": {"language": "de", "text_input": "behind"},
    }
    folder.sample("my_voice", facts=voice)
    folder.generation("my_voice", facts=speech)
    plan = planned(folder)
    assert plan.problems == plan.notes == ()
    assert plan.voices[0].fields == {
        "voice_id": "voice_my_voice",
        "voice_name": "My Voice",
        "template_message": "The sample says this.",
        "language": "en",
        "description": "Warm.",
        "tags": '["warm", "deep"]',
        "consent": '{"statement": "I agree.", "granted_by": "M. Voice"}',
        "parameters": '{"seed": 0, "loud": false, "nested": "{\\"a\\": [1]}", '
        '"original_created_at": "2025-01-01T02:53:20.500000Z"}',
        "runpod_job_id": "job-1",
    }
    assert plan.generations[0].fields == {
        "voice_id": "voice_my_voice",
        "text_input": "Grüße — 你好",
        "language": "de",
        "generation_time": "1.5",
        "sample_rate": "24000.0",
        "audio_shape": "[1, 7200]",
        "timestamp": "20240304_050607",
    }


def test_a_timestamp_of_another_form_gives_way_to_the_one_in_the_name(folder):
    folder.sample("a")
    folder.generation("a", "20250102_030405_2", facts={"timestamp": "2024-05-06T07:08:09"})
    assert planned(folder).generations[0].fields["timestamp"] == "20250102_030405"


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09Z"),
        ("20240506_070809", "2024-05-06T07:08:09Z"),
        ("yesterday", "2025-01-01T12:00:00Z"),
        (1e300, "2025-01-01T12:00:00Z"),
        (True, "2025-01-01T12:00:00Z"),
    ],
)
def test_when_a_voice_was_made_is_read_in_any_form_else_from_the_name(folder, created, expected):
    folder.sample("a", facts={"created_date": created})
    parameters = json.loads(planned(folder).voices[0].fields["parameters"])
    assert parameters == {"original_created_at": expected}


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("voice_samples", "voice_a_sample_20250101_120000.wav.json"),
        ("voice_samples", "voice_a_sample_20250101_120000.JSON"),
        ("voice_samples", "voice_a.json"),
        ("voice_profiles", "voice_a.json"),
        ("voice_profiles", "voice_a_20250101_130000.json"),
    ],
)
def test_the_facts_of_a_voice_are_found_wherever_they_lie(folder, kind, name):
    folder.sample("a")
    folder.profile("a", "20250101_130000")
    folder.put(kind, name, b'{"voice_name": "Anna"}')
    plan = planned(folder)
    assert plan.voices[0].fields["voice_name"] == "Anna"
    assert plan.problems == ()


def test_the_facts_beside_the_sample_win_over_those_of_the_profile(folder):
    folder.sample("a", facts={"voice_name": "Anna", "language": None})
    folder.profile("a")
    folder.put("voice_profiles", "voice_a.json", b'{"voice_name": "Other", "language": "en"}')
    fields = planned(folder).voices[0].fields
    assert (fields["voice_name"], fields["language"]) == ("Anna", "en")


def test_an_id_in_the_facts_is_kept_and_found_by_generations(folder):
    folder.sample("a", facts={"voice_id": "My.Own-id"})
    folder.sample("b", facts={"voice_id": "not/an id"})
    folder.generation("a", "20250102_000001")
    folder.generation("gone", "20250102_000002", facts={"voice_id": "My.Own-id"})
    folder.generation("b", "20250102_000003", facts={"voice_id": "unknown"})
    plan = planned(folder)
    assert [voice.voice_id for voice in plan.voices] == ["My.Own-id", "voice_b"]
    assert [i.voice_id for i in plan.generations] == ["My.Own-id", "My.Own-id", "voice_b"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (codecs.BOM_UTF8 + '{"text": "Grüße"}'.encode(), "Grüße"),
        ('{"text": "Grüße"}'.encode("utf-16"), "Grüße"),
        (b'{"text": "x", "generation_time": NaN}', "x"),
    ],
    ids=["UTF-8 with a mark", "UTF-16", "NaN"],
)
def test_json_in_another_encoding_is_read(folder, data, text):
    folder.sample("a")
    folder.generation("a", facts=data)
    plan = planned(folder)
    assert plan.generations[0].fields["text_input"] == text
    assert plan.problems == plan.notes == ()


def test_json_in_latin_1_is_read_and_noted(folder):
    folder.sample("a")
    folder.generation("a", facts='{"text": "Grüße"}'.encode("latin-1"))
    plan = planned(folder)
    assert plan.generations[0].fields["text_input"] == "Grüße"
    assert list(notes(plan).values()) == ["its .json is no UTF-8 and was read as Latin-1"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is no JSON"),
        (b'{"text": "cut of', "is no JSON"),
        (b'{"text": "\xff\x81"}', "is no UTF-8"),
        (b"[1]", "is no JSON object"),
        (b'{"text": "\\ud800"}', "holds half of a character"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"text": ' + b"1" * 5000 + b"}", "is no JSON"),
    ],
)
def test_an_item_whose_json_cannot_be_read_waits_until_it_is_mended(folder, data, reason):
    folder.sample("a")
    folder.generation("a", facts=data)
    plan = planned(folder)
    assert plan.generations == ()
    (text,) = problems(plan).values()
    assert text.startswith(f"its tts_generations/TTS_voice_a_20250102_130000.json {reason}")
    assert text.endswith("mend that file, or remove it to send the audio without its facts")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"text": ["a"]}, "text of its .json is no text"),
        ({"parameters": [1]}, "parameters of its .json is no object"),
        ({"tags": [1]}, "tags of its .json is no text"),
        ({"consent": True}, "consent of its .json is no object"),
    ],
)
def test_what_a_person_said_is_sent_whole_or_not_at_all(folder, facts, reason):
    folder.sample("a", facts=facts)
    folder.sample("b")
    folder.generation("b", facts=facts)
    plan = planned(folder)
    refused_voice = [text for file, text in problems(plan).items() if "voice_a" in file]
    refused_speech = [text for file, text in problems(plan).items() if "TTS" in file]
    mend = ": mend that file, or remove it to send the audio without its facts"
    # A voice speaks no text of its own, and only a voice has a consent.
    assert refused_voice == ([] if "text" in facts else [reason + mend])
    assert refused_speech == ([] if "consent" in facts else [reason + mend])


def test_the_generations_of_a_voice_that_cannot_be_sent_are_reported_too(folder):
    folder.sample("a", facts=b"{")
    folder.generation("a")
    folder.generation("b")
    plan = planned(folder)
    assert plan.items == ()
    assert problems(plan)["tts_generations/TTS_voice_a_20250102_130000.wav"] == (
        "its voice cannot be sent"
    )
    assert problems(plan)["tts_generations/TTS_voice_b_20250102_130000.wav"] == (
        "its voice has no sample that can be read"
    )


@pytest.mark.parametrize("name", ["generation_time", "sample_rate", "audio_shape"])
@pytest.mark.parametrize("value", ["much", [1.5], [-1], -1, True, {}, 10**400])
def test_a_measured_fact_of_a_wrong_type_is_left_out_and_noted(folder, name, value):
    folder.sample("a")
    folder.generation("a", facts={"text": "Hello", name: value})
    plan = planned(folder)
    assert set(plan.generations[0].fields) == {"voice_id", "timestamp", "text_input"}
    assert list(notes(plan).values()) == [f"{name} of its .json is no such value and is left out"]


def test_what_is_audio_is_decided_by_the_bytes_alone(folder):
    flac = encoded(tone(1.0), form="FLAC")
    folder.put("voice_samples", "voice_a_sample_20250101_120000.WAV", wav())
    folder.put("voice_samples", "voice_b_sample_20250101_120001.wav", flac)
    folder.put("voice_samples", "voice_c_sample_20250101_120002.mp3", b"<html>")
    folder.put("voice_samples", "voice_d_sample_20250101_120003.wav", b"")
    folder.put("voice_profiles", "voice_a.NPY", npy())
    plan = planned(folder)
    assert [voice.voice_id for voice in plan.voices] == ["voice_a", "voice_b"]
    assert plan.voices[0].profile.name == "voice_a.NPY"
    assert problems(plan) == {
        "voice_samples/voice_c_sample_20250101_120002.mp3": "is no WAV, FLAC, OGG or MP3",
        "voice_samples/voice_d_sample_20250101_120003.wav": "is empty",
    }


def test_a_file_over_the_limit_of_direct_uploads_is_reported(folder):
    with folder.sample("a").open("r+b") as file:
        file.truncate(200 * 1024**2 + 1)  # without taking room on the disk
    assert list(problems(planned(folder)).values()) == ["is larger than 200 MiB: split it"]


def test_when_the_newest_sample_cannot_be_read_the_one_before_it_becomes_the_voice(folder):
    readable = folder.sample("a", "20250101_000000")
    folder.sample("a", "20250101_000001", data=b"RIFF")
    plan = planned(folder)
    assert [voice.audio for voice in plan.voices] == [readable]
    assert list(problems(plan).values()) == ["is no WAV, FLAC, OGG or MP3"]


def test_a_pickled_profile_is_planned_without_ever_being_loaded(folder):
    folder.sample("a")
    folder.profile("a", data=npy(np.array([Bomb()], dtype=object)))
    plan = planned(folder)
    assert plan.voices[0].profile is not None
    assert plan.problems == ()


def test_a_profile_that_would_be_refused_is_reported_and_the_voice_goes_without(folder):
    folder.sample("a")
    folder.profile("a", data=npy()[:-1])
    folder.put("voice_profiles", "voice_a.pkl", b"pickle")
    folder.profile("nobody")
    plan = planned(folder)
    assert plan.voices[0].profile is None
    assert problems(plan) == {
        "voice_profiles/voice_a.npy": "is not sent: The profile's length does not match the shape "
        "in its header.",
        "voice_profiles/voice_a.pkl": "is no .npy file",
        "voice_profiles/voice_nobody.npy": "belongs to no voice with a sample in voice_samples",
    }


def test_what_is_not_named_as_the_layout_names_it_is_reported(folder):
    folder.put("voice_samples", "anna.wav", wav())
    folder.put("voice_samples", "voice_a_consent_20250101_120000.wav", wav())
    folder.put("tts_generations", "TTS_voice_a.wav", wav())
    folder.put("tts_generations", "TTS_voice_a_20250101_120000.json", b"{}")
    assert problems(planned(folder)) == {
        "voice_samples/anna.wav": "is not named voice_NAME_sample_YYYYMMDD_HHMMSS",
        "voice_samples/voice_a_consent_20250101_120000.wav": "is not named "
        "voice_NAME_sample_YYYYMMDD_HHMMSS",
        "tts_generations/TTS_voice_a.wav": "is not named TTS_voice_NAME_YYYYMMDD_HHMMSS",
        "tts_generations/TTS_voice_a_20250101_120000.json": "has no file of its name beside it",
    }


def test_hidden_files_are_passed_over_and_links_are_never_followed(folder, tmp_path):
    sample = folder.sample("a")
    folder.put("voice_samples", ".DS_Store", b"x")
    folder.put("voice_samples", f"._{sample.name}", b"x")
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav())
    sample.with_name("voice_b_sample_20250101_120000.wav").symlink_to(secret)
    (sample.parent / "round").symlink_to(sample.parent)
    (folder.root / "tts_generations").symlink_to(tmp_path)
    deep = sample.parent / "uid" / "deeper"
    deep.mkdir(parents=True)
    plan = planned(folder)
    assert [voice.audio for voice in plan.voices] == [sample]
    assert problems(plan) == {
        "voice_samples/round": "is a link: put the file itself in its place",
        "voice_samples/voice_b_sample_20250101_120000.wav": "is a link: put the file itself in "
        "its place",
        "voice_samples/uid/deeper": "is no file, or a folder too deep: put its files one level up",
        "tts_generations": "is a link: put the folder itself in its place",
    }


def test_a_name_cannot_forge_a_line_of_the_report(folder):
    folder.put("voice_samples", "a\n0 problems\x1b[2J\udce9.wav", wav())
    assert list(problems(planned(folder))) == ["voice_samples/a\\n0 problems\\x1b[2J\\udce9.wav"]


def test_files_of_several_users_are_not_mixed(folder):
    for folder.uid in ("ada", "bob"):
        folder.sample("a")
        folder.generation("a")
    with pytest.raises(FolderUnusable, match=r"several users \(ada, bob\): choose by --owner"):
        planned(folder)
    plan = planned(folder, "bob")
    assert [item.file.split("/")[1] for item in plan.items] == ["bob", "bob"]
    with pytest.raises(FolderUnusable, match="no files of 'eve'"):
        planned(folder, "eve")


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(FolderUnusable, match="none of the folders voice_samples"):
        list_folder(tmp_path, None)
