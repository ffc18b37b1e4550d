import hashlib
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.migrate.memory_site import id_token
from tests.migrate.old_folder import long_wav
from tests.sounds import npy, wav
from voxshelf.core.account import Limits, Policy
from voxshelf.core.reservation import REQUEST_LIFETIME

NOTE = ".voxshelf-migrate.jsonl"
SIGN_IN = ("--email", "ada@voxshelf.example", "--api-key", "key")


def unavailable(request, serve):
    return httpx.Response(503, headers={"Retry-After": "7"}, json={"message": "Wait."})


def in_progress(request, serve):
    return httpx.Response(409, json={"code": "in_progress", "message": "It runs."})


def refused_connection(request, serve):
    raise httpx.ConnectError("refused", request=request)


def lost_answer(request, serve):
    serve(request)
    raise httpx.ReadError("cut", request=request)


def interrupted(request, serve):
    raise KeyboardInterrupt


def interrupted_after(request, serve):
    serve(request)
    raise KeyboardInterrupt


def broken(request, serve):
    return httpx.Response(500, json={"code": "internal", "message": "Failed on our side."})


def fill(folder, voices=2, generations=3):
    for voice in range(voices):
        folder.sample(f"v{voice}", f"20250101_00000{voice}", seed=voice)
        folder.profile(f"v{voice}")
        for number in range(generations):
            seed = 10 * voice + number + 10
            facts = {"text": f"Line {seed}"}
            folder.generation(f"v{voice}", f"202501{seed}_000000", seed=seed, facts=facts)


def keys(site):
    return [request.headers["Idempotency-Key"] for request in site.saves]


def test_everything_arrives_with_its_facts_and_in_its_order(folder, site, migrate, capsys):
    sample, speech, profile = wav(1.0), wav(0.4), npy()
    facts = {"voice_name": "Zoë", "language": "de", "tags": ["warm"]}
    folder.sample("zoë", data=sample, facts=facts)
    folder.profile("zoë", data=profile)
    folder.generation("zoë", "20250102_000000", data=speech, facts={"text": "Grüße"})
    folder.generation("zoë", "20250101_000000")
    assert migrate() == 0
    (voice,) = site.voices
    assert (voice["voice_id"], voice["name"], voice["language"]) == ("voice_zoë", "Zoë", "de")
    assert voice["parameters"] == {"original_created_at": "2025-01-01T12:00:00Z"}
    assert voice["sample"]["sha256"] == hashlib.sha256(sample).hexdigest()
    assert voice["profile"]["sha256"] == hashlib.sha256(profile).hexdigest()
    newest, oldest = site.generations
    assert (newest["text"], newest["timestamp"]) == ("Grüße", "20250102_000000")
    assert newest["audio"]["sha256"] == hashlib.sha256(speech).hexdigest()
    assert oldest["timestamp"] == "20250101_000000"
    summary = capsys.readouterr().out
    assert "voices: 1 sent\ngenerations: 2 sent\n" in summary


def test_a_second_run_sends_nothing(folder, site, migrate, capsys):
    fill(folder)
    assert migrate() == 0
    site.saves.clear()
    assert migrate() == 0
    assert site.saves == []
    assert "generations: 6 noted as sent by an earlier run" in capsys.readouterr().out


def test_what_was_added_since_is_sent_alone(folder, site, migrate):
    fill(folder, voices=1, generations=1)
    migrate()
    site.saves.clear()
    folder.generation("v0", "20260101_000000")
    assert migrate() == 0
    assert [request.url.path for request in site.saves] == ["/api/tts/save"]
    assert len(site.generations) == 2


def test_the_note_of_one_user_or_site_is_not_believed_for_another(folder, site, migrate):
    fill(folder, voices=1, generations=1)
    migrate()
    assert migrate(VOXSHELF_ID_TOKEN=id_token("bob")) == 0
    assert migrate("--url", "https://other.example/api/") == 0
    # Ada's voice is found at the other address by its files, and not sent again.
    assert len(site.saves) == 5
    assert len(site.generations) == 1


