"""Deleting, purging and restoring, and what is left of them when the process dies at any step."""

from contextlib import suppress
from datetime import timedelta

import pytest

from tests.fakes.inline_audio import inspect_audio
from tests.sounds import content, wav
from tests.unit.test_reconcile import Crash, CrashingShelf, found
from tests.unit.test_save_voice import LIMITS
from voxshelf.core.account import Account, Policy
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import InProgress, Internal, NotFound, PermissionDenied, Unavailable
from voxshelf.use_cases.delete_item import delete_item, delete_items
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.restore_items import restore_items
from voxshelf.use_cases.save_voice import save_voice
from voxshelf.use_cases.voice_draft import SaveVoice
from voxshelf.use_cases.withdraw_consent import withdraw_consent

DAY = timedelta(hours=24)
VOICE = ItemKey("voices", "voice_a")
LATER = timedelta(hours=25)


class DeletingShelf(CrashingShelf):
    """A shelf on which generations go with their voice, two at a time."""

    def __init__(self):
        super().__init__()
        self.library.taken_at_once = 2

    def delete(self, *, key=VOICE, steps=None, **options):
        self.steps_left = steps
        try:
            return self.run(delete_item, "ada", key, Manner(DAY, **options))
        finally:
            self.steps_left = None

    def restore(self, *keys, steps=None):
        self.steps_left = steps
        library = self.dying(self.library)
        try:
            return restore_items("ada", keys or [VOICE], library=library, limits=LIMITS)
        finally:
            self.steps_left = None

    def reconcile_dying(self):
        options = {"lease": timedelta(minutes=6)}
        return self.run(reconcile, upkeep=self.dying(self.library), **options)

    def withdraw(self, *, steps=None):
        self.steps_left = steps
        try:
            return self.run(withdraw_consent, "ada", "voice_a", policy=Policy(LIMITS))
        finally:
            self.steps_left = None

    def speak_and_die(self, steps, **fields):
        ports = self.library, self.objects
        self.library, self.objects = self.dying(ports[0]), self.dying(ports[1])
        self.steps_left = steps
        try:
            return self.speak(**fields)
        finally:
            self.library, self.objects = ports
            self.steps_left = None

    def kept(self):
        return self.library.accounts["ada"].kept

    def spoken(self):
        return {
            item_id
            for (_, kind, item_id), record in self.library.records.items()
            if kind == "generations" and record.ready is not None
        }


@pytest.fixture
def shelf():
    return DeletingShelf()


def died(act, **options):
    """Let an act die at a step; tell whether it came to it."""
    try:
        act(**options)
    except Crash:
        return True
    return False


def test_a_deletion_touches_no_object(shelf):
    shelf.save()
    before = set(shelf.objects.stored)
    deleted = shelf.delete()
    assert deleted.restorable_until == shelf.time + DAY
    assert set(shelf.objects.stored) == before
    assert found(shelf.reconcile(later=timedelta(hours=23), deep=True))
    assert set(shelf.objects.stored) == before
    assert shelf.restore()[0].error is None
    shelf.check()


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4])
def test_a_deletion_for_good_that_died_is_finished(shelf, steps):
    shelf.save()
    assert died(shelf.delete, steps=steps, permanent=True) == (steps < 4)
    if steps == 0:
        assert shelf.library.voice("ada", "voice_a")
        return
    with pytest.raises(NotFound):
        shelf.library.voice("ada", "voice_a")
    assert isinstance(shelf.restore()[0].error, NotFound)
    shelf.reconcile()
    assert (shelf.library.records, shelf.objects.stored) == ({}, {})


@pytest.mark.parametrize("steps", range(8))
def test_a_purge_that_died_is_finished_and_cannot_be_stopped(shelf, steps):
    shelf.save()
    shelf.delete()
    shelf.time += LATER
    shelf.steps_left = steps
    died(shelf.reconcile_dying)
    shelf.steps_left = None
    assert isinstance(shelf.restore()[0].error, NotFound)
    shelf.reconcile()
    assert (shelf.library.records, shelf.objects.stored) == ({}, {})


