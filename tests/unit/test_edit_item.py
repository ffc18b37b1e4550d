"""Editing and renaming as use cases, and what reconcile finishes of a rename."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.sounds import content, wav
from tests.unit.test_reconcile import Crash, CrashingShelf, found
from voxshelf.core.edits import GenerationEdit, VoiceEdit
from voxshelf.core.errors import Unavailable, VersionConflict
from voxshelf.core.query import ListQuery
from voxshelf.use_cases.edit_item import EditItem, edit_item
from voxshelf.use_cases.ports import Renaming
from voxshelf.use_cases.rename_generations import rename_generations

INDEXES = json.loads((Path(__file__).parents[2] / "firestore.indexes.json").read_text())


@pytest.fixture
def shelf():
    """Return a library whose voice has spoken five times; two are rewritten at once."""
    shelf = CrashingShelf()
    shelf.library.renamed_at_once = 2
    shelf.save()
    for number in range(5):
        shelf.speak(text=str(number))
    return shelf


def rename(library, name="New", versions=None):
    return edit_item(EditItem("ada", "voice_a", VoiceEdit(name=name), versions), library=library)


def kept_names(shelf):
    """Return the names under which the generations are kept: by these they are sorted."""
    records = shelf.library.records.items()
    return [record.ready.voice_name for key, record in records if key[1] == "generations"]


class Failing:
    """A library that is not to be reached after some batches of a rename."""

    def __init__(self, library, batches):
        self._library, self._batches = library, batches

    def __getattr__(self, name):
        return getattr(self._library, name)

    def rename_generations(self, renaming):
        going = self._library.rename_generations(renaming)
        for _ in range(self._batches):
            yield next(going)
        raise Unavailable


def test_a_rename_is_done_with_everything_before_it_is_answered(shelf):
    assert rename(shelf.library).name == "New"
    assert kept_names(shelf) == ["New"] * 5
    assert found(shelf.reconcile())


def test_another_edit_of_a_voice_spreads_no_name(shelf):
    shelf.library.rename_generations = None
    command = EditItem("ada", "voice_a", VoiceEdit(favorite=True))
    assert edit_item(command, library=shelf.library).favorite


def test_an_edit_of_a_generation_is_one_of_a_generation(shelf):
    (newest,) = shelf.library.generations("ada", ListQuery(page_size=1)).items
    command = EditItem("ada", newest.generation_id, GenerationEdit(favorite=True))
    assert edit_item(command, library=shelf.library).favorite
    assert shelf.library.generation("ada", newest.generation_id).favorite


def test_a_conflict_renames_nothing(shelf):
    with pytest.raises(VersionConflict):
        rename(shelf.library, versions=frozenset({7}))
    assert shelf.library.voice("ada", "voice_a").name == "A"
    assert found(shelf.reconcile())


def test_what_takes_longer_than_the_patience_is_left_to_reconcile(shelf):
    shelf.library.edit("ada", "voices", "voice_a", lambda item, _: replace(item, name="New"))
    saved_at = shelf.library.voice("ada", "voice_a").saved_at
    rename_generations(Renaming("ada", "voice_a", saved_at), shelf.library, patience_s=0)
    assert kept_names(shelf) == ["New"] * 2 + ["A"] * 3
    assert found(shelf.reconcile(later=timedelta(seconds=1)))
    assert found(shelf.reconcile(), renamed=3)
    assert kept_names(shelf) == ["New"] * 5
    assert found(shelf.reconcile())


@pytest.mark.parametrize("batches", range(3))
def test_a_database_that_fails_meanwhile_fails_no_rename(shelf, batches):
    assert rename(Failing(shelf.library, batches)).name == "New"
    assert found(shelf.reconcile(), renamed=5 - 2 * batches)
    assert kept_names(shelf) == ["New"] * 5


def test_one_more_rename_to_the_same_name_goes_on_with_the_first(shelf):
    rename(Failing(shelf.library, 1))
    assert rename(shelf.library).version == 2
    assert kept_names(shelf) == ["New"] * 5


def test_a_rename_that_died_is_finished(shelf):
    shelf.steps_left = 1
    with pytest.raises(Crash):
        rename(shelf.dying(shelf.library))
    assert shelf.library.voice("ada", "voice_a").name == "New"
    assert kept_names(shelf) == ["A"] * 5
    assert found(shelf.reconcile(), renamed=5)
    shelf.check()


def test_reconcile_that_cannot_finish_a_rename_finishes_the_rest(shelf):
    rename(Failing(shelf.library, 0))
    sound, shelf.library = shelf.library, Failing(shelf.library, 1)
    assert found(shelf.reconcile(), renamed=2, failed=1)
    shelf.library = sound
    assert found(shelf.reconcile(), renamed=3)


def test_a_voice_that_is_replaced_under_another_name_is_renamed_when_it_is_answered(shelf):
    shelf.save(name="New", sample=content(wav(2.0)), replace=True)
    assert kept_names(shelf) == ["New"] * 5
    assert found(shelf.reconcile())


def test_a_replacement_that_died_after_it_was_confirmed_is_finished(shelf):
    with pytest.raises(Crash):
        shelf.save_and_die(5, name="New", sample=content(wav(2.0)), replace=True)
    assert shelf.library.voice("ada", "voice_a").name == "New"
    assert kept_names(shelf) == ["A"] * 5
    assert found(shelf.reconcile(), renamed=5)
    shelf.check()


def test_the_search_for_unfinished_renames_has_its_index():
    declared = {
        (one["collectionGroup"], one["fieldPath"]): one["indexes"]
        for one in INDEXES["fieldOverrides"]
    }
    of_all_users = {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}
    assert declared["renamings", "since"] == [of_all_users]
    # Speech that was begun before a rename is looked for among one user's alone.
    assert {"order": "ASCENDING", "queryScope": "COLLECTION"} in declared[
        "generations", "unsettled_since"
    ]
