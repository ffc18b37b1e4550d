import pytest

from tests.fakes.inline_audio import inspect_audio
from tests.fakes.memory_library import MemoryLibrary
from tests.fakes.memory_objects import MemoryObjects
from tests.fakes.memory_uploads import MemoryUploads
from tests.sounds import content, encoded, npy, tone, wav
from voxshelf.core.account import Account, Limits, Policy
from voxshelf.core.errors import (
    InvalidAudio,
    InvalidProfile,
    NotFound,
    QuotaExceeded,
    Unavailable,
    VoiceExists,
)
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.voice_draft import SaveVoice

LIMITS = Limits(voices=5, generations=5, size_bytes=10**8, saves_per_day=100)


class Shelf:
    """The use case with its fakes."""

    def __init__(self):
        self.library, self.objects = MemoryLibrary(), MemoryObjects()
        self.uploads, self.inspect_audio = MemoryUploads(), inspect_audio

    def save(self, *, limits=LIMITS, **fields):
        command = SaveVoice(
            **{
                "uid": "ada",
                "voice_id": "voice_a",
                "name": fields.get("voice_id", "voice_a").removeprefix("voice_").upper(),
                "is_own_id": True,
                "sample": content(wav(1.0)),
                "profile": content(npy()),
                **fields,
            }
        )
        return save_voice(
            command,
            library=self.library,
            objects=self.objects,
            uploads=self.uploads,
            inspect_audio=self.inspect_audio,
            policy=Policy(limits),
        )


@pytest.fixture
def shelf():
    return Shelf()


def test_a_saved_voice_is_listed_with_its_objects(shelf):
    saved = shelf.save()
    assert shelf.library.voice("ada", "voice_a") == saved.voice
    assert set(shelf.objects.stored) == set(saved.voice.object_paths)
    sample, data = shelf.objects.stored[saved.voice.sample.path]
    assert data == wav(1.0)
    assert sample.content_type == "audio/wav"
    assert sample.disposition.startswith('inline; filename="')
    profile, data = shelf.objects.stored[saved.voice.profile.path]
    assert data == npy()
    assert profile.disposition.startswith('attachment; filename="')
    assert profile.token != sample.token


def test_a_voice_needs_no_profile(shelf):
    assert shelf.save(profile=None).voice.profile is None


def test_a_pickled_profile_is_kept_and_not_trusted(shelf):
    import numpy as np

    profile = shelf.save(profile=content(npy(np.array([{"a": 1}], dtype=object)))).voice.profile
    assert (profile.pickled, profile.trusted) == (True, False)


@pytest.mark.parametrize("failing", ["voice_samples", "voice_profiles"])
def test_a_failed_upload_leaves_nothing_and_may_be_tried_again(shelf, failing):
    shelf.objects.failing_paths = {failing}
    with pytest.raises(Unavailable):
        shelf.save(idempotency_key="k")
    assert shelf.objects.stored == {}
    assert shelf.library.records == {}
    assert shelf.library.accounts["ada"].reserved == Account().reserved
    shelf.objects.failing_paths = set()
    assert shelf.save(idempotency_key="k").replayed is False


def test_when_the_last_write_fails_the_place_is_free_for_a_retry_at_once(shelf, monkeypatch):
    def unavailable(receipt):
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(shelf.library, "confirm", unavailable)
        with pytest.raises(Unavailable):
            shelf.save(idempotency_key="k")
    assert shelf.objects.stored == {}
    assert not shelf.save(idempotency_key="k").replayed


def test_when_undoing_fails_too_the_first_failure_is_told_and_the_note_stays(shelf):
    shelf.objects.failing_paths = {"voice_profiles"}
    shelf.objects.deletes_fail = True
    with pytest.raises(Unavailable):
        shelf.save()
    record = shelf.library.records["ada", "voices", "voice_a"]
    assert set(record.pending.item.object_paths) >= set(shelf.objects.stored)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"sample": content(b"RIFF0000WAVE")}, InvalidAudio),
        ({"sample": content(encoded(tone(1.0) * 0))}, InvalidAudio),
        ({"profile": content(b"not numpy")}, InvalidProfile),
    ],
)
def test_bad_input_touches_nothing(shelf, fields, error):
    with pytest.raises(error):
        shelf.save(**fields)
    assert shelf.library.records == {}
    assert shelf.objects.stored == {}


def test_the_same_save_again_is_the_same_voice(shelf):
    first = shelf.save()
    again = shelf.save()
    assert again.replayed
    assert again.voice == first.voice
    assert len(shelf.objects.stored) == 2


def test_other_content_under_the_same_id_is_refused(shelf):
    shelf.save()
    with pytest.raises(VoiceExists):
        shelf.save(sample=content(wav(2.0)))


def test_a_replacement_takes_the_place_and_the_old_objects_go(shelf):
    old = shelf.save().voice
    new = shelf.save(sample=content(wav(2.0)), replace=True).voice
    assert (new.version, new.created_at) == (2, old.created_at)
    assert set(shelf.objects.stored) == set(new.object_paths)
    assert not set(new.object_paths) & set(old.object_paths)


def test_a_full_library_refuses_before_anything_is_stored(shelf):
    shelf.save()
    limits = Limits(voices=1, generations=1, size_bytes=10**8, saves_per_day=100)
    with pytest.raises(QuotaExceeded) as refused:
        shelf.save(voice_id="voice_b", limits=limits)
    assert refused.value.details == {"limit": "voices", "max": 1}
    with pytest.raises(NotFound):
        shelf.library.voice("ada", "voice_b")
    assert len(shelf.objects.stored) == 2


def test_too_many_saves_on_one_day_say_when_to_come_again(shelf):
    limits = Limits(voices=9, generations=9, size_bytes=10**8, saves_per_day=1)
    shelf.save(limits=limits)
    with pytest.raises(QuotaExceeded) as refused:
        shelf.save(voice_id="voice_b", limits=limits)
    assert 0 < refused.value.retry_after_s <= 86_401