@pytest.mark.parametrize("permanent", [False, True], ids=["to the trash", "for good"])
@pytest.mark.parametrize("again", [False, True], ids=["reconcile", "deleting again"])
@pytest.mark.parametrize("steps", range(1, 14))
def test_a_voice_whose_generations_did_not_all_go_takes_the_rest(shelf, steps, again, permanent):
    shelf.save()
    for _ in range(5):
        shelf.speak()
    options = {"with_generations": True, "permanent": permanent}
    died(shelf.delete, steps=steps, **options)
    if again:
        try:
            deleted = shelf.delete(**options)
        except NotFound:
            # It died after its last step.
            assert permanent
        else:
            assert permanent or deleted.generations == 5
    shelf.reconcile()
    assert shelf.spoken() == set()
    assert shelf.kept().generations == 0
    if permanent:
        assert (shelf.library.records, shelf.objects.stored) == ({}, {})
        return
    shelf.check()
    (restored,) = shelf.restore()
    assert (restored.error, restored.generations) == (None, 5)
    assert shelf.library.voice("ada", "voice_a").generation_count == 5
    shelf.check()
    assert found(shelf.reconcile(later=LATER, deep=True))


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_restoring_that_died_is_finished_by_restoring_again(shelf, steps):
    shelf.save()
    for _ in range(5):
        shelf.speak()
    shelf.delete(with_generations=True)
    died(lambda: shelf.restore(steps=steps))
    shelf.check()
    assert shelf.restore()[0].error is None
    assert len(shelf.spoken()) == 5
    assert shelf.library.voice("ada", "voice_a").generation_count == 5
    assert shelf.kept().generations == 5
    shelf.check()


@pytest.mark.parametrize("steps", range(1, 6))
def test_a_restoring_that_died_and_is_not_repeated_keeps_what_came_back(shelf, steps):
    shelf.save()
    for _ in range(5):
        shelf.speak()
    shelf.delete(with_generations=True)
    died(lambda: shelf.restore(steps=steps))
    came_back = shelf.spoken()
    shelf.reconcile(later=LATER, deep=True)
    assert shelf.spoken() == came_back
    assert shelf.kept().generations == len(came_back)
    shelf.check()
    assert found(shelf.reconcile(deep=True))


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_a_save_over_a_deleted_voice_that_died_leaves_one_of_both(shelf, steps):
    old = shelf.save().voice
    shelf.delete()
    with pytest.raises(Crash):
        shelf.save_and_die(steps, sample=content(wav(2.0)))
    shelf.reconcile()
    shelf.check()
    if steps == 1:
        assert shelf.restore()[0].error is None
        assert shelf.library.voice("ada", "voice_a") == old
    else:
        assert shelf.library.voice("ada", "voice_a").version == 2
    assert shelf.kept().voices == 1
    shelf.check()


def test_a_deleted_voice_is_purged_in_its_time_though_a_save_over_it_died(shelf):
    shelf.save()
    shelf.delete()
    with pytest.raises(Crash):
        shelf.save_and_die(1, sample=content(wav(2.0)))
    assert found(shelf.reconcile(later=LATER), undone=1)
    assert found(shelf.reconcile(), deleted=1)
    assert (shelf.library.records, shelf.objects.stored) == ({}, {})


@pytest.mark.parametrize("steps", [1, 2])
def test_a_save_that_died_can_be_deleted(shelf, steps):
    with pytest.raises(Crash):
        shelf.save_and_die(steps, idempotency_key="k")
    assert shelf.delete().restorable_until is None
    assert (shelf.library.records, shelf.objects.stored) == ({}, {})
    with pytest.raises(NotFound):
        shelf.delete()
    assert not shelf.save(idempotency_key="k").replayed
    shelf.check()


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_the_deletion_of_a_save_that_died_may_die_too(shelf, steps):
    with pytest.raises(Crash):
        shelf.save_and_die(2)
    died(shelf.delete, steps=steps)
    shelf.reconcile()
    shelf.check()
    # Before its objects go it may still be finished: nobody was told that it was deleted.
    assert bool(shelf.library.records) == (steps <= 2)


class Overtaken:
    """A store in whose midst somebody deletes what is being written."""

    def __init__(self, shelf, key, **options):
        self._shelf, self._key, self._options = shelf, key, options

    def __getattr__(self, name):
        return getattr(self._shelf.objects, name)

    def begin(self, objects):
        self._sent = objects
        return self

    def finish(self):
        self._shelf.objects.write(self._sent[:1])
        self._shelf.delete(key=self._key, **self._options)
        self._shelf.objects.write(self._sent)


def save_overtaken(shelf, state, **options):
    """Save over what is in this state, and be overtaken by a deletion."""
    if state != "new":
        shelf.save()
    if state == "deleted":
        shelf.delete()
    with pytest.raises(InProgress):
        save_voice(
            SaveVoice("ada", "voice_a", "A", content(wav(2.0)), replace=True),
            library=shelf.library,
            objects=Overtaken(shelf, VOICE, **options),
            uploads=shelf.uploads,
            inspect_audio=inspect_audio,
            policy=Policy(LIMITS),
        )