def test_without_its_note_a_second_run_doubles_nothing(folder, site, migrate, tmp_path, capsys):
    fill(folder)
    assert migrate("--state", str(tmp_path / "note")) == 0
    assert not (folder.root / NOTE).exists()
    assert migrate() == 0
    assert (len(site.voices), len(site.generations)) == (2, 6)
    assert "voices: 2 already there" in capsys.readouterr().out


def test_two_generations_of_the_same_bytes_are_two(folder, site, migrate):
    folder.sample("a")
    folder.generation("a", "20250101_000000")
    folder.generation("a", "20250101_000001")
    assert migrate() == 0
    assert len(site.generations) == 2


@pytest.mark.parametrize("stop", [interrupted, interrupted_after])
def test_a_run_that_is_interrupted_sums_up_and_the_next_one_goes_on(
    folder, site, migrate, capsys, stop
):
    fill(folder)
    site.faults = [None, None, None, stop]
    assert migrate() == 130
    output = capsys.readouterr()
    assert "Interrupted." in output.err
    assert "generations: 1 sent, 5 not sent" in output.out
    assert "Run the same command again to go on" in output.out
    assert migrate() == 0
    assert len(site.saves) == 4 + 5
    assert (len(site.voices), len(site.generations)) == (2, 6)


def test_a_line_of_the_note_that_was_cut_off_is_as_if_it_were_not_there(folder, site, migrate):
    fill(folder)
    migrate()
    note = folder.root / NOTE
    note.write_bytes(note.read_bytes()[:-30] + b"\xff")
    site.saves.clear()
    assert migrate() == 0
    assert len(site.saves) == 1
    assert migrate() == 0
    assert len(site.saves) == 1
    assert len(site.generations) == 6


def test_each_save_is_noted_before_the_next_one_starts(folder, site, migrate):
    fill(folder, voices=1, generations=2)
    noted = []

    def look(request, serve):
        noted.append(len((folder.root / NOTE).read_text().splitlines()))
        return serve(request)

    site.faults = [look] * 3
    migrate()
    assert noted == [0, 1, 2]


@pytest.mark.parametrize(
    "fault", [unavailable, in_progress, refused_connection, lost_answer, broken]
)
def test_a_fault_that_passes_is_waited_for_and_nothing_is_saved_twice(
    folder, site, migrate, pauses, fault
):
    fill(folder, voices=1, generations=2)
    site.faults = [None, fault, fault]
    assert migrate() == 0
    assert len(site.generations) == 2
    assert keys(site)[1] == keys(site)[2] == keys(site)[3] != keys(site)[4]
    assert pauses == ([7, 7] if fault is unavailable else [1, 2])


def test_when_the_service_stays_away_the_run_stops_and_says_so(
    folder, site, migrate, pauses, capsys
):
    fill(folder)
    site.faults = [None, *[refused_connection] * 100]
    assert migrate() == 1
    output = capsys.readouterr()
    assert "Stopped: The service cannot be reached, or always fails: refused" in output.err
    assert "voices: 1 sent, 1 not sent" in output.out
    # Longer than the lease of a save that died with its server.
    assert 360 < sum(pauses) <= 420
    assert max(pauses) == 30


@pytest.mark.parametrize(("fault", "patience_s"), [(broken, 15), (in_progress, 420)])
def test_one_item_that_always_fails_does_not_keep_the_others(
    folder, site, migrate, pauses, capsys, fault, patience_s
):
    fill(folder, voices=1, generations=2)

    def first_line(request, serve):
        return fault(request, serve) if b"Line 10" in request.read() else serve(request)

    site.faults = [first_line] * 100
    assert migrate() == 1
    assert [item["text"] for item in site.generations] == ["Line 11"]
    assert sum(pauses) <= patience_s
    assert "generations: 1 sent, 1 not sent" in capsys.readouterr().out


