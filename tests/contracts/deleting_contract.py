"""What every `Library` and `Upkeep` must do when items are deleted, purged and brought back."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import (
    AUDIO,
    LIMITS,
    NO_LEASE,
    NOON,
    UNDO_FOR,
    LibraryCalls,
    generation,
    voice,
)
from voxshelf.core.account import Account
from voxshelf.core.deletion import Manner
from voxshelf.core.errors import InProgress, NotFound, PermissionDenied
from voxshelf.core.query import ListQuery
from voxshelf.use_cases.deletion_ports import Deletion, ItemKey
from voxshelf.use_cases.ports import Garbage, Receipt

NO_TIME = timedelta(0)


class DeletingContract(LibraryCalls):
    """Deleting, restoring and purging. The fixture `shelf` takes two generations at once."""

    def test_a_deleted_voice_is_gone_at_once_and_its_generations_and_objects_stay(self, shelf, uid):
        mine = voice(profile=None, sample=replace(AUDIO, path=f"voice_samples/{uid}/mine.wav"))
        self._save(shelf, uid, mine)
        self._save(shelf, uid, generation("g1"))
        deletion = self._delete(shelf, uid, "voices", "voice_a")
        assert deletion.object_paths == mine.object_paths
        with pytest.raises(NotFound):
            shelf.voice(uid, "voice_a")
        assert shelf.voices(uid, ListQuery()).total == 0
        assert [g.generation_id for g in shelf.generations(uid, ListQuery()).items] == ["g1"]
        kept = self._account(shelf, uid).kept
        assert (kept.voices, kept.size_bytes) == (0, generation("g1").size_bytes)
        assert set(mine.object_paths) <= shelf.references(uid)
        assert not set(mine.object_paths) & set(shelf.ready_paths())

    def test_deleting_again_changes_nothing_and_answers_the_same(self, shelf, uid):
        self._save(shelf, uid, voice())
        first = self._delete(shelf, uid, "voices", "voice_a")
        assert first.trash.purge_at == first.trash.deleted_at + UNDO_FOR
        again = self._delete(shelf, uid, "voices", "voice_a", undo_for=NO_TIME)
        assert again == first
        assert self._account(shelf, uid).kept == Account().kept

    def test_what_is_not_there_is_in_no_answer(self, shelf, uid):
        self._save(shelf, uid, voice())
        assert self._delete(shelf, uid, "voices", "voice_none") is None
        assert self._delete(shelf, uid, "generations", "voice_a") is None
        assert self._delete(shelf, f"stranger{uid}", "voices", "voice_a") is None
        self._purge(shelf, uid, "voices", "voice_a")
        assert self._delete(shelf, uid, "voices", "voice_a") is None

    def test_a_restored_voice_is_as_it_was(self, shelf, uid):
        self._save(shelf, uid, voice(tags=("warm",)))
        before = self._account(shelf, uid)
        self._delete(shelf, uid, "voices", "voice_a")
        for _ in range(2):
            assert self._restore(shelf, uid, "voices", "voice_a") == "restored"
            assert shelf.voice(uid, "voice_a") == voice(tags=("warm",))
            assert self._account(shelf, uid) == before
        assert self._leftovers(shelf, uid) == []
        assert shelf.voices(uid, ListQuery(filters={"tag": "warm"})).items == (
            voice(tags=("warm",)),
        )
        # Restored once, it can be deleted and restored once more.
        assert self._delete(shelf, uid, "voices", "voice_a").trash.item == voice(tags=("warm",))
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"

    def test_what_never_was_is_anothers_or_is_too_old_is_not_restored(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a", undo_for=NO_TIME)
        assert self._restore(shelf, uid, "voices", "voice_a") == "not_found"
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        self._delete(shelf, uid, "voices", "voice_b")
        assert self._restore(shelf, f"stranger{uid}", "voices", "voice_b") == "not_found"
        assert self._restore(shelf, uid, "generations", "voice_b") == "not_found"
        assert self._restore(shelf, uid, "voices", "voice_none") == "not_found"
        self._reserve_voice(shelf, uid, voice("voice_p"), fingerprint="p")
        assert self._restore(shelf, uid, "voices", "voice_p") == "not_found"
        assert self._account(shelf, uid).kept == Account().kept

    def test_what_has_no_room_is_not_restored_and_what_has_is(self, shelf, uid):
        for number in range(3):
            self._save(shelf, uid, voice(f"voice_{number}"), fingerprint=str(number))
        keys = [ItemKey("voices", f"voice_{number}") for number in range(3)]
        shelf.delete(uid, keys, Manner(UNDO_FOR))
        self._save(shelf, uid, voice("voice_new"), fingerprint="new")
        limits = replace(LIMITS, voices=3)
        assert shelf.restore(uid, [*keys, ItemKey("voices", "voice_new")], limits) == {
            keys[0]: "restored",
            keys[1]: "restored",
            keys[2]: "quota_exceeded",
            ItemKey("voices", "voice_new"): "restored",
        }
        assert self._account(shelf, uid).kept.voices == 3
        assert shelf.restore(uid, keys, LIMITS)[keys[2]] == "restored"

    def test_restores_and_saves_at_once_never_exceed_the_limit(self, shelf, uid):
        limits = replace(LIMITS, voices=4)
        for number in range(4):
            self._save(shelf, uid, voice(f"voice_{number}"), fingerprint=str(number))
        keys = [ItemKey("voices", f"voice_{number}") for number in range(4)]
        shelf.delete(uid, keys, Manner(UNDO_FOR))
        self._save(shelf, uid, voice("voice_new"), fingerprint="new")
        verdicts = []
        threads = [
            threading.Thread(target=lambda k=key: verdicts.extend(
                shelf.restore(uid, [k], limits).values()
            ))
            for key in keys
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(verdicts) == ["quota_exceeded", *["restored"] * 3]
        assert len(shelf.voices(uid, ListQuery()).items) == 4
        assert self._account(shelf, uid).kept.voices == 4

    def test_a_voice_and_its_generations_go_and_come_back_in_one_call(self, shelf, uid):
        self._save(shelf, uid, voice())
        for number in range(3):
            self._save(shelf, uid, generation(f"g{number}"))
        before = self._account(shelf, uid)
        keys = [ItemKey("generations", f"g{number}") for number in range(2)]
        keys += [ItemKey("voices", "voice_a"), ItemKey("generations", "g_none")]
        found = shelf.delete(uid, keys, Manner(UNDO_FOR))
        assert set(found) == set(keys[:3])
        assert self._account(shelf, uid).kept.generations == 1
        assert list(shelf.restore(uid, keys, LIMITS).values()) == [*["restored"] * 3, "not_found"]
        assert shelf.voice(uid, "voice_a").generation_count == 3
        assert self._account(shelf, uid) == before

    def test_a_voice_in_the_trash_goes_on_counting_its_generations(self, shelf, uid):
        self._save(shelf, uid, voice())
        for number in range(3):
            self._save(shelf, uid, generation(f"g{number}"))
        late = self._reserve_generation(shelf, uid, generation("g_late"))
        self._delete(shelf, uid, "generations", "g0")
        self._delete(shelf, uid, "voices", "voice_a")
        self._delete(shelf, uid, "generations", "g1")
        self._restore(shelf, uid, "generations", "g0")
        shelf.confirm(late)
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"
        assert shelf.voice(uid, "voice_a").generation_count == 3
        self._restore(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 4

    def test_a_restored_generation_counts_at_no_voice_that_was_made_anew(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        self._delete(shelf, uid, "generations", "g1")
        self._purge(shelf, uid, "voices", "voice_a")
        later = NOON.replace(year=2027)
        self._save(shelf, uid, voice(saved_at=later), fingerprint="anew")
        assert self._restore(shelf, uid, "generations", "g1") == "restored"
        assert shelf.voice(uid, "voice_a").generation_count == 0
        self._purge(shelf, uid, "voices", "voice_a")
        self._delete(shelf, uid, "generations", "g1")
        assert self._restore(shelf, uid, "generations", "g1") == "restored"
        assert self._account(shelf, uid).kept.generations == 1

    def test_a_dropped_replacement_is_garbage_that_does_not_wait_for_the_purge(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/new.wav"))
        self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        self._delete(shelf, uid, "voices", "voice_a")
        (garbage,) = self._leftovers(shelf, uid)
        assert isinstance(garbage, Garbage)
        assert "voice_samples/u/new.wav" in garbage.object_paths
        assert voice().sample.path not in garbage.object_paths
        shelf.forget(garbage)
        assert self._leftovers(shelf, uid) == []
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"

    def test_garbage_that_comes_back_with_an_item_is_still_found(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/new.wav"))
        self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        self._delete(shelf, uid, "voices", "voice_a")
        self._restore(shelf, uid, "voices", "voice_a")
        (garbage,) = self._leftovers(shelf, uid)
        shelf.forget(garbage)
        assert self._leftovers(shelf, uid) == []

    def test_what_is_due_is_found_and_from_then_on_cannot_be_brought_back(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a", undo_for=NO_TIME)
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        self._delete(shelf, uid, "voices", "voice_b")
        (due,) = self._leftovers(shelf, uid)
        assert (due.item_id, due.trash.purging) == ("voice_a", False)
        (condemned,) = shelf.condemn(due)
        assert set(condemned.object_paths) == set(voice().object_paths)
        (left,) = self._leftovers(shelf, uid)
        assert left.trash.purging
        with pytest.raises(InProgress):
            self._reserve_voice(shelf, uid, voice(), fingerprint="other")
        shelf.forget(condemned)
        assert self._leftovers(shelf, uid) == []
        self._save(shelf, uid, voice(), fingerprint="other")

    def test_what_was_brought_back_or_saved_over_since_it_was_found_is_not_purged(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a", undo_for=NO_TIME)
        (due,) = self._leftovers(shelf, uid)
        self._save(shelf, uid, voice(version=2), fingerprint="over")
        assert list(shelf.condemn(due)) == []
        shelf.forget(due)
        assert shelf.voice(uid, "voice_a").version == 2

    def test_what_is_being_purged_at_once_cannot_be_brought_back(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a")
        deletion = self._delete(shelf, uid, "voices", "voice_a", permanent=True)
        assert deletion.trash.purging
        assert self._restore(shelf, uid, "voices", "voice_a") == "not_found"
        assert self._leftovers(shelf, uid) == [deletion]
        assert self._delete(shelf, uid, "voices", "voice_a") == deletion
        shelf.forget(deletion)
        shelf.forget(deletion)
        assert shelf.references(uid) == frozenset()
        assert self._account(shelf, uid).kept == Account().kept

    def test_a_purge_that_ends_late_leaves_what_is_there_by_then(self, shelf, uid):
        self._save(shelf, uid, voice())
        deletion = self._delete(shelf, uid, "voices", "voice_a", permanent=True)
        shelf.forget(deletion)
        self._save(shelf, uid, voice(), fingerprint="anew")
        shelf.forget(deletion)
        assert shelf.voice(uid, "voice_a") == voice()
        self._delete(shelf, uid, "voices", "voice_a")
        shelf.forget(deletion)
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"

    def test_a_voice_saved_over_a_deleted_one_takes_its_place_for_good(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        self._delete(shelf, uid, "voices", "voice_a")
        slots = []
        over = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/over.wav"))
        receipt = self._save(shelf, uid, over, fingerprint="over", slots=slots)
        assert not slots[-1].fresh
        assert slots[-1].replaces is None
        assert slots[-1].deleted.voice_id == "voice_a"
        assert set(voice().object_paths) <= set(receipt.reservation.leftovers)
        assert shelf.voice(uid, "voice_a") == replace(over, generation_count=1)
        (garbage,) = self._leftovers(shelf, uid)
        assert isinstance(garbage, Garbage)
        shelf.forget(garbage)
        account = self._account(shelf, uid)
        assert (account.kept.voices, account.reserved) == (1, Account().reserved)
        assert self._delete(shelf, uid, "voices", "voice_a").trash.item.version == 2

    def test_an_abandoned_save_over_a_deleted_voice_leaves_that_to_be_brought_back(
        self, shelf, uid
    ):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a")
        receipt = self._reserve_voice(shelf, uid, voice(version=2), fingerprint="over")
        assert self._restore(shelf, uid, "voices", "voice_a") == "in_progress"
        assert set(voice().object_paths) <= shelf.references(uid)
        (left,) = self._leftovers(shelf, uid)
        assert not set(left.reservation.garbage) & set(voice().object_paths)
        shelf.abandon(shelf.seize(left))
        assert self._leftovers(shelf, uid) == []
        assert self._account(shelf, uid).reserved == Account().reserved
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"
        assert shelf.voice(uid, "voice_a") == voice()

    def test_deleting_again_drops_a_save_over_a_deleted_voice(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a")
        over = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/over.wav"))
        receipt = self._reserve_voice(shelf, uid, over, fingerprint="over")
        self._delete(shelf, uid, "voices", "voice_a")
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        assert shelf.seize(receipt) is None
        (garbage,) = self._leftovers(shelf, uid)
        assert "voice_samples/u/over.wav" in garbage.object_paths
        assert self._account(shelf, uid).reserved == Account().reserved
        assert self._restore(shelf, uid, "voices", "voice_a") == "restored"

    def test_a_save_over_a_deleted_voice_is_finished_by_whoever_finds_it(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a")
        self._reserve_voice(shelf, uid, voice(version=2), fingerprint="over")
        (left,) = self._leftovers(shelf, uid)
        shelf.confirm(left)
        assert shelf.voice(uid, "voice_a").version == 2

    def test_what_is_only_being_saved_is_left_with_the_receipt_to_undo_it(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice(), key="k")
        receipt = self._delete(shelf, uid, "voices", "voice_a")
        assert isinstance(receipt, Receipt)
        shelf.abandon(shelf.seize(receipt))
        assert self._delete(shelf, uid, "voices", "voice_a") is None
        assert self._account(shelf, uid).reserved == Account().reserved
        self._save(shelf, uid, voice(), key="k", fingerprint="other")

    def test_a_voice_takes_all_its_generations_along_and_brings_them_back(self, shelf, uid):
        self._stock(shelf, uid, 5)
        before = self._account(shelf, uid)
        self._delete(shelf, uid, "generations", "g0")
        voice_ = self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        assert voice_.trash.taking
        totals = [step.total for step in self._take_all(shelf, uid)]
        assert totals == [2, 4, 4]
        assert [g.generation_id for g in shelf.generations(uid, ListQuery()).items] == ["g_other"]
        assert self._account(shelf, uid).kept.generations == 1
        again = self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        assert (again.trash.taking, again.trash.taken) == (False, 4)
        assert self._leftovers(shelf, uid) == []
        assert self._restore(shelf, uid, "voices", "voice_a") == "with_generations"
        brought = self._bring_all(shelf, uid)
        assert [(one.generations, one.verdict) for one in brought] == [
            (2, "with_generations"),
            (2, "with_generations"),
            (0, "restored"),
        ]
        # The one that was deleted before is no part of it.
        assert shelf.generations(uid, ListQuery()).total == 5
        assert shelf.voice(uid, "voice_a").generation_count == 4
        assert self._restore(shelf, uid, "generations", "g0") == "restored"
        assert self._account(shelf, uid) == before
        assert shelf.voice(uid, "voice_a").generation_count == 5
        assert shelf.bring_generations(uid, "voice_a", LIMITS).verdict == "restored"

    def test_a_voice_brings_back_only_what_went_with_itself(self, shelf, uid):
        self._stock(shelf, uid, 1)
        self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        self._take_all(shelf, uid)
        self._save(shelf, uid, voice(version=2), fingerprint="over")
        self._save(shelf, uid, generation("g_new"))
        self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        self._take_all(shelf, uid)
        self._bring_all(shelf, uid)
        found = {g.generation_id for g in shelf.generations(uid, ListQuery()).items}
        assert found == {"g_new", "g_other"}
        assert self._restore(shelf, uid, "generations", "g0") == "restored"
        assert shelf.voice(uid, "voice_a").generation_count == 2

    def test_a_voice_that_did_not_take_all_of_them_is_found_at_once(self, shelf, uid):
        self._stock(shelf, uid, 3)
        self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        assert not shelf.take_generations(uid, "voice_a").done
        (left,) = self._leftovers(shelf, uid)
        assert left.trash.taking
        with pytest.raises(InProgress):
            self._reserve_voice(shelf, uid, voice(), fingerprint="over")
        self._take_all(shelf, uid)
        assert self._leftovers(shelf, uid) == []
        assert self._restore(shelf, uid, "voices", "voice_a") == "with_generations"

    def test_restoring_ends_the_taking_of_generations(self, shelf, uid):
        self._stock(shelf, uid, 5)
        self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        shelf.take_generations(uid, "voice_a")
        shelf.bring_generations(uid, "voice_a", LIMITS)
        assert shelf.take_generations(uid, "voice_a").done
        self._bring_all(shelf, uid)
        assert shelf.generations(uid, ListQuery()).total == 6
        assert shelf.voice(uid, "voice_a").generation_count == 5
        assert self._leftovers(shelf, uid) == []

    def test_generations_come_back_only_where_there_is_room_for_the_voice_too(self, shelf, uid):
        self._stock(shelf, uid, 2)
        self._delete(shelf, uid, "voices", "voice_a", with_generations=True)
        self._take_all(shelf, uid)
        self._save(shelf, uid, voice("voice_c"), fingerprint="c")
        for full in (replace(LIMITS, voices=2), replace(LIMITS, generations=2)):
            brought = shelf.bring_generations(uid, "voice_a", full)
            assert (brought.generations, brought.verdict) == (0, "quota_exceeded")
        assert shelf.generations(uid, ListQuery()).total == 1
        enough = replace(LIMITS, voices=3, generations=3)
        assert shelf.bring_generations(uid, "voice_a", enough).verdict == "with_generations"
        assert shelf.bring_generations(uid, "voice_a", enough).verdict == "restored"

    def test_a_voice_deleted_for_good_with_its_generations_takes_the_trash_along(self, shelf, uid):
        self._stock(shelf, uid, 3)
        self._delete(shelf, uid, "generations", "g0")
        options = {"with_generations": True, "permanent": True}
        voice_ = self._delete(shelf, uid, "voices", "voice_a", **options)
        assert voice_.trash.taking
        assert voice_.trash.purging
        purged = []
        for _ in range(4):
            step = shelf.take_generations(uid, "voice_a")
            purged += [deletion.item_id for deletion in step.deletions]
            assert all(deletion.trash.purging for deletion in step.deletions)
            shelf.forget(*step.deletions)
        assert step.done
        assert sorted(purged) == ["g0", "g1", "g2"]
        (left,) = self._leftovers(shelf, uid)
        assert (left.trash.purging, left.trash.taking) == (True, False)
        shelf.forget(left)
        assert self._account(shelf, uid).kept.generations == 1

    def test_withdrawn_consent_reaches_a_voice_in_the_trash(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._delete(shelf, uid, "voices", "voice_a")
        options = {"permanent": True, "withdrawn": True}
        deletion = self._delete(shelf, uid, "voices", "voice_a", **options)
        assert self._restore(shelf, uid, "voices", "voice_a") == "not_found"
        shelf.forget(deletion)
        assert self._delete(shelf, uid, "voices", "voice_a") is None
        assert self._restore(shelf, uid, "voices", "voice_a") == "not_found"
        with pytest.raises(PermissionDenied):
            self._reserve_voice(shelf, uid, voice(), fingerprint="other")

    def test_a_restore_and_a_purge_that_meet_leave_one_of_both(self, shelf, uid):
        for number in range(4):
            item_id = f"voice_{number}"
            self._save(shelf, uid, voice(item_id), fingerprint=item_id)
            self._delete(shelf, uid, "voices", item_id)
            acts = [
                lambda i=item_id: self._restore(shelf, uid, "voices", i),
                lambda i=item_id: self._delete(shelf, uid, "voices", i, permanent=True),
            ]
            threads = [threading.Thread(target=act) for act in acts]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        # Restored first, it is deleted as any voice; purged first, it is not there.
        assert shelf.voices(uid, ListQuery()).items == ()
        for left in self._leftovers(shelf, uid):
            assert isinstance(left, Deletion)
            shelf.forget(left)
        assert self._account(shelf, uid).kept == Account().kept

    def _stock(self, shelf, uid, generations):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        for number in range(generations):
            self._save(shelf, uid, generation(f"g{number}"))
        self._save(shelf, uid, generation("g_other", voice_id="voice_b"))

    def _take_all(self, shelf, uid):
        steps = [shelf.take_generations(uid, "voice_a")]
        while not steps[-1].done:
            steps.append(shelf.take_generations(uid, "voice_a"))
        return steps

    def _bring_all(self, shelf, uid):
        steps = [shelf.bring_generations(uid, "voice_a", LIMITS)]
        while steps[-1].verdict == "with_generations":
            steps.append(shelf.bring_generations(uid, "voice_a", LIMITS))
        return steps

    def _restore(self, shelf, uid, kind, item_id):
        key = ItemKey(kind, item_id)
        return shelf.restore(uid, [key], LIMITS)[key]

    def _leftovers(self, shelf, uid):
        return [one for one in shelf.leftovers(NO_LEASE) if one.uid == uid]
