"""Looking before work is done, refusals that count, and generations that count at their voice."""

import secrets
from dataclasses import replace

import pytest

from tests.contracts.library_contract import LIMITS, LibraryCalls, generation, voice
from voxshelf.core.account import Policy
from voxshelf.core.errors import NotFound
from voxshelf.core.naming import Elsewhere
from voxshelf.core.reservation import Attempt, Proceed, Replay, decide_generation
from voxshelf.use_cases.ports import Receipt


class LookingContract(LibraryCalls):
    """What happens before a save works, and how it counts when it has."""

    def _attempt(self, item=None):
        draft = None if item is None else lambda _: item
        return Attempt(draft, "f", secrets.token_hex(4), None, Policy(LIMITS))

    def test_what_was_looked_at_is_reserved_without_looking_again(self, shelf, uid):
        self._save(shelf, uid, voice())
        looks = []

        def decide(attempt):
            return lambda seen: looks.append(seen) or decide_generation(seen, attempt)

        glance = shelf.look(uid, "voice_a", None, decide(self._attempt()))
        spoken = self._attempt(generation("g1"))
        receipt = shelf.reserve(uid, "voice_a", None, decide(spoken), glance=glance)
        assert isinstance(receipt, Receipt)
        assert [one.voice_id for one in looks] == ["voice_a", "voice_a"]

    def test_an_old_look_is_made_anew_when_the_library_has_changed(self, shelf, uid):
        self._save(shelf, uid, voice())
        glance = shelf.look(
            uid, "voice_a", None, lambda seen: decide_generation(seen, self._attempt())
        )
        self._purge(shelf, uid, "voices", "voice_a")
        spoken = self._attempt(generation("g1"))
        with pytest.raises(NotFound):
            shelf.reserve(
                uid, "voice_a", None, lambda seen: decide_generation(seen, spoken), glance=glance
            )

    def test_a_look_writes_nothing_and_passes_errors_on(self, shelf, uid):
        with pytest.raises(NotFound):
            shelf.look(uid, "voice_a", None, lambda seen: decide_generation(seen, self._attempt()))
        assert self._account(shelf, uid).saves_today == 0

    def test_a_look_may_go_elsewhere_and_a_reservation_begins_there(self, shelf, uid):
        self._save(shelf, uid, voice())
        seen = []

        def decide(one):
            seen.append(one.voice_id)
            return Proceed() if one.voice_id == "voice_a" else Elsewhere("voice_a")

        glance = shelf.look(uid, "voice_b", None, decide)
        spoken = self._attempt(generation("g1"))

        def reserve(one):
            seen.append(one.voice_id)
            return decide_generation(one, spoken)

        if glance is not None:
            # A library that keeps no reading decides where it was sent at first.
            shelf.reserve(uid, "voice_a", None, reserve, glance=glance)
        assert seen == ["voice_b", "voice_a", "voice_a"]

    def test_a_look_tells_what_was_saved_before(self, shelf, uid):
        self._save(shelf, uid, voice())
        told = Replay(voice(), is_there=True)
        assert shelf.look(uid, "voice_a", None, lambda _: told) == told

    def test_refusals_count_from_the_first_on(self, shelf, uid):
        for count in (1, 2):
            shelf.count_refusal(uid)
            assert self._account(shelf, uid).refusals.count == count

    def test_refusals_leave_the_other_counters_alone(self, shelf, uid):
        self._save(shelf, uid, voice())
        before = self._account(shelf, uid)
        shelf.count_refusal(uid)
        after = self._account(shelf, uid)
        assert replace(after, refusals=before.refusals) == before

    def test_speech_counts_at_the_voice_that_is_there_when_it_is_confirmed(self, shelf, uid):
        self._save(shelf, uid, voice())
        receipt = self._reserve_generation(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "voices", "voice_a")
        self._save(shelf, uid, voice(), fingerprint="anew")
        shelf.confirm(receipt)
        assert shelf.voice(uid, "voice_a").generation_count == 1
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0

    def test_speech_that_was_confirmed_before_a_voice_was_made_anew_is_not_its_own(
        self, shelf, uid
    ):
        self._save(shelf, uid, voice())
        receipt = self._reserve_generation(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "voices", "voice_a")
        shelf.confirm(receipt)
        self._save(shelf, uid, voice(), fingerprint="anew")
        assert shelf.voice(uid, "voice_a").generation_count == 0
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0

    def test_speech_that_is_confirmed_while_its_voice_is_made_anew_is_not_its_own(self, shelf, uid):
        self._save(shelf, uid, voice())
        receipt = self._reserve_generation(shelf, uid, generation("g1"))
        self._purge(shelf, uid, "voices", "voice_a")
        anew = self._reserve_voice(shelf, uid, voice(), fingerprint="anew")
        shelf.confirm(receipt)
        shelf.confirm(anew)
        assert shelf.voice(uid, "voice_a").generation_count == 0
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0