def test_a_service_that_fails_for_every_item_stops_the_run(folder, site, migrate, pauses, capsys):
    fill(folder)
    site.faults = [None, None, *[broken] * 100]
    assert migrate() == 1
    output = capsys.readouterr()
    assert "always fails: Failed on our side." in output.err
    assert "generations: 6 not sent" in output.out
    assert "(internal)" in output.out
    assert sum(pauses) <= 3 * 15


def test_a_quota_stops_the_run_with_what_the_service_says(folder, site, migrate, pauses, capsys):
    limits = Limits(voices=100, generations=2, size_bytes=10**9, saves_per_day=1000)
    site.services.policy = Policy(limits)
    fill(folder)
    assert migrate() == 1
    assert pauses == []
    assert len(site.generations) == 2
    output = capsys.readouterr()
    assert "Stopped: The library is full: 2 generations are the limit." in output.err
    assert "generations: 2 sent, 4 not sent" in output.out


def test_a_voice_that_exists_with_the_same_files_is_there(folder, site, migrate, capsys):
    folder.sample("a", facts={"voice_name": "Anna"})
    folder.generation("a")
    assert migrate("--state", str(folder.root / "first")) == 0
    # Renamed since, which makes no other voice of it; and the keys have ended.
    folder.sample("a", facts={"voice_id": "voice_a", "voice_name": "Other"})
    site.services.library.now = lambda: datetime.now(UTC) + REQUEST_LIFETIME + timedelta(days=1)
    assert migrate() == 0
    assert "voices: 1 already there" in capsys.readouterr().out
    assert [voice["name"] for voice in site.voices] == ["Anna"]


def test_a_voice_whose_id_is_anothers_gets_its_own_and_its_speech_follows(
    folder, site, migrate, tmp_path
):
    folder.sample("a", facts={"voice_name": "Bea"})
    assert migrate("--state", str(folder.root / "first")) == 0
    folder.sample("a", seed=5, facts={"voice_id": "voice_a", "voice_name": "Anna"})
    folder.generation("a")
    for state in ("second", "second", "third"):
        assert migrate("--state", str(folder.root / state)) == 0
        names = {voice["voice_id"]: voice["name"] for voice in site.voices}
        assert names == {"voice_a": "Bea", "voice_a_2": "Anna"}
        assert {speech["voice_id"] for speech in site.generations} == {"voice_a_2"}


def test_a_voice_that_exists_with_other_files_is_reported_with_its_generations(
    folder, site, migrate, capsys
):
    folder.sample("a", seed=1)
    migrate("--state", str(folder.root / "first"))
    folder.sample("a", seed=2)
    folder.generation("a")
    assert migrate() == 1
    summary = capsys.readouterr().out
    assert "Not sent (2 files):\n" in summary
    assert "  a voice of this name with other files is in the library already\n" in summary
    assert "  its voice was not sent\n    tts_generations/TTS_voice_a_20250102" in summary
    assert site.generations == []


def test_facts_that_were_changed_after_the_save_are_reported(folder, site, migrate, capsys):
    folder.sample("a")
    folder.generation("a", facts={"text": "First"})
    migrate("--state", str(folder.root / "first"))
    folder.generation("a", facts={"text": "Second"})
    assert migrate() == 1
    assert "was saved within the last two days with other facts" in capsys.readouterr().out
    assert [item["text"] for item in site.generations] == ["First"]


def test_what_the_service_refuses_is_reported_with_its_reason_and_the_rest_is_sent(
    folder, site, migrate, capsys
):
    folder.sample("a")
    folder.generation("a", "20250101_000000", data=b"RIFF\0\0\0\0WAVE")
    folder.generation("a", "20250101_000001", facts={"text": "x" * 50_001})
    folder.generation("a", "20250101_000002")
    assert migrate() == 1
    assert [item["timestamp"] for item in site.generations] == ["20250101_000002"]
    summary = capsys.readouterr().out
    assert "text_input must be at most 50000 characters. (invalid_request)" in summary
    assert "(invalid_audio)" in summary


