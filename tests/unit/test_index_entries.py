"""How many index entries a save writes, by Firestore's documented rules."""

import pytest

from benchmarks.index_costs import (
    MAX_ENTRIES,
    MAX_TAGS,
    in_every_order,
    long_generation,
    long_voice,
    saved,
    tags,
)
from benchmarks.index_entries import IndexedDocument
from voxshelf.core.search import MAX_TERMS
from voxshelf.http import fields

# The documentation's own example of entries and of their sizes.
TASK = {"type": "Personal", "done": False, "priority": 1, "description": "Learn Cloud Firestore"}
TASK_PATH = "users/jeff/tasks/my_task_id"
# Firestore's for one document: https://firebase.google.com/docs/firestore/quotas#indexes
MOST_BYTES, MOST_ENTRIES = 8 * 1024**2, 40_000


def sizes(*indexes, overrides=(), **values):
    file = {"indexes": indexes, "fieldOverrides": overrides}
    return sorted(IndexedDocument(TASK_PATH, values, file).entry_sizes())


def override(path, *modes):
    return {"collectionGroup": "tasks", "fieldPath": path, "indexes": list(modes)}


def composite(*paths, scope="COLLECTION", group="tasks", **how):
    ascending = [{"fieldPath": path, "order": "ASCENDING"} for path in paths]
    contains = [{"fieldPath": path, "arrayConfig": "CONTAINS"} for path in how.get("arrays", ())]
    return {"collectionGroup": group, "queryScope": scope, "fields": ascending + contains}


def test_a_single_field_is_an_entry_each_way_of_the_documented_size():
    assert sizes(done=False) == [109, 109]


def test_an_entry_for_a_collection_group_has_its_documented_size():
    mode = {"order": "ASCENDING", "queryScope": "COLLECTION_GROUP"}
    assert sizes(done=False, overrides=[override("done", mode)]) == [98]


def test_an_entry_of_a_composite_index_has_its_documented_size():
    exempt = [override(path) for path in TASK]
    of_both = composite("done", "priority")
    assert sizes(of_both, overrides=exempt, **TASK) == [112]
    for_groups = composite("done", "priority", scope="COLLECTION_GROUP")
    assert sizes(for_groups, overrides=exempt, **TASK) == [85]


def test_a_document_without_a_field_or_of_another_collection_is_in_no_such_index():
    assert (
        sizes(composite("done", "due"), composite("done", group="notes"), done=False) == [109] * 2
    )


def test_an_array_is_an_entry_each_way_and_one_for_each_different_element():
    assert len(sizes(words=["a", "b", "a"])) == 2 + 2
    exempt = [override("words")]
    assert sizes(overrides=exempt, words=["a", "b"]) == []
    both = composite("done", arrays=["words"])
    assert len(sizes(both, overrides=[*exempt, override("done")], words=["a", "b"], done=True)) == 2


def test_a_map_is_indexed_as_a_whole_and_by_its_fields_unless_it_is_exempt():
    audio = {"path": "p", "peaks": [1, 2], "more": {"rate": 1}}
    assert len(sizes(audio=audio)) == 2 + 2 + (2 + 2) + (2 + 2)
    assert sizes(overrides=[override("audio")], audio=audio) == []


@pytest.mark.parametrize(
    "item",
    [long_generation(()), long_generation(tags()), long_voice()],
    ids=["generation", "generation with tags", "voice"],
)
def test_a_long_item_makes_no_more_entries_than_are_wanted(item):
    document = saved(item)
    assert len(document.fields["terms"]) > MAX_TERMS * 0.9
    assert len(document.entry_sizes()) <= MAX_ENTRIES
    assert sum(document.entry_sizes()) < MOST_BYTES / 50


def test_terms_in_every_order_would_be_ten_times_as_many():
    document = in_every_order(saved(long_generation(())))
    assert 10 * MAX_TERMS < len(document.entry_sizes()) < MOST_ENTRIES


def test_the_items_are_as_large_as_requests_may_make_them():
    assert len(tags()) == MAX_TAGS == fields.MAX_TAGS
    assert {len(tag) for tag in tags()} == {fields.MAX_TAG_CHARACTERS}
    assert len(long_voice().description or "") == 1_000
    assert len(set((long_generation(()).text or "").split())) == 500
