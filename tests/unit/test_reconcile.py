import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.memory_uploads import MemoryUploads
from tests.sounds import content, wav
from tests.unit.test_save_speech import SpeechShelf
from tests.unit.test_save_voice import LIMITS
from voxshelf.core.account import Account, Policy
from voxshelf.core.errors import InProgress
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.save_voice import save_voice

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Crash(BaseException):
    """The process died here: nothing after it is executed, not even undoing."""


class CrashingShelf(SpeechShelf):
    """The use cases with a switch that kills the process before the n-th step outside it."""

    def __init__(self):
        super().__init__()
        self.steps_left = None
        self.time = NOW
        self.library.now = lambda: self.time

    def dying(self, port):
        shelf = self

        class Dying:
            def __getattr__(self, name):
                method = getattr(port, name)
                if name in {"look", "cancel"}:
                    return method  # they change nothing, so dying before them is dying at once
                if name == "begin":
                    return lambda objects: shelf.dying(method(objects))

                def call(*arguments, **options):
                    if shelf.steps_left is not None:
                        if shelf.steps_left == 0:
                            raise Crash
                        shelf.steps_left -= 1
                    return method(*arguments, **options)

                return call

        return Dying()

    def run(self, use_case, *arguments, **options):
        library, objects = self.dying(self.library), self.dying(self.objects)
        return use_case(*arguments, library=library, objects=objects, **options)

    def save_and_die(self, steps, **fields):
        self.steps_left = steps
        ports = self.library, self.objects
        self.library, self.objects = self.dying(ports[0]), self.dying(ports[1])
        try:
            return self.save(**fields)
        finally:
            self.library, self.objects = ports
            self.steps_left = None

    def reconcile(self, *, later=timedelta(hours=1), **options):
        self.time += later
        return reconcile(
            library=self.library,
            upkeep=self.library,
            objects=self.objects,
            lease=timedelta(minutes=6),
            now=self.time,
            **options,
        ).counts()

    def check(self):
        """Assert that documents and objects match, and that nothing is reserved."""
        referenced = set(self.library.ready_paths())
        for record in self.library.records.values():
            if record.trash is not None:
                assert not record.trash.is_busy
                referenced |= set(record.trash.item.object_paths)
        assert set(self.objects.stored) == referenced
        assert all(record.pending is None for record in self.library.records.values())
        for account in self.library.accounts.values():
            assert account.reserved == Account().reserved


@pytest.fixture
def shelf():
    return CrashingShelf()


def found(counts, **expected):
    return {name: count for name, count in counts.items() if count} == expected


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [(1, {"undone": 1}), (2, {"finished": 1})],
    ids=["before the upload", "before the confirmation"],
)
def test_a_save_that_died_is_finished_when_its_objects_are_there_and_else_undone(
    shelf, steps, outcome
):
    with pytest.raises(Crash):
        shelf.save_and_die(steps, idempotency_key="k")
    assert found(shelf.reconcile(later=timedelta(seconds=1)))
    assert found(shelf.reconcile(), **outcome)
    shelf.check()
    retried = shelf.save(idempotency_key="k")
    assert retried.replayed == ("finished" in outcome)
    assert shelf.library.accounts["ada"].kept.voices == 1
    shelf.check()


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_replacement_that_died_leaves_one_whole_version(shelf, steps):
    old = shelf.save().voice
    with pytest.raises(Crash):
        shelf.save_and_die(steps, sample=content(wav(2.0)), replace=True)
    assert shelf.library.voice("ada", "voice_a").version == (1 if steps < 3 else 2)
    shelf.reconcile()
    voice = shelf.library.voice("ada", "voice_a")
    assert voice == old or voice.version == 2
    assert shelf.library.accounts["ada"].kept.size_bytes == voice.size_bytes
    shelf.check()


@pytest.mark.parametrize("steps", range(1, 8))
def test_reconcile_itself_may_die_and_be_run_again(shelf, steps):
    with pytest.raises(Crash):
        shelf.save_and_die(1)
    with pytest.raises(Crash):
        shelf.save_and_die(2, voice_id="voice_b")
    shelf.time += timedelta(hours=1)
    shelf.steps_left = steps
    options = {"lease": timedelta(minutes=6), "now": shelf.time}
    with contextlib.suppress(Crash):
        shelf.run(reconcile, upkeep=shelf.library, **options)
    shelf.steps_left = None
    shelf.reconcile()
    shelf.check()
    assert found(shelf.reconcile(deep=True))