def test_a_file_that_could_not_be_read_makes_the_run_incomplete(folder, site, migrate, capsys):
    folder.sample("a")
    folder.generation("a", data=b"")
    assert migrate() == 1
    assert "voices: 1 sent\ngenerations: none\n" in capsys.readouterr().out


def test_a_declared_fact_that_the_audio_contradicts_is_told(folder, site, migrate, capsys):
    folder.sample("a")
    folder.generation("a", facts={"sample_rate": 8_000})
    assert migrate() == 0
    assert "its .json says another sample_rate than the audio has" in capsys.readouterr().out


def test_a_file_that_arrives_changed_is_reported_and_not_noted(folder, site, migrate, capsys):
    folder.sample("a")

    def other_bytes(request, serve):
        body = serve(request).json()
        body["voice"]["sample"]["sha256"] = "0" * 64
        return httpx.Response(201, json=body)

    site.faults = [other_bytes]
    assert migrate() == 1
    assert "arrived with other bytes" in capsys.readouterr().out
    assert (folder.root / NOTE).read_text() == ""


def test_a_large_file_goes_by_direct_upload(folder, site, migrate):
    large = long_wav()
    folder.sample("a")
    folder.generation("a", data=large)
    assert migrate() == 0
    assert len(site.uploads) == 1
    assert site.uploads[0].startswith("uploads/ada/upload_")
    assert len(site.saves[-1].read()) < 2_000
    assert site.generations[0]["audio"]["sha256"] == hashlib.sha256(large).hexdigest()
    assert not [path for path in site.services.objects.stored if path.startswith("uploads/")]


def test_an_upload_that_an_interrupted_run_left_is_taken(folder, site, migrate):
    folder.sample("a")
    folder.generation("a", data=long_wav())
    site.faults = [None, interrupted]
    assert migrate() == 130
    assert migrate() == 0
    assert len(site.uploads) == 2
    assert len(set(site.uploads)) == 1
    assert len(site.generations) == 1


def test_where_storage_is_must_be_told_for_a_large_file_in_an_empty_library(
    folder, site, migrate, capsys
):
    folder.sample("a", data=long_wav())
    assert migrate() == 1
    assert (
        "no file of the library tells where Storage is: run again when" in capsys.readouterr().out
    )
    assert migrate("--storage-url", "https://files.example/v0/b/bucket/o") == 0
    assert len(site.voices) == 1


def test_a_token_that_ends_on_the_way_stops_the_run(folder, site, migrate, capsys):
    fill(folder)

    def end_token(request, serve):
        site.services.tokens.ended.add(id_token("ada", 1))
        return serve(request)

    site.faults = [None, end_token]
    assert migrate(VOXSHELF_ID_TOKEN=id_token("ada", 1)) == 1
    output = capsys.readouterr()
    assert "The ID token is not accepted: they end after an hour. Give a fresh one." in output.err
    assert "voices: 1 sent, 1 not sent" in output.out
    assert migrate() == 0
    assert (len(site.voices), len(site.generations)) == (2, 6)


def test_a_user_with_a_password_is_signed_in_and_stays_so(folder, site, migrate):
    fill(folder, voices=1, generations=1)

    def end_token(request, serve):
        site.services.tokens.ended.add(id_token("ada", 1))
        return serve(request)

    site.faults = [None, end_token]
    assert migrate(*SIGN_IN, VOXSHELF_PASSWORD="right") == 0
    hosts = [request.url.host for request in site.sign_ins]
    assert hosts == ["identitytoolkit.googleapis.com", "securetoken.googleapis.com"]
    assert {request.url.params["key"] for request in site.sign_ins} == {"key"}


def test_a_user_who_is_refused_again_and_again_stops_the_run(folder, site, migrate, capsys):
    folder.sample("a")
    site.services.tokens.ended.update(id_token("ada", number) for number in range(10))
    assert migrate(*SIGN_IN, VOXSHELF_PASSWORD="right") == 1
    assert "Stopped: The service does not accept this user: Sign in" in capsys.readouterr().err
    assert site.saves == []


