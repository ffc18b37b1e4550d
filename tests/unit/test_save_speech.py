from dataclasses import replace
from datetime import timedelta

import pytest

from tests.sounds import content, encoded, tone, wav
from tests.unit.test_save_voice import LIMITS, Shelf
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.account import Policy
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import IdempotencyConflict, InvalidAudio, NotFound
from voxshelf.use_cases.delete_item import delete_item
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech

COMMAND = SaveSpeech(uid="ada", voice_id="voice_a", audio=content(wav(1.0)), text="Hello.")


class SpeechShelf(Shelf):
    def speak(self, **fields):
        return save_speech(
            replace(COMMAND, **fields),
            library=self.library,
            objects=self.objects,
            inspect_audio=inspect_audio,
            policy=Policy(LIMITS),
        )


@pytest.fixture
def shelf():
    shelf = SpeechShelf()
    shelf.save(language="de")
    return shelf


def test_a_saved_speech_is_listed_with_its_voice(shelf):
    generation = shelf.speak().generation
    assert shelf.library.generation("ada", generation.generation_id) == generation
    assert (generation.voice_name, generation.language) == ("A", "de")
    assert shelf.objects.stored[generation.audio.path][1] == wav(1.0)
    assert generation.audio.path == f"tts_generations/ada/{generation.generation_id}.wav"


def test_the_whole_text_is_kept(shelf):
    text = "Ünïcode 音声 \n" * 4000
    assert shelf.speak(text=text).generation.text == text


def test_a_missing_voice_is_not_found_and_nothing_is_stored(shelf):
    before = set(shelf.objects.stored)
    with pytest.raises(NotFound):
        shelf.speak(voice_id="voice_b")
    assert set(shelf.objects.stored) == before


def test_two_speeches_within_a_second_have_names_of_their_own(shelf):
    ids = {shelf.speak().generation.generation_id for _ in range(3)}
    assert len(ids) == 3


def test_a_key_gives_the_first_answer_again(shelf):
    first = shelf.speak(idempotency_key="k")
    again = shelf.speak(idempotency_key="k")
    assert (again.replayed, again.generation) == (True, first.generation)


def test_a_key_with_other_content_is_a_conflict(shelf):
    shelf.speak(idempotency_key="k")
    with pytest.raises(IdempotencyConflict):
        shelf.speak(idempotency_key="k", text="Something else.")


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ({"declared_rate_hz": 24_000, "declared_shape": (1, 24_000)}, ()),
        ({"declared_shape": (24_000,)}, ()),
        ({"declared_shape": (24_000, 1)}, ()),
        ({"declared_rate_hz": 22_050}, ("sample_rate",)),
        ({"declared_rate_hz": 1, "declared_shape": (2, 5)}, ("sample_rate", "audio_shape")),
    ],
)
def test_what_the_worker_declared_otherwise_is_named_and_the_audio_wins(shelf, declared, expected):
    saved = shelf.speak(**declared)
    assert saved.mismatches == expected
    assert saved.generation.audio.sample_rate_hz == 24_000


def test_speech_may_be_shorter_than_a_sample_but_not_nothing(shelf):
    assert shelf.speak(audio=content(wav(0.2))).generation.audio.duration_s == 0.2
    with pytest.raises(InvalidAudio):
        shelf.speak(audio=content(encoded(tone(0.05))))


def test_a_job_has_one_result_whoever_saves_it(shelf):
    first = shelf.speak(runpod_job_id="job-1")
    again = shelf.speak(runpod_job_id="job-1", text="Said otherwise.")
    assert (again.replayed, again.generation) == (True, first.generation)
    assert not shelf.speak(runpod_job_id="job-2").replayed


def test_a_result_that_was_deleted_does_not_come_back_by_itself(shelf):
    saved = shelf.speak(runpod_job_id="job-1").generation
    key = ItemKey("generations", saved.generation_id)
    manner = Manner(undo_for=timedelta(days=1))
    delete_item("ada", key, manner, library=shelf.library, objects=shelf.objects)
    with pytest.raises(NotFound):
        shelf.speak(runpod_job_id="job-1")
