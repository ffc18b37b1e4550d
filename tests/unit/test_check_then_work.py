"""What the first look at the library tells is told before anything is fetched or decoded."""

from dataclasses import replace

import pytest

from tests.sounds import content, wav
from tests.unit.test_reused_uploads import PATH, A, UploadShelf
from tests.unit.test_save_voice import LIMITS
from voxshelf.core.account import Policy
from voxshelf.core.edits import VoiceEdit, edited
from voxshelf.core.errors import (
    IdempotencyConflict,
    InvalidAudio,
    NotFound,
    PermissionDenied,
    QuotaExceeded,
    RateLimited,
    VoiceExists,
)
from voxshelf.use_cases.voice_draft import ConsentGiven
from voxshelf.use_cases.withdraw_consent import withdraw_consent

POLICY = Policy(LIMITS)


@pytest.fixture
def shelf():
    return UploadShelf()


def nothing_is_done(shelf):
    """Let whatever is fetched or decoded from now on fail the test."""

    def work(*_arguments):
        raise AssertionError

    shelf.objects.download = shelf.inspect_audio = work


def withdraw(shelf, voice_id="voice_a"):
    withdraw_consent("ada", voice_id, library=shelf.library, objects=shelf.objects, policy=POLICY)


def full(shelf):
    account = shelf.library.accounts["ada"]
    limits = {"voices": account.kept.voices, "generations": account.kept.generations}
    shelf.library.accounts["ada"] = replace(account, limits=limits)


def no_saves_left(shelf):
    account = shelf.library.accounts["ada"]
    shelf.library.accounts["ada"] = replace(account, limits={"saves_per_day": 1})


REFUSED = {
    "speech of a missing voice": ("speak", {"voice_id": "voice_none"}, None, NotFound),
    "speech of a barred voice": ("speak", {}, withdraw, PermissionDenied),
    "speech in a full library": ("speak", {}, full, QuotaExceeded),
    "speech after too many saves": ("speak", {}, no_saves_left, QuotaExceeded),
    "a barred voice": ("save", {"replace": True}, withdraw, PermissionDenied),
    "a voice in a full library": ("save", {"voice_id": "voice_b"}, full, QuotaExceeded),
}


@pytest.mark.parametrize("source", ["body", "upload"])
@pytest.mark.parametrize("row", REFUSED)
def test_what_will_be_refused_is_refused_before_work(shelf, row, source):
    call, fields, prepare, error = REFUSED[row]
    shelf.save(voice_id="voice_a")
    if prepare is not None:
        prepare(shelf)
    nothing_is_done(shelf)
    shelf.upload(A)
    with pytest.raises(error):
        getattr(shelf, f"{call}_uploaded" if source == "upload" else call)(**fields)
    assert shelf.objects.stored[PATH][1] == A


SENT_BEFORE = {
    "a voice": ("save", {}, {}),
    "a voice by its key": ("save", {"idempotency_key": "k"}, {"idempotency_key": "k"}),
    "speech": ("speak", {"again": False}, {"again": False}),
    "speech by its key": ("speak", {"idempotency_key": "k"}, {"idempotency_key": "k"}),
    "a job's speech": ("speak", {"runpod_job_id": "j"}, {"runpod_job_id": "j", "text": "Else."}),
}


@pytest.mark.parametrize("row", SENT_BEFORE)
def test_what_was_saved_before_is_told_before_work(shelf, row):
    call, first, again = SENT_BEFORE[row]
    shelf.save(voice_id="voice_a")
    getattr(shelf, call)(**first)
    nothing_is_done(shelf)
    assert getattr(shelf, call)(**again).replayed


CONFLICTS = {
    "a voice that exists": ("save", {}, {"sample": content(wav(2.0))}, VoiceExists),
    "a used key": (
        "speak",
        {"idempotency_key": "k"},
        {"idempotency_key": "k", "text": "Else."},
        IdempotencyConflict,
    ),
}


@pytest.mark.parametrize("row", CONFLICTS)
def test_a_conflict_is_told_before_work(shelf, row):
    call, first, again, error = CONFLICTS[row]
    shelf.save(voice_id="voice_a")
    getattr(shelf, call)(**first)
    nothing_is_done(shelf)
    with pytest.raises(error):
        getattr(shelf, call)(**again)