def test_a_token_is_renewed_before_it_ends(folder, site, migrate):
    fill(folder, voices=1, generations=1)
    site.token_lifetime_s = 299
    assert migrate(*SIGN_IN, VOXSHELF_PASSWORD="right") == 0
    # The library is listed once before the first save.
    assert len(site.sign_ins) == 1 + 1 + len(site.saves)


def test_the_auth_emulator_signs_in_without_an_api_key(folder, site, migrate):
    folder.sample("a")
    options = ("--email", "ada@voxshelf.example", "--auth-emulator", "127.0.0.1:9099")
    assert migrate(*options, "--password-env", "SECRET", SECRET="right") == 0
    (request,) = site.sign_ins
    assert str(request.url) == (
        "http://127.0.0.1:9099/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=demo"
    )


def test_a_wrong_password_stops_before_anything_is_sent(folder, site, migrate, capsys):
    folder.sample("a")
    assert migrate(*SIGN_IN, VOXSHELF_PASSWORD="wrong") == 1
    assert "Stopped: Signing in was refused: INVALID_PASSWORD." in capsys.readouterr().err
    assert site.saves == []


@pytest.mark.parametrize("token", ["x", "a.b.c", "a.e30.c"])
def test_what_is_no_token_is_sent_nowhere(folder, site, migrate, capsys, token):
    folder.sample("a")
    assert migrate(VOXSHELF_ID_TOKEN=token) == 1
    assert "That is no Firebase ID token." in capsys.readouterr().err
    assert site.saves == []


def test_a_dry_run_sends_and_writes_nothing_and_needs_no_token(folder, site, migrate, capsys):
    fill(folder)
    folder.generation("gone")
    before = sorted(folder.root.rglob("*"))
    assert migrate("--dry-run", VOXSHELF_ID_TOKEN="") == 1
    output = capsys.readouterr().out
    assert "2 voices, 6 generations would be sent\n" in output
    assert (
        "voice_v0: voice_samples/voice_v0_sample_20250101_000000.wav with voice_v0.npy; "
        "3 generations\n" in output
    )
    assert "Cannot be sent (1 files):\n  its voice has no sample that can be read\n" in output
    assert site.saves == []
    assert sorted(folder.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--url", "voxshelf.example"), "is no address of a site"),
        (("--email", "a@b.c", "--api-key", "k"), "to be in the variable VOXSHELF_PASSWORD"),
        (("--unknown",), "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_is_explained(folder, migrate, capsys, arguments, message):
    folder.sample("a")
    with pytest.raises(SystemExit) as ended:
        migrate(*arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_without_a_token_nothing_starts(folder, migrate, capsys):
    folder.sample("a")
    with pytest.raises(SystemExit) as ended:
        migrate(VOXSHELF_ID_TOKEN="")
    assert ended.value.code == 2
    assert "sign in: an ID token in VOXSHELF_ID_TOKEN" in capsys.readouterr().err


def test_a_folder_that_holds_nothing_of_the_kind_is_wrong_use(folder, migrate, capsys):
    assert migrate() == 2
    assert "holds none of the folders" in capsys.readouterr().err


def test_a_note_that_cannot_be_written_stops_before_anything_is_sent(
    folder, site, migrate, tmp_path, capsys
):
    folder.sample("a")
    assert migrate("--state", str(tmp_path / "missing" / "note")) == 1
    assert "Give another file as --state." in capsys.readouterr().err
    assert site.saves == []


def test_what_is_no_voxshelf_never_sees_a_token(folder, site, migrate, capsys):
    folder.sample("a")
    assert migrate("--url", "https://elsewhere.example") == 1
    assert "is no site of Voxshelf" in capsys.readouterr().err


def test_the_note_names_no_secret(folder, site, migrate):
    fill(folder, voices=1, generations=0)
    migrate()
    (line,) = (folder.root / NOTE).read_text().splitlines()
    assert json.loads(line) == {
        "site": "https://voxshelf.example",
        "uid": "ada",
        "key": keys(site)[0],
        "file": "voice_samples/voice_v0_sample_20250101_000000.wav",
    }
