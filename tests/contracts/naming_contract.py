"""What every `Library` promises of names: one voice to a name, whoever asks at the same time."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.contracts.library_contract import LIMITS, LibraryCalls, generation, voice
from voxshelf.core.deletion import Manner
from voxshelf.core.edits import VoiceEdit, edited
from voxshelf.core.errors import InProgress, NotFound, PermissionDenied, VoiceExists
from voxshelf.core.naming import Elsewhere
from voxshelf.core.reservation import Replay
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.ports import Receipt

UNDO = timedelta(hours=24)


class NamingContract(LibraryCalls):
    """Voices are derived: their ids follow from slugs that several names share."""

    def _named_voice(self, shelf, uid, name, voice_id="voice_ada", **options):
        options = {"is_own_id": False, "fingerprint": secrets.token_hex(4), **options}
        receipt = self._reserve_voice(shelf, uid, voice(voice_id, name=name), **options)
        assert isinstance(receipt, Receipt)
        shelf.confirm(receipt)
        return receipt.reservation.pending.item.voice_id

    def _name_anew(self, shelf, uid, voice_id, name):
        edit = VoiceEdit(name=name)
        return shelf.edit(uid, "voices", voice_id, lambda item, now: edited(item, edit, now))

    def test_names_of_one_slug_get_ids_of_their_own(self, shelf, uid):
        names = ["Ada", "Ada 😀", "Ada 😡", "ada", "ADA"]
        ids = [self._named_voice(shelf, uid, name) for name in names]
        assert ids == ["voice_ada", "voice_ada_2", "voice_ada_3", "voice_ada_4", "voice_ada_5"]
        assert [shelf.voice(uid, one).name for one in ids] == names
        assert self._account(shelf, uid).kept.voices == 5

    def test_a_name_that_is_there_is_found_wherever_it_lies(self, shelf, uid):
        for name in ("C", "C#", "C++"):
            self._named_voice(shelf, uid, name, "voice_c")
        with pytest.raises(VoiceExists) as refused:
            self._named_voice(shelf, uid, "C++", "voice_c")
        assert refused.value.voice == shelf.voice(uid, "voice_c_3")
        assert self._named_voice(shelf, uid, "C++", "voice_c", replace=True) == "voice_c_3"
        assert [shelf.voice(uid, f"voice_c{n}").name for n in ("", "_2")] == ["C", "C#"]

    def test_replace_meets_no_voice_of_another_name(self, shelf, uid):
        self._named_voice(shelf, uid, "C", "voice_c")
        assert self._named_voice(shelf, uid, "C#", "voice_c", replace=True) == "voice_c_2"
        assert shelf.voice(uid, "voice_c").name == "C"

    def test_replace_meets_the_voice_of_an_id_that_was_asked_for(self, shelf, uid):
        self._named_voice(shelf, uid, "C", "voice_c")
        self._named_voice(shelf, uid, "C#", "voice_c", replace=True, is_own_id=True)
        assert shelf.voice(uid, "voice_c").name == "C#"
        with pytest.raises(NotFound):
            shelf.voice(uid, "voice_c_2")

    def test_a_new_version_cannot_take_the_name_of_another_voice(self, shelf, uid):
        self._named_voice(shelf, uid, "C", "voice_c")
        self._named_voice(shelf, uid, "D", "voice_d")
        with pytest.raises(VoiceExists) as refused:
            self._named_voice(shelf, uid, "D", "voice_c", replace=True, is_own_id=True)
        assert refused.value.voice.voice_id == "voice_d"

    def test_an_id_that_was_asked_for_is_only_an_address(self, shelf, uid):
        assert self._named_voice(shelf, uid, "Ada", "mine", is_own_id=True) == "mine"
        assert self._named_voice(shelf, uid, "Bea", "mine", is_own_id=True) == "mine_2"
        with pytest.raises(VoiceExists):
            self._named_voice(shelf, uid, "Ada", "voice_ada")
        assert self._named_voice(shelf, uid, "Ada", "other", is_own_id=True, replace=True) == "mine"

    def test_the_id_stays_through_a_rename_and_the_old_name_is_free(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        self._name_anew(shelf, uid, "voice_ada", "Bea")
        assert self._named_voice(shelf, uid, "Ada") == "voice_ada_2"
        with pytest.raises(VoiceExists) as refused:
            self._named_voice(shelf, uid, "Bea", "voice_bea")
        assert refused.value.voice.voice_id == "voice_ada"

    def test_renaming_to_a_taken_name_is_refused_and_changes_nothing(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        self._named_voice(shelf, uid, "Bea", "voice_bea")
        with pytest.raises(VoiceExists) as refused:
            self._name_anew(shelf, uid, "voice_bea", "Ada")
        assert refused.value.voice.voice_id == "voice_ada"
        assert shelf.voice(uid, "voice_bea").name == "Bea"
        assert self._name_anew(shelf, uid, "voice_bea", "Bea").version == 1
        assert self._name_anew(shelf, uid, "voice_bea", "ada").name == "ada"

    def test_a_name_on_its_way_is_taken(self, shelf, uid):
        self._named_voice(shelf, uid, "Bea", "voice_bea")
        item = voice("mine", name="Ada")
        receipt = self._reserve_voice(shelf, uid, item, fingerprint="x")
        with pytest.raises(InProgress):
            self._named_voice(shelf, uid, "Ada")
        with pytest.raises(InProgress):
            self._name_anew(shelf, uid, "voice_bea", "Ada")
        shelf.abandon(shelf.seize(receipt))
        assert self._named_voice(shelf, uid, "Ada") == "voice_ada"

    def test_the_name_that_a_replacement_brings_is_taken_and_the_old_one_still_is(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        newer = voice("voice_ada", name="Bea")
        self._reserve_voice(shelf, uid, newer, fingerprint="x", replace=True)
        for name in ("Ada", "Bea"):
            with pytest.raises(InProgress):
                self._named_voice(shelf, uid, name, f"voice_{name.lower()}", replace=True)

    def test_a_name_that_a_dead_replacement_was_to_bring_is_free(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        newer = voice("voice_ada", name="Bea")
        lease = timedelta(0)
        self._reserve_voice(shelf, uid, newer, fingerprint="x", replace=True, lease=lease)
        with pytest.raises(NotFound):
            shelf.voice_named(uid, "Bea")
        for replace in (False, True):
            made = self._named_voice(
                shelf, uid, "Bea", "voice_bea", replace=replace, lease=lease, is_own_id=True
            )
            assert made == "voice_bea"
        assert shelf.voice(uid, "voice_ada").name == "Ada"

    def test_a_deleted_voice_keeps_its_id_and_not_its_name(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        self._name_anew(shelf, uid, "voice_ada", "Bea")
        shelf.delete(uid, [ItemKey("voices", "voice_ada")], Manner(UNDO))
        assert self._named_voice(shelf, uid, "Ada") == "voice_ada_2"
        assert self._named_voice(shelf, uid, "Bea", "voice_bea") == "voice_bea"
        key = ItemKey("voices", "voice_ada")
        assert shelf.restore(uid, [key], LIMITS) == {key: "name_taken"}
        self._name_anew(shelf, uid, "voice_bea", "Cyd")
        assert shelf.restore(uid, [key], LIMITS) == {key: "restored"}
        assert shelf.voice(uid, "voice_ada").name == "Bea"

    def test_of_two_deleted_voices_of_one_name_one_comes_back(self, shelf, uid):
        for voice_id in ("mine", "other"):
            self._named_voice(shelf, uid, "Ada", voice_id, is_own_id=True)
            shelf.delete(uid, [ItemKey("voices", voice_id)], Manner(UNDO))
        keys = [ItemKey("voices", "mine"), ItemKey("voices", "other")]
        verdicts = shelf.restore(uid, keys, LIMITS)
        assert sorted(verdicts.values()) == ["name_taken", "restored"]

    def test_the_first_of_them_comes_back_also_when_speech_comes_before_it(self, shelf, uid):
        keys = [ItemKey("voices", "mine"), ItemKey("voices", "other")]
        self._named_voice(shelf, uid, "Ada", "mine", is_own_id=True)
        self._save(shelf, uid, generation("g1", voice_id="mine"))
        shelf.delete(uid, keys[:1], Manner(UNDO, with_generations=True))
        assert shelf.take_generations(uid, "mine").done
        self._named_voice(shelf, uid, "Ada", "other", is_own_id=True)
        shelf.delete(uid, keys[1:], Manner(UNDO))
        verdicts = shelf.restore(uid, keys, LIMITS)
        assert [verdicts[key] for key in keys] == ["with_generations", "name_taken"]

    def test_a_withdrawn_voice_bars_its_name_and_no_other(self, shelf, uid):
        self._named_voice(shelf, uid, "C", "voice_c")
        key = ItemKey("voices", "voice_c")
        manner = Manner(UNDO, permanent=True, withdrawn=True)
        shelf.forget(*shelf.delete(uid, [key], manner).values())
        with pytest.raises(PermissionDenied):
            self._named_voice(shelf, uid, "C", "voice_c")
        with pytest.raises(PermissionDenied):
            self._named_voice(shelf, uid, "C#", "voice_c", is_own_id=True)
        assert self._named_voice(shelf, uid, "C#", "voice_c") == "voice_c_2"

    def test_saves_and_renames_at_once_give_a_name_once(self, shelf, uid):
        for number in range(4):
            self._named_voice(shelf, uid, f"Old {number}", f"voice_old_{number}")

        def attempt(number):
            try:
                if number % 2:
                    self._name_anew(shelf, uid, f"voice_old_{number // 2}", "Ada")
                else:
                    self._named_voice(shelf, uid, "Ada", f"mine_{number}", is_own_id=True)
            except (InProgress, VoiceExists):
                return 0
            return 1

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(attempt, range(8))) == 1

    def test_saves_of_many_names_of_one_slug_at_once_are_all_kept(self, shelf, uid):
        names = [f"Ada {mark}" for mark in "!?#+*~"]
        with ThreadPoolExecutor(6) as pool:
            ids = list(pool.map(lambda name: self._named_voice(shelf, uid, name), names))
        assert len(set(ids)) == len(names)
        assert sorted(shelf.voice(uid, one).name for one in ids) == sorted(names)

    def test_a_decision_may_ask_for_a_generation_and_sees_it(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        spoken = generation("g1", voice_id="voice_ada")
        self._save(shelf, uid, spoken)
        seen = []

        def decide(one):
            seen.append((one.voice_id, one.generation_id, one.generation and one.generation.ready))
            return Elsewhere("voice_ada", "g1") if len(seen) == 1 else Replay(spoken, is_there=True)

        assert shelf.reserve(uid, "voice_ada", None, decide) == Replay(spoken, is_there=True)
        assert seen == [("voice_ada", None, None), ("voice_ada", "g1", spoken)]

    def test_names_of_two_users_never_meet(self, shelf, uid):
        assert self._named_voice(shelf, uid, "Ada") == "voice_ada"
        assert self._named_voice(shelf, f"{uid}-other", "Ada") == "voice_ada"
        assert shelf.voice_named(uid, "Ada").voice_id == "voice_ada"
        with pytest.raises(NotFound):
            shelf.voice_named(uid, "ada")

    def _held(self, shelf, uid, voice_id, name=None):
        holders = shelf.holders(uid, voice_id, name)
        return {one.voice_id: (one.entry.voice is not None, one.entry.withdrawn) for one in holders}

    def test_what_holds_a_place_or_a_name_is_found_deleted_or_withdrawn_too(self, shelf, uid):
        self._named_voice(shelf, uid, "Ada")
        self._named_voice(shelf, uid, "ada")
        self._named_voice(shelf, uid, "Bea", "voice_bea")
        self._reserve_voice(shelf, uid, voice("voice_cea", name="Cea"))
        assert self._held(shelf, uid, "voice_ada") == {"voice_ada": (True, False)}
        assert self._held(shelf, uid, "voice_ada", "ada") == {
            "voice_ada": (True, False),
            "voice_ada_2": (True, False),
        }
        assert self._held(shelf, uid, "voice_x", "Bea") == {"voice_bea": (True, False)}
        assert self._held(shelf, uid, "voice_cea", "Cea") == {}
        assert self._held(shelf, f"{uid}x", "voice_ada", "Ada") == {}
        key = ItemKey("voices", "voice_bea")
        shelf.delete(uid, [key], Manner(UNDO))
        assert self._held(shelf, uid, "voice_x", "Bea") == {"voice_bea": (False, False)}
        withdrawn = shelf.delete(uid, [key], Manner(UNDO, permanent=True, withdrawn=True))
        assert withdrawn[key].withdrawn
        assert self._held(shelf, uid, "voice_x", "Bea") == {"voice_bea": (False, True)}
        shelf.forget(withdrawn[key])
        for asked in (("voice_bea",), ("voice_x", "Bea"), ("voice_bea", "Bea")):
            assert self._held(shelf, uid, *asked) == {"voice_bea": (False, True)}
        assert self._held(shelf, uid, "voice_x", "bea") == {}
