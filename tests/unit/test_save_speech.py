from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.sounds import content, encoded, tone, wav
from tests.unit.test_save_voice import LIMITS, Shelf
from voxshelf.core.account import Policy
from voxshelf.core.content import Upload
from voxshelf.core.deletion import Manner
from voxshelf.core.edits import GenerationEdit, edited
from voxshelf.core.errors import (
    IdempotencyConflict,
    InProgress,
    InvalidAudio,
    NotFound,
    Unavailable,
)
from voxshelf.http.received import Spool
from voxshelf.use_cases.delete_item import delete_item
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.save_speech import SaveSpeech, save_speech

# Most tests save the same several times, and mean it.
COMMAND = SaveSpeech("ada", "voice_a", content(wav(1.0)), text="Hello.", again=True)


class SpeechShelf(Shelf):
    def speak(self, **fields):
        return save_speech(
            replace(COMMAND, **fields),
            library=self.library,
            objects=self.objects,
            uploads=self.uploads,
            inspect_audio=self.inspect_audio,
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


NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


class TestRepeating:
    """The same bytes, voice and text within 24 hours are one generation."""

    @pytest.fixture
    def shelf(self, shelf):
        self.now = NOON
        shelf.library.now = lambda: self.now
        shelf.save(voice_id="voice_b")
        return shelf

    def speak(self, shelf, **fields):
        return shelf.speak(**{"again": False, **fields})

    def test_the_same_without_a_key_is_the_same_and_says_so(self, shelf):
        first = self.speak(shelf)
        again = self.speak(shelf, tags=("other",), timestamp="20260101_000000")
        assert (first.replayed, again.replayed) == (False, True)
        assert again.generation == first.generation
        assert shelf.library.accounts["ada"].kept.generations == 1
        assert shelf.library.accounts["ada"].saves_today == 2

    @pytest.mark.parametrize(
        "other",
        [
            {"text": "Hello!"},
            {"text": None},
            {"audio": content(wav(1.5))},
            {"voice_id": "voice_b"},
            {"again": True},
            {"idempotency_key": "k"},
            {"runpod_job_id": "r-1"},
        ],
        ids=lambda other: next(iter(other)),
    )
    def test_anything_else_is_another_one(self, shelf, other):
        first = self.speak(shelf)
        second = self.speak(shelf, **other)
        assert not second.replayed
        assert second.generation.generation_id != first.generation.generation_id

    def test_after_a_day_it_is_another_one(self, shelf):
        first = self.speak(shelf)
        self.now += timedelta(hours=23, minutes=59)
        assert self.speak(shelf).generation == first.generation
        self.now += timedelta(minutes=2)
        later = self.speak(shelf)
        assert not later.replayed
        # The day begins anew with what was saved then.
        assert self.speak(shelf).generation == later.generation

    def test_one_that_was_deleted_is_saved_again(self, shelf):
        first = self.speak(shelf).generation
        key = ItemKey("generations", first.generation_id)
        delete_item(
            "ada", key, Manner(timedelta(days=1)), library=shelf.library, objects=shelf.objects
        )
        again = self.speak(shelf)
        assert not again.replayed
        assert again.generation.generation_id != first.generation_id
        assert self.speak(shelf).generation == again.generation

    def test_an_edit_since_is_in_the_answer(self, shelf):
        first = self.speak(shelf).generation
        edit = GenerationEdit(tags=("kept",))
        shelf.library.edit(
            "ada", "generations", first.generation_id, lambda item, now: edited(item, edit, now)
        )
        assert self.speak(shelf).generation.tags == ("kept",)

    def test_of_a_voice_that_is_gone_nothing_is_told(self, shelf):
        self.speak(shelf)
        key = ItemKey("voices", "voice_a")
        delete_item(
            "ada", key, Manner(timedelta(days=1)), library=shelf.library, objects=shelf.objects
        )
        with pytest.raises(NotFound):
            self.speak(shelf)

    def test_an_upload_is_known_by_its_bytes(self, shelf):
        first = self.speak(shelf)
        for name in ("a.wav", "b.wav"):
            shelf.objects.plant(f"uploads/ada/{name}", wav(1.0))
            with Spool() as spool:
                again = self.speak(
                    shelf, audio=Upload(f"uploads/ada/{name}", lambda _, one=spool: one)
                )
            assert again.replayed
            assert again.generation == first.generation

    def test_while_the_first_is_being_saved_the_second_waits(self, shelf):
        shelf.objects.failing_paths = {"tts_generations"}
        with pytest.raises(Unavailable):
            self.speak(shelf)
        shelf.objects.failing_paths = set()
        assert not self.speak(shelf).replayed
        record = next(iter(shelf.library.requests))
        shelf.library.requests[record] = replace(shelf.library.requests[record], item=None)
        with pytest.raises(InProgress):
            self.speak(shelf)
        self.now += timedelta(minutes=7)
        assert not self.speak(shelf).replayed

    def test_another_result_under_the_number_of_a_job_is_saved_too(self, shelf):
        first = self.speak(shelf, runpod_job_id="1")
        again = self.speak(shelf, runpod_job_id="1")
        assert again.generation == first.generation
        other = self.speak(shelf, runpod_job_id="1", audio=content(wav(1.5)))
        assert not other.replayed
        assert other.generation.runpod_job_id == "1"
        assert other.generation.generation_id != first.generation.generation_id
        repeated = self.speak(shelf, runpod_job_id="1", audio=content(wav(1.5)))
        assert (repeated.replayed, repeated.generation) == (True, other.generation)

    def test_line_breaks_of_a_form_make_no_other_text(self, shelf):
        first = self.speak(shelf, text="a\nb")
        assert self.speak(shelf, text="a\r\nb").generation == first.generation
