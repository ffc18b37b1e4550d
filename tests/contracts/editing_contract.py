"""What every `Library` must do when items are edited, and voices renamed."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contracts.library_contract import (
    AUDIO,
    LEASE,
    LIMITS,
    NO_LEASE,
    NOON,
    LibraryCalls,
    generation,
    voice,
)
from voxshelf.core.account import Policy
from voxshelf.core.edits import GenerationEdit, VoiceEdit, check_version, edited
from voxshelf.core.errors import InProgress, NotFound, VersionConflict
from voxshelf.core.items import Voice
from voxshelf.core.query import ListQuery
from voxshelf.core.reservation import Attempt, decide_rewrite
from voxshelf.use_cases.deletion_ports import ItemKey
from voxshelf.use_cases.ports import Garbage, Renaming

BY_NAME = ListQuery(sort="name", descending=False, page_size=100)


class EditingContract(LibraryCalls):
    """Editing and renaming. The fixture `shelf` rewrites two generations at once."""

    def test_an_edit_is_there_at_once_with_a_version_and_a_time_of_its_own(self, shelf, uid):
        self._save(shelf, uid, voice())
        edit = VoiceEdit(description=None, language="pt-BR", tags=("cold",), favorite=True)
        after = self._edit(shelf, uid, "voice_a", edit)
        assert after == replace(
            voice(),
            description=None,
            language="pt-BR",
            tags=("cold",),
            favorite=True,
            version=2,
            updated_at=after.updated_at,
        )
        assert after.updated_at > NOON
        assert shelf.voice(uid, "voice_a") == after
        assert shelf.voices(uid, ListQuery(filters={"tag": "cold"})).items == (after,)
        assert shelf.voices(uid, ListQuery(filters={"tag": "warm"})).items == ()

    def test_an_edit_of_a_generation_keeps_all_else(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        after = self._edit(shelf, uid, "g1", GenerationEdit(tags=("best",), favorite=True))
        assert shelf.generation(uid, "g1") == after
        expected = replace(generation("g1"), tags=("best",), favorite=True, version=2)
        assert after == replace(expected, updated_at=after.updated_at)
        assert shelf.generations(uid, ListQuery(filters={"favorite": True})).items == (after,)

    def test_an_edit_that_changes_nothing_is_not_written(self, shelf, uid):
        self._save(shelf, uid, voice())
        same = VoiceEdit(name="VOICE_A", favorite=False, tags=("warm", "tall tales"))
        assert self._edit(shelf, uid, "voice_a", same) == voice()
        assert shelf.voice(uid, "voice_a") == voice()
        assert self._left(shelf, uid) == []

    def test_an_edit_leaves_the_counters_and_the_count_of_speech(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._save(shelf, uid, generation("g1"))
        before = self._account(shelf, uid)
        self._edit(shelf, uid, "voice_a", VoiceEdit(name="New", favorite=True))
        after = self._edit(shelf, uid, "g1", GenerationEdit(favorite=True))
        assert after.version == 2
        assert self._account(shelf, uid) == replace(before, renamings=1)
        assert shelf.voice(uid, "voice_a").generation_count == 1
        self._purge(shelf, uid, "generations", "g1")
        assert shelf.voice(uid, "voice_a").generation_count == 0

    def test_what_is_not_ready_cannot_be_edited(self, shelf, uid):
        self._save(shelf, uid, voice())
        self._reserve_voice(shelf, uid, voice("voice_p"), fingerprint="p")
        self._save(shelf, uid, voice("voice_d"), fingerprint="d")
        self._delete(shelf, uid, "voices", "voice_d")
        for owner, item_id in [
            (uid, "voice_p"),
            (uid, "voice_d"),
            (uid, "voice_none"),
            (f"stranger{uid}", "voice_a"),
        ]:
            with pytest.raises(NotFound):
                self._edit(shelf, owner, item_id, VoiceEdit(favorite=True))
        assert shelf.voice(uid, "voice_a") == voice()

    def test_a_refused_edit_changes_nothing(self, shelf, uid):
        self._save(shelf, uid, voice())
        with pytest.raises(VersionConflict) as refused:
            self._edit(shelf, uid, "voice_a", VoiceEdit(name="New"), versions=[2, 7])
        assert refused.value.item == voice()
        assert shelf.voice(uid, "voice_a") == voice()
        assert self._edit(shelf, uid, "voice_a", VoiceEdit(name="New"), versions=[7, 1]).version

    def test_a_voice_that_is_being_replaced_waits_with_edits_until_it_is(self, shelf, uid):
        self._save(shelf, uid, voice())
        newer = voice(version=2, description="Newer.")
        receipt = self._reserve_voice(shelf, uid, newer, fingerprint="f2", replace=True)
        with pytest.raises(InProgress) as refused:
            self._edit(shelf, uid, "voice_a", VoiceEdit(favorite=True))
        assert refused.value.retry_after_s
        shelf.confirm(receipt)
        after = self._edit(shelf, uid, "voice_a", VoiceEdit(favorite=True))
        assert (after.description, after.favorite, after.version) == ("Newer.", True, 3)

    def test_of_edits_at_once_for_one_version_exactly_one_wins(self, shelf, uid):
        self._save(shelf, uid, voice())
        lost = self._at_once(
            shelf, uid, [VoiceEdit(description=f"By {number}.") for number in range(6)], [1]
        )
        after = shelf.voice(uid, "voice_a")
        assert (len(lost), after.version) == (5, 2)
        assert all(one.item == after for one in lost)

    def test_of_edits_at_once_without_a_version_none_is_lost(self, shelf, uid):
        self._save(shelf, uid, voice())
        edits = [
            VoiceEdit(description="Described."),
            VoiceEdit(language="de"),
            VoiceEdit(tags=("t",)),
            VoiceEdit(favorite=True),
            VoiceEdit(template_message="Said."),
            VoiceEdit(name="Named"),
        ]
        assert self._at_once(shelf, uid, edits, None) == []
        after = shelf.voice(uid, "voice_a")
        assert after == replace(
            voice(),
            description="Described.",
            language="de",
            tags=("t",),
            favorite=True,
            template_message="Said.",
            name="Named",
            version=7,
            updated_at=after.updated_at,
        )

    def _at_once(self, shelf, uid, edits, versions):
        lost, start = [], threading.Barrier(len(edits))

        def work(edit):
            start.wait()
            try:
                self._edit(shelf, uid, "voice_a", edit, versions=versions)
            except VersionConflict as conflict:
                lost.append(conflict)

        threads = [threading.Thread(target=work, args=(edit,)) for edit in edits]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return lost

    def test_a_new_name_shows_everywhere_at_once(self, shelf, uid):
        self._speak(shelf, uid, 3)
        self._rename(shelf, uid, "New")
        assert shelf.voice(uid, "voice_a").name == "New"
        assert shelf.generation(uid, "g0").voice_name == "New"
        assert self._names(shelf, uid) == ["New"] * 3

    def test_speech_that_is_saved_after_a_rename_has_the_new_name(self, shelf, uid):
        self._speak(shelf, uid, 1)
        self._rename(shelf, uid, "New")
        self._save(shelf, uid, generation("g9", voice_name="New"))
        assert self._names(shelf, uid) == ["New", "New"]

    @pytest.mark.parametrize("batches", range(4))
    def test_a_rename_that_stops_after_any_batch_is_found_and_finished(self, shelf, uid, batches):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        self._go_on(shelf, uid, batches)
        assert self._names(shelf, uid) == ["aaa"] * 5
        left = self._left(shelf, uid)
        # Two and two and one are three batches.
        assert left == ([self._renaming(uid)] if batches < 3 else [])
        assert sum(sum(shelf.rename_generations(one)) for one in left) == max(0, 5 - 2 * batches)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 5)

    @pytest.mark.parametrize("batches", range(3))
    def test_a_rename_that_stops_goes_on_where_it_was(self, shelf, uid, batches):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        self._go_on(shelf, uid, batches)
        (left,) = self._left(shelf, uid)
        assert list(shelf.rename_generations(left)) == [2, 2, 1][batches:]

    def test_names_stand_nowhere_once_a_rename_is_over(self, shelf, uid):
        self._speak(shelf, uid, 2)
        before = self._account(shelf, uid)
        for name in ("aaa", "bbb"):
            self._rename(shelf, uid, name)
            assert self._account(shelf, uid).renamings == 1
        (left,) = self._left(shelf, uid)
        shelf.end_renaming(left)
        assert self._left(shelf, uid) == [left]
        self._settle(shelf, uid)
        # Who has read a generation before it was rewritten may still ask.
        assert self._account(shelf, uid).renamings == 1
        (done,) = self._done(shelf, uid)
        shelf.end_renaming(done)
        shelf.end_renaming(done)
        assert self._found(shelf, uid) == []
        assert self._account(shelf, uid) == before
        assert self._names(shelf, uid) == ["bbb", "bbb"]

    def test_a_rename_that_is_renamed_when_it_was_done_is_not_forgotten(self, shelf, uid):
        self._speak(shelf, uid, 2)
        self._rename(shelf, uid, "aaa")
        self._settle(shelf, uid)
        (done,) = self._done(shelf, uid)
        self._rename(shelf, uid, "bbb")
        shelf.end_renaming(done)
        assert self._names(shelf, uid) == ["bbb", "bbb"]
        self._settle(shelf, uid)
        assert self._account(shelf, uid).renamings == 1
        self._check_order(shelf, uid, "bbb", 2)

    @pytest.mark.parametrize("batches", [0, 1, 2])
    def test_a_voice_in_the_place_of_another_keeps_its_name_to_itself(self, shelf, uid, batches):
        self._speak(shelf, uid, 3)
        self._rename(shelf, uid, "aaa")
        self._go_on(shelf, uid, batches)
        self._purge(shelf, uid, "voices", "voice_a")
        self._save(shelf, uid, voice(name="ccc"), fingerprint="anew")
        self._save(shelf, uid, generation("g9", voice_name="ccc"))
        assert sorted(self._names(shelf, uid)) == [*["aaa"] * 3, "ccc"]
        self._rename(shelf, uid, "ddd")
        assert sorted(self._names(shelf, uid)) == [*["aaa"] * 3, "ddd"]
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        for done in self._done(shelf, uid):
            shelf.end_renaming(done)
        assert sorted(self._names(shelf, uid)) == [*["aaa"] * 3, "ddd"]
        assert self._account(shelf, uid).renamings == 0

    @pytest.mark.parametrize("batches", [0, 1, 2])
    def test_a_voice_in_the_place_of_a_deleted_one_goes_on_for_it(self, shelf, uid, batches):
        self._speak(shelf, uid, 3)
        self._rename(shelf, uid, "aaa")
        self._go_on(shelf, uid, batches)
        self._delete(shelf, uid, "voices", "voice_a")
        anew = voice(name="aaa", sample=replace(AUDIO, path="new"))
        receipt = self._save(shelf, uid, anew, fingerprint="anew")
        shelf.forget(Garbage(uid, "voices", "voice_a", receipt.reservation.leftovers))
        assert self._names(shelf, uid) == ["aaa"] * 3
        self._rename(shelf, uid, "ddd")
        self._settle(shelf, uid)
        self._check_order(shelf, uid, "ddd", 3)

    def test_rewriting_is_no_edit(self, shelf, uid):
        self._speak(shelf, uid, 1)
        self._rename(shelf, uid, "New")
        self._settle(shelf, uid)
        assert shelf.generation(uid, "g0") == generation("g0", voice_name="New")

    def test_a_settled_rename_has_nothing_left_to_do(self, shelf, uid):
        self._speak(shelf, uid, 1)
        assert list(shelf.rename_generations(self._renaming(uid))) == []
        self._rename(shelf, uid, "New")
        self._settle(shelf, uid)
        assert list(shelf.rename_generations(self._renaming(uid))) == []

    def test_generations_of_other_voices_keep_their_names(self, shelf, uid):
        self._speak(shelf, uid, 1)
        self._save(shelf, uid, voice("voice_b"), fingerprint="b")
        other = generation("h1", voice_id="voice_b", voice_name="VOICE_B")
        self._save(shelf, uid, other)
        self._rename(shelf, uid, "New")
        self._settle(shelf, uid)
        assert shelf.generation(uid, "h1") == other

    @pytest.mark.parametrize("last", ["bbb", "VOICE_A"], ids=["another", "back again"])
    @pytest.mark.parametrize("batches", [0, 1, 3])
    def test_a_rename_during_a_rename_ends_with_the_last_name(self, shelf, uid, last, batches):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        first = shelf.rename_generations(self._renaming(uid))
        next(first)
        self._rename(shelf, uid, last)
        self._go_on(shelf, uid, batches)
        # Whoever still has the earlier name in mind cannot write it any more.
        list(first)
        assert self._left(shelf, uid) == ([self._renaming(uid)] if batches < 3 else [])
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, last, 5)

    def test_two_who_rewrite_for_one_rename_do_not_hinder_each_other(self, shelf, uid):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        first, second = (shelf.rename_generations(self._renaming(uid)) for _ in range(2))
        next(first)
        next(second)
        list(first)
        list(second)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 5)

    def test_a_voice_that_is_deleted_while_it_is_renamed_leaves_all_under_one_name(
        self, shelf, uid
    ):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        self._go_on(shelf, uid, 1)
        self._purge(shelf, uid, "voices", "voice_a")
        assert self._names(shelf, uid) == ["aaa"] * 5
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 5)

    def test_what_was_in_the_trash_comes_back_under_the_new_name(self, shelf, uid):
        self._speak(shelf, uid, 2)
        self._delete(shelf, uid, "generations", "g0")
        self._rename(shelf, uid, "aaa")
        self._settle(shelf, uid)
        shelf.restore(uid, [ItemKey("generations", "g0")], LIMITS)
        self._check_order(shelf, uid, "aaa", 2)

    def test_a_voice_that_came_back_can_be_edited(self, shelf, uid):
        self._speak(shelf, uid, 3)
        self._rename(shelf, uid, "aaa")
        self._delete(shelf, uid, "voices", "voice_a")
        self._settle(shelf, uid)
        shelf.restore(uid, [ItemKey("voices", "voice_a")], LIMITS)
        assert self._edit(shelf, uid, "voice_a", VoiceEdit(favorite=True)).version == 3
        self._check_order(shelf, uid, "aaa", 3)

    def test_generations_edited_and_deleted_during_a_rename_stay_so(self, shelf, uid):
        self._speak(shelf, uid, 5)
        self._rename(shelf, uid, "aaa")
        going = shelf.rename_generations(self._renaming(uid))
        next(going)
        self._edit(shelf, uid, "g0", GenerationEdit(favorite=True))
        self._edit(shelf, uid, "g4", GenerationEdit(tags=("t",)))
        self._purge(shelf, uid, "generations", "g3")
        list(going)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 4)
        assert (shelf.generation(uid, "g0").favorite, shelf.generation(uid, "g0").version) == (
            True,
            2,
        )
        assert shelf.generation(uid, "g4").tags == ("t",)

    def test_speech_begun_under_the_earlier_name_is_found_under_the_new_one(self, shelf, uid):
        self._speak(shelf, uid, 1)
        late = self._reserve_generation(shelf, uid, generation("g7"))
        self._rename(shelf, uid, "aaa")
        list(shelf.rename_generations(self._renaming(uid)))
        shelf.confirm(late)
        assert self._names(shelf, uid) == ["aaa", "aaa"]
        assert self._left(shelf, uid) == [self._renaming(uid)]
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 2)

    def test_a_generation_written_anew_meanwhile_is_found_under_the_new_name(self, shelf, uid):
        self._speak(shelf, uid, 2)
        policy = Policy(LIMITS, lease=LEASE)
        attempt = Attempt(lambda slot: slot.replaces, "f", "lease", None, policy)
        late = shelf.reserve(
            uid,
            "voice_a",
            None,
            lambda seen: decide_rewrite(seen, attempt, generation("g0")),
            generation_id="g0",
        )
        self._rename(shelf, uid, "aaa")
        list(shelf.rename_generations(self._renaming(uid)))
        shelf.confirm(late)
        shelf.forget(Garbage(uid, "generations", "g0", late.reservation.leftovers))
        assert self._left(shelf, uid) == [self._renaming(uid)]
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 2)

    def test_a_replacement_under_another_name_renames(self, shelf, uid):
        self._speak(shelf, uid, 3)
        newer = voice(name="aaa", version=2, sample=replace(AUDIO, path="voice_samples/u/2.wav"))
        receipt = self._save(shelf, uid, newer, fingerprint="f2", replace=True)
        shelf.forget(Garbage(uid, "voices", "voice_a", receipt.reservation.leftovers))
        assert self._left(shelf, uid) == [self._renaming(uid)]
        self._settle(shelf, uid)
        assert self._left(shelf, uid) == []
        self._check_order(shelf, uid, "aaa", 3)

    def test_a_young_rename_is_no_leftover(self, shelf, uid):
        self._speak(shelf, uid, 1)
        self._rename(shelf, uid, "New")
        young = shelf.leftovers(timedelta(hours=1))
        assert [one for one in young if one.uid == uid] == []

    def _edit(self, shelf, uid, item_id, edit, *, versions=None):
        kind = "voices" if isinstance(edit, VoiceEdit) else "generations"
        allowed = None if versions is None else frozenset(versions)

        def change(item, now):
            check_version(item, allowed)
            return edited(item, edit, now)

        return shelf.edit(uid, kind, item_id, change)

    def _speak(self, shelf, uid, count):
        """Save a voice and so many generations."""
        self._save(shelf, uid, voice())
        self.saved_at = shelf.voice(uid, "voice_a").saved_at
        for number in range(count):
            self._save(shelf, uid, generation(f"g{number}"))

    def _renaming(self, uid):
        return Renaming(uid, "voice_a", self.saved_at)

    def _rename(self, shelf, uid, name):
        renamed = self._edit(shelf, uid, "voice_a", VoiceEdit(name=name))
        assert isinstance(renamed, Voice)

    def _go_on(self, shelf, uid, batches):
        """Rewrite so many batches, and die."""
        going = shelf.rename_generations(self._renaming(uid))
        for _ in range(batches):
            next(going)
        going.close()

    def _settle(self, shelf, uid):
        for left in self._left(shelf, uid):
            if isinstance(left, Renaming):
                list(shelf.rename_generations(left))

    def _names(self, shelf, uid):
        return [one.voice_name for one in shelf.generations(uid, ListQuery()).items]

    def _check_order(self, shelf, uid, name, count):
        """Check that the generations are sorted under a name: around it stand other voices'."""
        for number, around in enumerate([name + "!", name[:-1]]):
            other = voice(f"voice_o{number}", name=around)
            self._save(shelf, uid, other, fingerprint=around)
            spoken = generation(f"o{number}", voice_id=other.voice_id, voice_name=around)
            self._save(shelf, uid, spoken)
        listed = [one.voice_name for one in shelf.generations(uid, BY_NAME).items]
        assert listed == [name[:-1], *[name] * count, name + "!"]

    def _left(self, shelf, uid):
        """Return all that is left of a user but renames that are done."""
        return [one for one in self._found(shelf, uid) if one not in self._done(shelf, uid)]

    def _done(self, shelf, uid):
        renamings = [one for one in self._found(shelf, uid) if isinstance(one, Renaming)]
        return [one for one in renamings if one.done]

    def _found(self, shelf, uid):
        return [one for one in shelf.leftovers(NO_LEASE) if one.uid == uid]