@pytest.mark.parametrize("call", ["save", "speak"])
def test_refused_work_counts_and_ends(shelf, call):
    shelf.save(voice_id="voice_a")
    account = shelf.library.accounts["ada"]
    shelf.library.accounts["ada"] = replace(account, limits={"refusals_per_hour": 3})
    bad = {"sample" if call == "save" else "audio": content(b"RIFF0000WAVE"), "voice_id": "voice_a"}
    for _ in range(3):
        with pytest.raises(InvalidAudio):
            getattr(shelf, call)(**{**bad, "replace": True} if call == "save" else bad)
    nothing_is_done(shelf)
    with pytest.raises(RateLimited) as limited:
        getattr(shelf, call)(**{**bad, "replace": True} if call == "save" else bad)
    assert 0 < limited.value.retry_after_s <= 3600


def test_what_is_refused_without_work_does_not_count(shelf):
    for _ in range(3):
        with pytest.raises(NotFound):
            shelf.speak(voice_id="voice_none")
    assert "ada" not in shelf.library.accounts


class TestReplacing:
    """Replays compare with what is stored now."""

    def edit(self, shelf, **fields):
        edit = VoiceEdit(**fields)
        shelf.library.edit("ada", "voices", "voice_a", lambda item, now: edited(item, edit, now))

    def test_the_first_content_again_after_an_edit_is_a_new_version(self, shelf):
        shelf.save(description="First.")
        self.edit(shelf, description="Second.")
        saved = shelf.save(description="First.", replace=True)
        assert (saved.replayed, saved.voice.description) == (False, "First.")

    def test_what_an_edit_made_of_it_is_there_already(self, shelf):
        shelf.save(description="First.")
        self.edit(shelf, description="Second.")
        assert shelf.save(description="Second.").replayed

    def test_a_favourite_is_no_other_voice(self, shelf):
        shelf.save()
        self.edit(shelf, favorite=True)
        assert shelf.save(replace=True).voice.favorite

    def test_a_recording_of_a_consent_that_went_with_a_version_can_be_brought_again(self, shelf):
        recording = wav(0.7, seed=9)
        spoken = ConsentGiven("I agree.", "Ada", content(recording))
        shelf.save(consent=spoken)
        shelf.save(sample=content(wav(2.0)), replace=True)
        saved = shelf.save(sample=content(wav(2.0)), consent=spoken, replace=True)
        assert not saved.replayed
        assert recording in [data for _, data in shelf.objects.stored.values()]

    def test_other_audio_of_the_same_job_takes_its_place_when_asked_for(self, shelf):
        shelf.save(runpod_job_id="j")
        saved = shelf.save(sample=content(wav(2.0)), runpod_job_id="j", replace=True)
        assert (saved.replayed, saved.voice.version) == (False, 2)

    def test_other_audio_of_the_same_job_is_never_dropped_in_silence(self, shelf):
        shelf.save(runpod_job_id="j")
        with pytest.raises(VoiceExists):
            shelf.save(sample=content(wav(2.0)), runpod_job_id="j")

    def test_a_result_that_its_job_has_saved_may_be_sent_with_less_said(self, shelf):
        shelf.save(runpod_job_id="j", description="The job's.")
        assert shelf.save(runpod_job_id="j", profile=None).replayed


class TestWithdrawn:
    """No replay gives back what a withdrawn consent has said."""

    @pytest.mark.parametrize("call", ["save", "speak"])
    def test_a_key_is_no_way_around(self, shelf, call):
        shelf.save(voice_id="voice_a")
        if call == "speak":
            shelf.speak(idempotency_key="k")
        else:
            shelf.save(voice_id="voice_a", replace=True, tags=("x",), idempotency_key="k")
        withdraw(shelf)
        again = {"replace": True, "tags": ("x",)} if call == "save" else {}
        with pytest.raises(PermissionDenied):
            getattr(shelf, call)(idempotency_key="k", **again)

    def test_nor_is_an_id_that_followed_from_the_name(self, shelf):
        shelf.save(voice_id="voice_c", name="C")
        other = {"voice_id": "voice_c", "name": "C#", "is_own_id": False, "idempotency_key": "k"}
        assert shelf.save(**other).voice.voice_id == "voice_c_2"
        withdraw(shelf, "voice_c_2")
        with pytest.raises(PermissionDenied):
            shelf.save(**other)
