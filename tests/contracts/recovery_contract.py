"""What every `Library` and `Upkeep` must do when saves do not end, or meet deletions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import AUDIO, NO_LEASE, NOON, LibraryCalls, generation, voice
from voxshelf.core.account import Account
from voxshelf.core.errors import InProgress
from voxshelf.core.query import ListQuery
from voxshelf.core.reservation import Replay
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.ports import Garbage, Receipt


class RecoveryContract(LibraryCalls):
    """Taking over, and finding what is left."""

    def test_a_deleted_generation_counts_no_more(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0
        account = self._account(shelf, uid)
        assert (account.kept.generations, account.kept.size_bytes) == (0, voice().size_bytes)

    def test_old_speech_does_not_count_at_a_voice_that_was_made_anew(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "voices", "voice_a")
        later = NOON.replace(year=2027)
        self._save(shelf, uid, voice(saved_at=later), fingerprint="anew")
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0

    def test_speech_that_is_saved_during_a_replacement_hinders_it_not(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, name="Newer")
        receipt = self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        self._save(shelf, uid, generation("g1"))
        shelf.confirm(receipt)
        assert shelf.voice(uid, "voice_a") == replace(newer, generation_count=1)

    def test_an_undoing_that_stopped_half_way_is_found_and_can_only_be_undone(self, shelf, uid):
        receipt = self._reserve_voice(shelf, uid, voice(), key="k")
        shelf.seize(receipt)
        (left,) = self._leftovers(shelf, uid)
        with pytest.raises(InProgress):
            shelf.confirm(left)
        shelf.abandon(shelf.seize(left))
        assert self._leftovers(shelf, uid) == []
        assert self._account(shelf, uid).reserved == Account().reserved

    def test_a_voice_deleted_while_it_is_replaced_stays_deleted(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/new.wav"))
        receipt = self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        deletion = self._delete(shelf, uid, "voices", "voice_a")
        assert set(deletion.object_paths) >= {"voice_samples/u/new.wav"}
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        assert shelf.seize(receipt) is None
        assert self._account(shelf, uid).reserved == Account().reserved

    def test_a_generation_whose_voice_went_meanwhile_is_saved_all_the_same(self, shelf, uid):
        self._save(shelf, uid, voice())
        receipt = self._reserve_generation(shelf, uid, generation("g1"), key="k")
        self._purge(shelf, uid, "voices", "voice_a")
        shelf.confirm(receipt)
        assert shelf.generation(uid, "g1") == generation("g1")

    def test_whoever_held_a_seized_reservation_cannot_confirm_it(self, shelf, uid):
        receipt = self._reserve_voice(shelf, uid, voice(), key="k")
        seized = shelf.seize(receipt)
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        assert shelf.seize(receipt) is None
        shelf.abandon(seized)
        assert self._account(shelf, uid).reserved == Account().reserved
        self._save(shelf, uid, voice(), key="k", fingerprint="other")

    def test_a_confirmed_save_cannot_be_seized(self, shelf, uid):
        assert shelf.seize(self._save(shelf, uid, voice())) is None

    def test_an_expired_save_is_taken_over_and_its_objects_remain_to_be_removed(self, shelf, uid):
        dead = voice(sample=replace(AUDIO, path="voice_samples/u/dead.wav"))
        held = self._reserve_voice(shelf, uid, dead, key="k")
        receipt = self._reserve_voice(shelf, uid, voice(), fingerprint="f2", lease=NO_LEASE)
        assert receipt.reservation.leftovers == dead.object_paths
        with pytest.raises(InProgress):
            shelf.confirm(held)
        shelf.confirm(receipt)
        assert shelf.voice(uid, "voice_a") == voice()
        account = self._account(shelf, uid)
        assert (account.kept.voices, account.reserved) == (1, Account().reserved)

    def test_the_first_save_of_a_key_that_was_taken_over_cannot_be_confirmed(self, shelf, uid):
        self._save(shelf, uid, voice())
        same = {"key": "k", "fingerprint": "f"}
        held = self._reserve_generation(shelf, uid, generation("g1"), **same)
        receipt = self._reserve_generation(shelf, uid, generation("g2"), lease=NO_LEASE, **same)
        with pytest.raises(InProgress):
            shelf.confirm(held)
        shelf.confirm(receipt)
        (left,) = [one for one in self._leftovers(shelf, uid) if isinstance(one, Receipt)]
        assert left.reservation.pending.item == generation("g1")
        with pytest.raises(InProgress):
            shelf.confirm(left)
        shelf.abandon(shelf.seize(left))
        assert self._leftovers(shelf, uid) == []
        assert len(shelf.generations(uid, ListQuery()).items) == 1
        again = self._reserve_generation(shelf, uid, generation("g3"), **same)
        assert again == Replay(generation("g2"), is_there=True)

    def test_what_has_not_ended_is_found_until_it_is_settled(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice("voice_p"), fingerprint="p", key="kp")
        self._save(shelf, uid, voice("voice_d"), fingerprint="d")
        deletion = self._delete(shelf, uid, "voices", "voice_d", permanent=True)
        self._save(shelf, uid, voice("voice_r"), fingerprint="r")
        newer = voice("voice_r", version=2, sample=replace(AUDIO, path="voice_samples/u/2.wav"))
        receipt = self._save(shelf, uid, newer, fingerprint="r2", replace=True)
        self._save(shelf, uid, voice("voice_s"), fingerprint="s")
        found = {type(one): one for one in self._leftovers(shelf, uid)}
        assert found[Receipt].reservation.pending.item == voice("voice_p")
        assert found[Deletion] == deletion
        assert found[Garbage].object_paths == receipt.reservation.leftovers
        assert len(found) == len(self._leftovers(shelf, uid)) == 3
        shelf.confirm(found[Receipt])
        shelf.forget(found[Deletion])
        shelf.forget(found[Garbage])
        assert self._leftovers(shelf, uid) == []
        assert shelf.voice(uid, "voice_p") == voice("voice_p")

    def test_a_young_save_is_no_leftover(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice())
        young = shelf.leftovers(timedelta(hours=1))
        assert [one for one in young if self._uid(one) == uid] == []

    def test_every_object_that_a_document_names_is_referenced(self, shelf, uid):
        first = voice(profile=None, sample=replace(AUDIO, path=f"voice_samples/{uid}/a.wav"))
        self._save(shelf, uid, first)
        self._reserve_generation(shelf, uid, generation("g1"))
        self._save(shelf, uid, voice("voice_d"), fingerprint="d")
        self._delete(shelf, uid, "voices", "voice_d")
        named = [first, generation("g1"), voice("voice_d")]
        assert shelf.references(uid) == {path for item in named for path in item.object_paths}
        assert shelf.references("stranger" + uid) == frozenset()
        assert set(first.object_paths) <= set(shelf.ready_paths())

    def _leftovers(self, shelf, uid):
        return [one for one in shelf.leftovers(NO_LEASE) if self._uid(one) == uid]

    def _uid(self, leftover):
        return leftover.uid
