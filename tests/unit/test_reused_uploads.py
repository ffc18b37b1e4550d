"""An upload path is not its bytes: what is saved, replayed and removed goes by the bytes."""

import random

import pytest

from tests.sounds import content, wav
from tests.unit.test_save_speech import SpeechShelf
from voxshelf.core.content import Upload
from voxshelf.core.errors import IdempotencyConflict, NotFound, VoxshelfError
from voxshelf.core.importing import Origin
from voxshelf.http.received import spool_in
from voxshelf.http.resources import Resources
from voxshelf.use_cases.budget import Budget

PATH = "uploads/ada/upload_0"
A, B, LONGER = wav(1.0, seed=1), wav(1.0, seed=2), wav(2.0, seed=3)


class UploadShelf(SpeechShelf):
    def upload(self, data, path=PATH):
        self.objects.plant(path, data)

    def save_uploaded(self, path=PATH, **fields):
        with Resources(Budget(10**9)) as resources:
            sample = Upload(path, lambda size_bytes: spool_in(resources, size_bytes))
            return self.save(sample=sample, profile=None, **fields)

    def speak_uploaded(self, path=PATH, **fields):
        with Resources(Budget(10**9)) as resources:
            audio = Upload(path, lambda size_bytes: spool_in(resources, size_bytes))
            return self.speak(**{"audio": audio, "again": False, **fields})

    def bytes_of(self, item):
        return self.objects.stored[item.object_paths[0]][1]


@pytest.fixture
def shelf():
    return UploadShelf()


def test_other_bytes_at_a_used_path_make_a_new_version(shelf):
    shelf.upload(A)
    shelf.save_uploaded()
    shelf.upload(B)
    saved = shelf.save_uploaded(replace=True)
    assert (saved.replayed, saved.voice.version) == (False, 2)
    assert shelf.bytes_of(saved.voice) == B
    assert PATH not in shelf.objects.stored


@pytest.mark.parametrize(
    ("save", "fields"),
    [
        (UploadShelf.save_uploaded, {"voice_id": "voice_b"}),
        (UploadShelf.speak_uploaded, {"voice_id": "voice_a"}),
    ],
    ids=["voice", "speech"],
)
def test_other_bytes_at_a_used_path_under_one_key_are_a_conflict_and_stay(shelf, save, fields):
    shelf.save(voice_id="voice_a")
    shelf.upload(A)
    save(shelf, idempotency_key="k", **fields)
    shelf.upload(B)
    with pytest.raises(IdempotencyConflict):
        save(shelf, idempotency_key="k", **fields)
    assert shelf.objects.stored[PATH][1] == B


@pytest.mark.parametrize("key", ["k", None])
def test_a_retry_after_the_upload_went_is_told_what_was_saved(shelf, key):
    shelf.upload(A)
    first = shelf.save_uploaded(idempotency_key=key)
    again = shelf.save_uploaded(idempotency_key=key)
    assert (again.replayed, again.voice) == (True, first.voice)


@pytest.mark.parametrize("key", ["k", None])
def test_speech_is_told_again_after_its_upload_went(shelf, key):
    shelf.save()
    shelf.upload(A)
    first = shelf.speak_uploaded(idempotency_key=key)
    again = shelf.speak_uploaded(idempotency_key=key)
    assert (again.replayed, again.generation) == (True, first.generation)


def test_an_upload_that_went_cannot_be_saved_as_something_else(shelf):
    shelf.save()
    shelf.upload(A)
    shelf.speak_uploaded()
    with pytest.raises(NotFound):
        shelf.speak_uploaded(text="Other words.")


def test_the_same_bytes_again_are_removed_once_the_library_has_them(shelf):
    shelf.upload(A)
    shelf.save_uploaded()
    shelf.upload(A, "uploads/ada/upload_1")
    assert shelf.save_uploaded("uploads/ada/upload_1").replayed
    assert not any(path.startswith("uploads/") for path in shelf.objects.stored)


def test_the_first_answer_to_a_key_removes_nothing_that_was_deleted_since(shelf):
    shelf.upload(A)
    shelf.save_uploaded(idempotency_key="k")
    shelf.library.records.clear()
    shelf.upload(A, PATH)
    assert shelf.save_uploaded(idempotency_key="k").replayed
    assert shelf.objects.stored[PATH][1] == A


def test_what_came_to_the_path_while_its_save_ended_stays(shelf):
    shelf.upload(A)
    take = shelf.uploads.take

    def taken_late(*arguments):
        shelf.upload(B)
        take(*arguments)

    shelf.uploads.take = taken_late
    shelf.save_uploaded()
    assert shelf.objects.stored[PATH][1] == B