@pytest.mark.parametrize("state", ["new", "replaced", "deleted"])
def test_a_save_that_is_deleted_while_it_runs_ends_as_one_that_was_overtaken(shelf, state):
    save_overtaken(shelf, state)
    with pytest.raises(NotFound):
        shelf.library.voice("ada", "voice_a")
    shelf.reconcile()
    shelf.check()
    restored = shelf.restore()[0]
    assert (restored.error is None) == (state != "new")
    shelf.check()


def test_a_save_that_ends_just_before_it_is_undone_is_deleted(shelf):
    with pytest.raises(Crash):
        shelf.save_and_die(2)
    shelf.library.seize = confirming_first(shelf.library)
    deleted = shelf.delete()
    assert deleted.restorable_until is not None
    assert shelf.kept().voices == 0


def confirming_first(library):
    """Return a `seize` that comes just after the save was confirmed."""
    seize = library.seize

    def late(receipt):
        library.confirm(receipt)
        return seize(receipt)

    return late


def test_a_store_that_fails_tells_so_and_deleting_again_finishes(shelf):
    shelf.save()
    shelf.objects.deletes_fail = True
    with pytest.raises(Unavailable):
        shelf.delete(permanent=True)
    shelf.objects.deletes_fail = False
    assert shelf.delete(permanent=True).restorable_until is None
    assert (shelf.library.records, shelf.objects.stored) == ({}, {})


def test_many_are_deleted_in_few_writes(shelf):
    keys = [ItemKey("generations", f"g{number}") for number in range(450)]
    calls = []

    class Counting:
        def delete(self, uid, some, manner):
            calls.append(len(some))
            return {}

    done = delete_items("ada", [*keys, *keys], Manner(DAY), library=Counting(), objects=None)
    assert calls == [200, 200, 50]
    assert [one.key for one in done] == keys


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_withdrawal_that_died_is_finished_and_bars_the_voice(shelf, steps):
    shelf.save()
    shelf.delete()
    died(shelf.withdraw, steps=steps)
    shelf.reconcile()
    assert shelf.objects.stored == {}
    assert [record.withdrawn for record in shelf.library.records.values()] == [True]


def barred(shelf):
    """Assert that the voice is barred, and that nothing else is left of it and of its speech."""
    assert [record.withdrawn for record in shelf.library.records.values()] == [True]
    assert shelf.objects.stored == {}
    account = shelf.library.accounts["ada"]
    assert (account.kept, account.reserved) == (Account().kept, Account().reserved)


@pytest.mark.parametrize("again", [False, True], ids=["reconcile", "withdrawing again"])
@pytest.mark.parametrize("steps", range(10))
@pytest.mark.parametrize("saved", [1, 2], ids=["before the upload", "before the confirmation"])
def test_speech_that_a_withdrawal_met_never_comes_to_be_wherever_both_died(
    shelf, saved, steps, again
):
    shelf.save()
    for key in ("k", None):
        with pytest.raises(Crash):
            shelf.speak_and_die(saved, idempotency_key=key)
    died(shelf.withdraw, steps=steps)
    if steps == 0:
        # Nobody was told anything: the voice is there, and reconcile may finish its speech.
        shelf.withdraw()
    elif again:
        with suppress(NotFound):
            shelf.withdraw()
    else:
        shelf.reconcile()
    assert shelf.spoken() == set()
    shelf.reconcile()
    barred(shelf)
    with pytest.raises(PermissionDenied):
        shelf.speak(idempotency_key="k")


@pytest.mark.parametrize("expired", [False, True], ids=["running", "expired"])
@pytest.mark.parametrize("steps", range(8))
@pytest.mark.parametrize("saved", [1, 2], ids=["before the upload", "before the confirmation"])
def test_a_voice_that_is_only_being_saved_is_barred_wherever_the_withdrawal_died(
    shelf, saved, steps, expired
):
    with pytest.raises(Crash):
        shelf.save_and_die(saved, idempotency_key="k")
    shelf.time += timedelta(hours=1) if expired else timedelta(0)
    died(shelf.withdraw, steps=steps)
    if steps == 0:
        shelf.withdraw()
    with pytest.raises(PermissionDenied):
        shelf.save(idempotency_key="k")
    shelf.reconcile()
    barred(shelf)


