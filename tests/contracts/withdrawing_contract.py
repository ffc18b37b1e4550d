"""What every `Library` must do when consent is withdrawn, and when a deletion ends a save."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.contracts.library_contract import AUDIO, LEASE, NO_LEASE, LibraryCalls, generation, voice
from voxshelf.core.account import Account
from voxshelf.core.errors import InProgress, NotFound, PermissionDenied
from voxshelf.core.query import ListQuery
from voxshelf.use_cases.deletion_ports import Deletion
from voxshelf.use_cases.ports import Garbage, Receipt

WITHDRAWN = {"permanent": True, "withdrawn": True}
PARALLEL = 8


class WithdrawingContract(LibraryCalls):
    """A voice is barred at one moment; what is under way by then never comes to be."""

    def _withdraw(self, shelf, uid, voice_id="voice_a"):
        return self._delete(shelf, uid, "voices", voice_id, **WITHDRAWN)

    def _undo(self, shelf, receipts):
        for receipt in receipts:
            shelf.abandon(shelf.seize(receipt))

    def _leftovers(self, shelf, uid):
        return [one for one in shelf.leftovers(NO_LEASE) if one.uid == uid]

    def _spoken(self, shelf, uid):
        found = shelf.generations(uid, ListQuery(page_size=100)).items
        return {one.generation_id for one in found}

    @pytest.mark.parametrize("lease", [LEASE, NO_LEASE], ids=["running", "expired"])
    @pytest.mark.parametrize("key", [None, "k"], ids=["no key", "key"])
    def test_a_voice_that_is_only_being_saved_is_barred(self, shelf, uid, lease, key):
        receipt = self._reserve_voice(shelf, uid, voice(), key=key, lease=lease)
        deletion = self._withdraw(shelf, uid)
        assert isinstance(deletion, Deletion)
        assert (deletion.withdrawn, deletion.trash.purging) == (True, True)
        assert set(deletion.object_paths) == set(voice().object_paths)
        for _ in range(2):
            with pytest.raises(InProgress):
                shelf.confirm(receipt)
            assert shelf.seize(receipt) is None
            with pytest.raises(PermissionDenied):
                self._reserve_voice(shelf, uid, voice(), key=key, fingerprint="other")
            assert self._leftovers(shelf, uid)
            shelf.forget(deletion)
        account = self._account(shelf, uid)
        assert (account.kept, account.reserved) == (Account().kept, Account().reserved)
        with pytest.raises(NotFound):
            shelf.voice(uid, "voice_a")

    def test_what_a_dropped_save_may_write_yet_stays_noted_until_it_is_removed(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice())
        shelf.forget(self._withdraw(shelf, uid))
        (garbage,) = self._leftovers(shelf, uid)
        assert isinstance(garbage, Garbage)
        assert set(garbage.object_paths) == shelf.references(uid) == set(voice().object_paths)
        shelf.forget(garbage)
        assert self._leftovers(shelf, uid) == []
        assert shelf.references(uid) == frozenset()

    @pytest.mark.parametrize("trashed", [False, True], ids=["ready", "deleted"])
    def test_a_save_over_a_voice_ends_with_the_consent(self, shelf, uid, trashed):
        self._save(shelf, uid, voice())
        if trashed:
            self._delete(shelf, uid, "voices", "voice_a")
        newer = voice(version=2, sample=replace(AUDIO, path="voice_samples/u/new.wav"))
        receipt = self._reserve_voice(shelf, uid, newer, key="k", fingerprint="f2", replace=True)
        deletion = self._withdraw(shelf, uid)
        assert set(deletion.object_paths) >= {"voice_samples/u/new.wav", voice().sample.path}
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        shelf.forget(deletion)
        with pytest.raises(PermissionDenied):
            self._reserve_voice(shelf, uid, newer, key="k", fingerprint="f3")
        account = self._account(shelf, uid)
        assert (account.kept, account.reserved) == (Account().kept, Account().reserved)

    def test_withdrawing_again_answers_the_same_until_all_is_gone(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._reserve_generation(shelf, uid, generation("g1"))
        deletion = self._withdraw(shelf, uid)
        assert self._withdraw(shelf, uid) == deletion
        assert deletion in self._leftovers(shelf, uid)
        shelf.forget(deletion)
        assert self._withdraw(shelf, uid) is None
        with pytest.raises(PermissionDenied):
            self._reserve_generation(shelf, uid, generation("g2"))

    def test_speech_that_is_being_saved_can_only_be_undone(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        self._save(shelf, uid, generation("before"))
        keys = {"g0": None, "g1": "k1", "g2": "k2"}
        running = [
            self._reserve_generation(shelf, uid, generation(name), key=key)
            for name, key in keys.items()
        ]
        other = self._reserve_generation(shelf, uid, generation("other", voice_id="voice_b"))
        deletion = self._withdraw(shelf, uid)
        left = [one for one in self._leftovers(shelf, uid) if isinstance(one, Receipt)]
        barred = shelf.barred_speech(uid, "voice_a")
        assert {one.reservation.pending.item.item_id for one in barred} == set(keys)
        for receipt in [*running, *barred, *left]:
            if receipt.reservation.pending.item.voice_id == "voice_a":
                with pytest.raises(InProgress):
                    shelf.confirm(receipt)
        for name, key in keys.items():
            with pytest.raises(PermissionDenied):
                self._reserve_generation(shelf, uid, generation(f"{name}_again"), key=key)
        self._undo(shelf, barred)
        assert not shelf.barred_speech(uid, "voice_a")
        shelf.forget(deletion)
        shelf.confirm(other)
        assert self._spoken(shelf, uid) == {"before", "other"}
        account = self._account(shelf, uid)
        assert (account.kept.generations, account.reserved) == (2, Account().reserved)
        assert [type(one) for one in self._leftovers(shelf, uid)] == []

    def test_speech_of_a_voice_in_the_trash_that_is_being_saved_ends_too(self, shelf, uid):
        self._save(shelf, uid, voice())
        receipt = self._reserve_generation(shelf, uid, generation("g1"), key="k")
        self._delete(shelf, uid, "voices", "voice_a")
        self._withdraw(shelf, uid)
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        self._undo(shelf, shelf.barred_speech(uid, "voice_a"))
        assert self._account(shelf, uid).reserved == Account().reserved

    def test_nothing_comes_to_be_once_the_consent_is_withdrawn(self, shelf, uid):
        self._save(shelf, uid, voice())
        begun = threading.Barrier(PARALLEL + 1)

        def speak(number):
            begun.wait()
            with contextlib.suppress(InProgress, NotFound, PermissionDenied):
                for again in range(3):
                    self._save(shelf, uid, generation(f"g{number}_{again}"))

        with ThreadPoolExecutor(PARALLEL) as pool:
            speaking = [pool.submit(speak, number) for number in range(PARALLEL)]
            begun.wait()
            deletion = self._withdraw(shelf, uid)
            when_answered = self._spoken(shelf, uid)
            for one in speaking:
                one.result()
        assert self._spoken(shelf, uid) == when_answered
        self._undo(shelf, shelf.barred_speech(uid, "voice_a"))
        shelf.forget(deletion)
        account = self._account(shelf, uid)
        assert (account.kept.generations, account.kept.voices) == (len(when_answered), 0)
        assert account.reserved == Account().reserved
        assert self._leftovers(shelf, uid) == []

    @pytest.mark.parametrize("again", ["voice_a", "voice_b"], ids=["over it", "elsewhere"])
    def test_a_save_that_a_deletion_ends_gives_its_key_back(self, shelf, uid, again):
        self._save(shelf, uid, voice())
        newer = {"key": "k", "fingerprint": "f2", "replace": True}
        self._reserve_voice(shelf, uid, voice(version=2), **newer)
        with pytest.raises(InProgress):
            self._reserve_voice(shelf, uid, voice(version=2), **newer)
        self._delete(shelf, uid, "voices", "voice_a")
        self._save(shelf, uid, voice(again), key="k", fingerprint="f3")

    def test_a_key_that_another_save_has_taken_over_is_not_given_back(self, shelf, uid):
        self._save(shelf, uid, voice())
        same = {"key": "k", "fingerprint": "f2"}
        self._reserve_voice(shelf, uid, voice(version=2), replace=True, **same)
        taken = self._reserve_voice(shelf, uid, voice("voice_b"), lease=NO_LEASE, **same)
        self._delete(shelf, uid, "voices", "voice_a")
        with pytest.raises(InProgress):
            self._reserve_voice(shelf, uid, voice("voice_b"), **same)
        shelf.confirm(taken)
        assert shelf.voice(uid, "voice_b").name == "VOICE_B"