def test_an_upload_is_fetched_once_although_its_job_has_another_result(shelf):
    shelf.save()
    shelf.speak(audio=content(A), runpod_job_id="job-1")
    shelf.upload(B)
    fetched = []
    download = shelf.objects.download
    shelf.objects.download = lambda *args: (fetched.append(args), download(*args))
    saved = shelf.speak_uploaded(runpod_job_id="job-1")
    assert (saved.replayed, shelf.bytes_of(saved.generation)) == (False, B)
    assert len(fetched) == 1
    assert PATH not in shelf.objects.stored


@pytest.mark.parametrize("key", ["k", None])
@pytest.mark.parametrize(
    ("save", "fields"),
    [
        (UploadShelf.save_uploaded, {"voice_id": "voice_b"}),
        (UploadShelf.speak_uploaded, {"voice_id": "voice_a"}),
    ],
    ids=["voice", "speech"],
)
def test_the_second_of_two_clicks_is_told_what_the_first_has_saved(shelf, save, fields, key):
    shelf.save(voice_id="voice_a")
    shelf.upload(A)
    download = shelf.objects.download

    def after_the_first(*arguments):
        shelf.objects.download = download
        save(shelf, idempotency_key=key, **fields)
        download(*arguments)

    shelf.objects.download = after_the_first
    assert save(shelf, idempotency_key=key, **fields).replayed


def test_what_came_to_the_path_after_the_look_is_looked_at_anew(shelf):
    shelf.upload(A)
    download = shelf.objects.download

    def exchanged(*arguments):
        shelf.objects.download = download
        shelf.upload(LONGER)
        download(*arguments)

    shelf.objects.download = exchanged
    assert shelf.bytes_of(shelf.save_uploaded().voice) == LONGER


def test_speech_that_lies_under_the_id_of_other_speech_is_no_answer_to_that(shelf):
    shelf.save()
    shelf.upload(A)
    first = shelf.speak_uploaded().generation
    del shelf.library.records["ada", "generations", first.generation_id]
    origin = Origin(first.created_at, favorite=False, generation_id=first.generation_id)
    shelf.speak(audio=content(B), again=False, origin=origin)
    shelf.upload(A)
    again = shelf.speak_uploaded()
    assert (again.replayed, shelf.bytes_of(again.generation)) == (False, A)


class Died(Exception):
    """The process died at this step."""


def dying(port, die_at):
    """Let a port's n-th call from now on be the process's last."""
    calls = iter(range(10_000))

    class Dying:
        def __getattr__(self, name):
            method = getattr(port, name)

            def call(*arguments, **options):
                if next(calls) == die_at:
                    raise Died
                return method(*arguments, **options)

            return call if callable(method) else method

    return Dying()


def test_in_500_random_sequences_no_bytes_are_lost():
    """Upload, save, replace, retry, fail and die, over few paths, keys and voices.

    What goes from its path is in the library at that moment; and what a save has answered, unless
    it tells of a save before, is what lay at the path.
    """
    for seed in range(500):
        sequence = Sequence(seed)
        for _ in range(8):
            sequence.step()


class Sequence:
    def __init__(self, seed):
        self.random, self.shelf = random.Random(seed), UploadShelf()
        self.sounds = [wav(0.6, seed=number) for number in range(3)]

    def step(self):
        chance, shelf = self.random, self.shelf
        path = f"uploads/ada/upload_{chance.randrange(2)}"
        before = shelf.objects.stored.get(path)
        if before is None or chance.random() < 0.1:
            shelf.upload(chance.choice(self.sounds), path)
            return
        saved = self.save(path)
        if saved is not None and not saved.replayed:
            assert shelf.bytes_of(saved.voice) == before[1]
        if path not in shelf.objects.stored:
            ready = [record.ready for record in shelf.library.records.values() if record.ready]
            assert before[1] in [shelf.bytes_of(voice) for voice in ready]

    def save(self, path):
        chance, shelf = self.random, self.shelf
        objects, uploads = shelf.objects, shelf.uploads
        objects.failing_paths = {"voice_samples"} if chance.random() < 0.1 else set()
        if chance.random() < 0.3:
            shelf.objects = dying(objects, chance.randrange(6))
            shelf.uploads = dying(uploads, chance.randrange(3))
        try:
            return shelf.save_uploaded(
                path,
                voice_id=f"voice_{chance.choice('ab')}",
                replace=chance.random() < 0.5,
                idempotency_key=chance.choice([None, None, "k", "l"]),
            )
        except (VoxshelfError, Died):
            return None
        finally:
            shelf.objects, shelf.uploads = objects, uploads