def test_running_it_twice_finds_nothing_more(shelf):
    with pytest.raises(Crash):
        shelf.save_and_die(1)
    shelf.reconcile()
    assert found(shelf.reconcile(deep=True))


def test_a_save_that_is_only_slow_cannot_be_confirmed_once_it_was_undone(shelf):
    class Slow:
        """The store of a save that outlives its lease: reconcile runs in its midst."""

        def __getattr__(self, name):
            return getattr(shelf.objects, name)

        def begin(self, objects):
            self.sent = objects
            return self

        def finish(self):
            shelf.objects.write(self.sent[:1])
            assert found(shelf.reconcile(), undone=1)
            shelf.objects.write(self.sent)

    library, objects = shelf.library, shelf.objects
    command = {"inspect_audio": _inspect(), "policy": Policy(LIMITS)}
    with pytest.raises(InProgress):
        save_voice(_command(), library=library, objects=Slow(), uploads=MemoryUploads(), **command)
    assert objects.stored == {}
    assert library.records == {}


def test_old_uploads_are_removed_and_young_ones_left(shelf):
    shelf.objects.plant("uploads/ada/old.wav", b"x", NOW - timedelta(days=2))
    shelf.objects.plant("uploads/ada/new.wav", b"x", NOW)
    assert found(shelf.reconcile(), uploads=1)
    assert set(shelf.objects.stored) == {"uploads/ada/new.wav"}


def test_the_deep_comparison_finds_orphans_in_both_directions_and_nothing_else(shelf):
    for number in range(8):
        shelf.save(voice_id=f"voice_{number}", limits=_many())
    with pytest.raises(Crash):
        shelf.save_and_die(2, voice_id="voice_slow", limits=_many())
    for number in range(5):
        shelf.objects.plant(f"voice_samples/ada/orphan_{number}.wav", b"x")
        del shelf.objects.stored[shelf.library.voice("ada", f"voice_{number}").sample.path]
    shelf.objects.plant("tts_generations/stranger/orphan.wav", b"x")
    before = set(shelf.objects.stored)
    counts = shelf.reconcile(deep=True, later=timedelta(0))
    assert found(counts, orphans=6, missing=5)
    gone = before - set(shelf.objects.stored)
    assert all("orphan" in path for path in gone)
    assert len(gone) == 6


def test_a_store_that_fails_is_counted_and_the_note_stays(shelf):
    with pytest.raises(Crash):
        shelf.save_and_die(1)
    shelf.objects.deletes_fail = True
    shelf.reconcile()
    shelf.objects.deletes_fail = False
    assert shelf.library.records
    shelf.reconcile()
    shelf.check()


def test_a_key_whose_save_died_is_taken_over_by_a_retry(shelf):
    shelf.save()
    dead = CrashingSpeech(shelf)
    dead.die(idempotency_key="k")
    with pytest.raises(InProgress):
        shelf.speak(idempotency_key="k")
    shelf.time += timedelta(hours=1)
    first = shelf.speak(idempotency_key="k")
    assert not first.replayed
    assert found(shelf.reconcile(), undone=1)
    again = shelf.speak(idempotency_key="k")
    assert (again.replayed, again.generation) == (True, first.generation)
    assert shelf.library.accounts["ada"].kept.generations == 1
    shelf.check()


class CrashingSpeech:
    """A speech save that dies before its confirmation."""

    def __init__(self, shelf):
        self.shelf = shelf

    def die(self, **fields):
        shelf = self.shelf
        shelf.steps_left = 2
        ports = shelf.library, shelf.objects
        shelf.library, shelf.objects = shelf.dying(ports[0]), shelf.dying(ports[1])
        with pytest.raises(Crash):
            shelf.speak(**fields)
        shelf.library, shelf.objects = ports
        shelf.steps_left = None


def _inspect():
    from tests.fakes.inline_audio import inspect_audio

    return inspect_audio


def _command():
    from tests.sounds import npy
    from voxshelf.use_cases.voice_draft import SaveVoice

    return SaveVoice(
        uid="ada",
        voice_id="voice_a",
        name="A",
        sample=content(wav(1.0)),
        profile=content(npy()),
    )


def _many():
    from dataclasses import replace

    return replace(LIMITS, voices=50)
