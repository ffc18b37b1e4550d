"""What every `Library` and `Catalogue` together must tell of what was saved when."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import AUDIO, LibraryCalls, generation, voice
from voxshelf.core.account import Account, Amount
from voxshelf.core.errors import InProgress
from voxshelf.core.usage import day_of
from voxshelf.use_cases.ports import Receipt

VOICE = Amount(voices=1, size_bytes=1500, audio_ms=1250)
SPEECH = Amount(generations=1, size_bytes=1000, audio_ms=1250)


class UsageContract(LibraryCalls):
    """Counting what was saved by day."""

    def test_a_user_who_saved_nothing_has_used_nothing(self, shelf, uid):
        usage = shelf.usage(uid)
        assert (usage.account, usage.days) == (Account(), {})

    def test_a_save_counts_on_the_day_on_which_it_began(self, shelf, uid):
        receipt = self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        usage = shelf.usage(uid)
        assert usage.days == {day_of(receipt.reservation.pending.since): VOICE + SPEECH}
        assert usage.account.kept == VOICE + SPEECH
        assert usage.account.reserved == Amount()

    def test_a_save_that_ends_later_counts_on_its_own_day_and_in_its_own_month(self, shelf, uid):
        today = shelf.usage(uid).today
        for number in (1, 40, 330):
            receipt = self._reserve_voice(shelf, uid, voice(f"v{number}"), fingerprint=str(number))
            shelf.confirm(self._begun_before(receipt, timedelta(days=number)))
        begun = {today - timedelta(days=number): VOICE for number in (1, 40, 330)}
        assert shelf.usage(uid).days == begun

    def test_a_replacement_counts_for_what_it_added(self, shelf, uid):
        self._save(shelf, uid, voice())
        longer = replace(AUDIO, path="voice_samples/u/2.wav", size_bytes=1800, duration_s=2.0)
        self._save(shelf, uid, voice(version=2, sample=longer), fingerprint="f2", replace=True)
        more = Amount(size_bytes=800, audio_ms=750)
        assert self._saved(shelf, uid) == VOICE + more
        self._save(shelf, uid, voice(version=3), fingerprint="f3", replace=True)
        assert self._saved(shelf, uid) == VOICE + more
        assert shelf.usage(uid).account.kept == VOICE

    def test_what_is_being_saved_is_reserved_and_not_yet_counted(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice())
        usage = shelf.usage(uid)
        assert (usage.account.reserved, usage.days) == (VOICE, {})

    def test_a_save_that_is_undone_counts_for_nothing(self, shelf, uid):
        receipt = self._reserve_voice(shelf, uid, voice(), key="k")
        shelf.abandon(shelf.seize(receipt))
        usage = shelf.usage(uid)
        assert (usage.days, usage.account.reserved) == ({}, Amount())
        with pytest.raises(InProgress):
            shelf.confirm(receipt)
        assert shelf.usage(uid).days == {}

    def test_confirming_again_counts_once(self, shelf, uid):
        receipt = self._save(shelf, uid, voice(), key="k")
        shelf.confirm(receipt)
        assert self._saved(shelf, uid) == VOICE

    def test_a_save_that_a_crash_left_behind_counts_when_it_is_finished(self, shelf, uid):
        self._reserve_voice(shelf, uid, voice(), key="k")
        left = [one for one in shelf.leftovers(timedelta(0)) if one.uid == uid]
        assert [type(one) for one in left] == [Receipt]
        shelf.confirm(left[0])
        shelf.confirm(left[0])
        assert self._saved(shelf, uid) == VOICE

    def test_saves_at_the_same_time_add_up(self, shelf, uid):
        self._save(shelf, uid, voice())
        reserve = self._reserve_generation
        receipts = [reserve(shelf, uid, generation(f"g{number}")) for number in range(8)]
        threads = [threading.Thread(target=shelf.confirm, args=(one,)) for one in receipts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self._saved(shelf, uid) == sum([SPEECH] * 8, VOICE)

    def test_deleting_takes_nothing_from_what_was_saved(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._purge(shelf, uid, "voices", "voice_a")
        assert self._saved(shelf, uid) == VOICE
        assert shelf.usage(uid).account.kept == Amount()

    def test_a_stranger_sees_nothing_of_it(self, shelf, uid):
        self._save(shelf, uid, voice())
        assert shelf.usage(f"stranger-{uid}").days == {}

    def _begun_before(self, receipt, earlier):
        reservation = receipt.reservation
        pending = replace(reservation.pending, since=reservation.pending.since - earlier)
        return replace(receipt, reservation=replace(reservation, pending=pending))

    def _saved(self, shelf, uid):
        return sum(shelf.usage(uid).days.values(), Amount())