def test_speech_that_a_withdrawal_met_is_undone_before_the_answer(shelf):
    shelf.save()
    before = shelf.speak().generation
    for key in ("k", None):
        with pytest.raises(Crash):
            shelf.speak_and_die(2, idempotency_key=key)
    shelf.withdraw()
    assert set(shelf.objects.stored) == set(before.object_paths)
    assert shelf.library.accounts["ada"].reserved == Account().reserved
    assert not any(record.pending for record in shelf.library.records.values())
    assert shelf.library.requests == {}
    assert shelf.library.generation("ada", before.generation_id) == before


def test_a_consent_that_is_withdrawn_is_there_no_more_to_be_withdrawn(shelf):
    shelf.save()
    shelf.withdraw()
    with pytest.raises(NotFound):
        shelf.withdraw()
    barred(shelf)


@pytest.mark.parametrize("state", ["new", "replaced", "deleted"])
def test_a_withdrawal_overtakes_a_save_that_runs(shelf, state):
    save_overtaken(shelf, state, permanent=True, withdrawn=True)
    shelf.reconcile()
    barred(shelf)


def test_a_save_that_a_deletion_ended_can_be_sent_again_at_once_with_its_key(shelf):
    shelf.save()
    with pytest.raises(Crash):
        shelf.save_and_die(2, sample=content(wav(2.0)), replace=True, idempotency_key="k")
    shelf.delete()
    assert not shelf.save(sample=content(wav(2.0)), idempotency_key="k").replayed


class Unreadable:
    """A library in which one document cannot be read."""

    ODD, MISSING = ItemKey("voices", "odd"), ItemKey("voices", "missing")

    def delete(self, uid, keys, manner):
        return {self.ODD: Internal()} if self.ODD in keys else {}

    def restore(self, uid, keys, limits):
        return {key: "unreadable" if key == self.ODD else "not_found" for key in keys}


def test_of_many_one_that_cannot_be_read_fails_by_itself():
    library, keys = Unreadable(), [Unreadable.MISSING, Unreadable.ODD]
    deleted = delete_items("ada", keys, Manner(DAY), library=library, objects=None)
    restored = restore_items("ada", keys, library=library, limits=LIMITS)
    for done in (deleted, restored):
        assert [(one.key, type(one.error)) for one in done] == [
            (Unreadable.MISSING, NotFound),
            (Unreadable.ODD, Internal),
        ]
    with pytest.raises(Internal):
        delete_item("ada", Unreadable.ODD, Manner(DAY), library=library, objects=None)


class TestPatience:
    """Nobody waits for longer than Hosting does; what is left is finished by others."""

    @pytest.fixture
    def shelf(self, shelf):
        shelf.save()
        for _ in range(5):
            shelf.speak()
        return shelf

    @staticmethod
    def delete_impatiently(shelf, **options):
        manner = Manner(DAY, with_generations=True, **options)
        (deleted,) = shelf.run(delete_items, "ada", [VOICE], manner, patience_s=-1)
        return deleted

    @pytest.mark.parametrize("permanent", [False, True], ids=["to the trash", "for good"])
    def test_a_voice_takes_the_rest_of_its_generations_later(self, shelf, permanent):
        deleted = self.delete_impatiently(shelf, permanent=permanent)
        assert (deleted.error, deleted.generations) == (None, 2)
        with pytest.raises(NotFound):
            shelf.library.voice("ada", "voice_a")
        shelf.reconcile()
        assert shelf.spoken() == set()
        assert not permanent or shelf.library.records == {}

    def test_it_comes_back_in_as_many_steps_as_it_takes(self, shelf):
        shelf.delete(with_generations=True)
        brought = 0
        for _ in range(5):
            (restored,) = restore_items(
                "ada", [VOICE], library=shelf.library, limits=LIMITS, patience_s=-1
            )
            brought += restored.generations
            if restored.error is None:
                break
            assert isinstance(restored.error, Unavailable)
        assert (restored.error, brought) == (None, 5)
        shelf.check()

    def test_of_many_what_was_not_begun_is_to_be_sent_again(self):
        keys = [ItemKey("generations", f"g{number}") for number in range(450)]

        class Slow:
            def delete(self, uid, some, manner):
                return {}

        done = delete_items("ada", keys, Manner(DAY), library=Slow(), objects=None, patience_s=-1)
        assert [one.key for one in done] == keys
        assert [type(one.error) for one in done] == [NotFound] * 200 + [Unavailable] * 250
