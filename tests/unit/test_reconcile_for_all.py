"""`reconcile` serves everyone: no leftover, however heavy or broken, keeps the others waiting."""

from datetime import timedelta

import pytest

from tests.contracts.library_contract import LIMITS, LibraryCalls, generation, voice
from tests.fakes.memory_library import MemoryLibrary
from tests.fakes.memory_objects import MemoryObjects
from voxshelf.core.edits import VoiceEdit, edited
from voxshelf.core.errors import NotFound
from voxshelf.use_cases.reconcile import reconcile
from voxshelf.use_cases.unreadable import Unreadable

LEASE = timedelta(0)
RENAMES = 20
BATCHES = 5


class HeavyLibrary(MemoryLibrary):
    """A library whose renames take a second of its clock for each batch; it notes its calls."""

    def __init__(self):
        super().__init__()
        self.renamed_at_once = 1
        self.time_s, self.calls = 0.0, []

    def clock(self):
        return self.time_s

    def rename_generations(self, renaming):
        for changed in super().rename_generations(renaming):
            self.time_s += 1
            self.calls.append(("rename", renaming.uid))
            yield changed

    def condemn(self, *deletions):
        self.calls.append(("condemn", len(deletions)))
        return super().condemn(*deletions)

    def abandon(self, receipt):
        self.calls.append(("undo", receipt.uid))
        super().abandon(receipt)


class TestForAll(LibraryCalls):
    @pytest.fixture
    def shelf(self):
        return HeavyLibrary()

    def _rename_all(self, shelf, uid):
        """Leave many renames, none of which has begun."""
        for number in range(RENAMES):
            name = f"voice_{number}"
            self._save(shelf, uid, voice(name), fingerprint=name)
            for spoken in range(BATCHES - 1):
                item = generation(f"g{number}_{spoken}", voice_id=name, voice_name=name.upper())
                self._save(shelf, uid, item)
            edit = VoiceEdit(name=f"New {number}")
            shelf.edit(uid, "voices", name, lambda item, now, edit=edit: edited(item, edit, now))

    def _run(self, shelf, *, for_s=10_000.0, objects=None, **options):
        return reconcile(
            library=shelf,
            upkeep=shelf,
            objects=objects or MemoryObjects(),
            lease=LEASE,
            ends_at=shelf.time_s + for_s,
            clock=shelf.clock,
            **options,
        )

    def test_the_cheap_comes_first_and_heavy_renames_of_one_user_keep_nobody(self, shelf):
        self._rename_all(shelf, "ada")
        self._rename_all(shelf, "bob")
        self._reserve_voice(shelf, "eve", voice("voice_e"), fingerprint="e")
        summary = self._run(shelf)
        assert shelf.calls[0] == ("undo", "eve")
        first = [uid for what, uid in shelf.calls if what == "rename"][:30]
        assert {"ada", "bob"} <= set(first)
        assert (summary.renamed, summary.unfinished) == (2 * RENAMES * (BATCHES - 1), 0)

    def test_a_run_ends_with_its_time_and_the_next_one_goes_on_from_there(self, shelf):
        self._rename_all(shelf, "ada")
        runs = []
        while not runs or runs[-1].unfinished:
            runs.append(self._run(shelf, for_s=30.0))
        assert len(runs) < 8
        renamed = [run.renamed for run in runs]
        assert sum(renamed) == RENAMES * (BATCHES - 1)
        assert all(renamed)
        # No batch was done twice.
        assert len([one for one in shelf.calls if one[0] == "rename"]) == RENAMES * BATCHES

    def test_a_run_whose_time_is_over_does_nothing(self, shelf):
        self._reserve_voice(shelf, "eve", voice("voice_e"), fingerprint="e")
        summary = self._run(shelf, for_s=0.0, deep=True)
        assert summary.counts() == {**summary.counts(), "unfinished": 1, "undone": 0}

    def test_what_cannot_be_read_is_counted_once_and_passed_over(self, shelf):
        shelf.unreadable = [Unreadable("voices", "ab" * 32, "KeyError")]
        self._rename_all(shelf, "ada")
        self._rename_all(shelf, "bob")
        self._reserve_voice(shelf, "eve", voice("voice_e"), fingerprint="e")
        summary = self._run(shelf)
        assert (summary.unreadable, summary.undone, summary.failed) == (1, 1, 0)
        assert [one.digest for one in summary.named] == ["ab" * 32]

    def test_deletions_of_one_user_are_purged_many_at_a_time(self, shelf):
        self._save(shelf, "ada", voice())
        for number in range(120):
            self._save(shelf, "ada", generation(f"g{number}"))
            self._delete(shelf, "ada", "generations", f"g{number}", undo_for=LEASE)
        summary = self._run(shelf)
        assert summary.deleted == 120
        assert sorted(count for what, count in shelf.calls if what == "condemn") == [20, 50, 50]
        with pytest.raises(NotFound):
            shelf.generation("ada", "g0")
        assert shelf.restore("ada", [], LIMITS) == {}

    def test_the_objects_of_a_user_are_left_alone_when_a_document_cannot_be_read(self, shelf):
        objects = MemoryObjects()
        for uid in ("ada", "bob"):
            objects.plant(f"voice_samples/{uid}/orphan.wav", b"x")

        def references(uid):
            if uid == "ada":
                raise Unreadable("voices", "cd" * 32, "KeyError")
            return frozenset()

        shelf.references = references
        summary = self._run(shelf, objects=objects, deep=True)
        assert (summary.orphans, summary.unreadable) == (1, 1)
        assert set(objects.stored) == {"voice_samples/ada/orphan.wav"}

    def test_a_step_that_fails_keeps_no_other(self, shelf):
        objects = MemoryObjects()
        objects.plant("voice_samples/bob/orphan.wav", b"x")

        def leftovers(_older_than):
            raise TypeError

        shelf.leftovers = leftovers
        summary = self._run(shelf, objects=objects, deep=True)
        assert (summary.failed, summary.orphans) == (1, 1)
