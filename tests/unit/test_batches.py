"""How batches are sized: by what Firestore's rules say of each item, and smaller when refused."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from google.api_core.exceptions import FailedPrecondition, InvalidArgument

from benchmarks.index_costs import long_generation, long_voice, saved, spoken, tags
from benchmarks.index_entries import IndexedDocument, document_bytes
from tests.contracts.library_contract import NOON
from voxshelf.adapters import documents
from voxshelf.adapters.firestore_batches import (
    MAX_BATCH_BYTES,
    MAX_ITEMS,
    OTHER_ENTRIES,
    TAG_INDEXES,
    TERM_INDEXES,
    weight_of,
    write_all,
    write_some,
)
from voxshelf.core.trash import Trash

INDEXES = json.loads((Path(__file__).parents[2] / "firestore.indexes.json").read_text())
LONG_NAME = "Ein ältlicher Name №1234567890 " * 3
ITEMS = {
    "a generation of a sentence": spoken(),
    "a generation of 500 words": long_generation(()),
    "a generation of 500 words and 20 tags": long_generation(tags()),
    "a generation without words": replace(spoken(), text=None, voice_name="A"),
    "a generation of the longest text": replace(
        long_generation(()), text="話" * 50_000, voice_name=LONG_NAME
    ),
    "a generation with long ids": replace(
        long_generation(tags()), generation_id="g" * 128, voice_id="v" * 128
    ),
    "a voice of 1,000 characters and 20 tags": long_voice(),
    "a voice of a long name": replace(long_voice(), name=LONG_NAME, tags=()),
}


def deleted(document):
    note = Trash(None, NOON, NOON, deleted_with="voice_a")
    added = {"status": "deleting", "trash": documents.from_trash(note), "unsettled_since": NOON}
    return changed(document, **added, withdrawn=NOON)


def renamed(document):
    item = replace(documents.to_generation(document.fields), voice_name=f"{LONG_NAME}!")
    return changed(document, **documents.from_item(item))


def gone(document):
    return changed(document, replaced={})


def changed(document, *, replaced=None, **fields):
    after = {**document.fields, **fields} if replaced is None else replaced
    return IndexedDocument(document.path, after, document.indexes)


def touched(before, after):
    """Return the bytes that a write touches, by Firestore's documented rules."""
    entries = [before.entries(), after.entries()]
    moved = entries[0].keys() ^ entries[1].keys()
    sizes = entries[0] | entries[1]
    bodies = sum(document_bytes(one.path, one.fields) for one in (before, after) if one.fields)
    return sum(sizes[entry] for entry in moved) + bodies


@pytest.mark.parametrize("kind", ["voices", "generations"])
@pytest.mark.parametrize(("array", "most"), [("tags", TAG_INDEXES), ("terms", TERM_INDEXES)])
def test_an_array_stands_in_no_more_indexes_than_are_counted(kind, array, most):
    holding = [
        index
        for index in INDEXES["indexes"]
        if index["collectionGroup"] == kind
        and array in {each["fieldPath"] for each in index["fields"]}
    ]
    assert 0 < len(holding) <= most


@pytest.mark.parametrize(
    "item", [spoken(), replace(long_voice(), tags=())], ids=["speech", "voice"]
)
def test_an_item_has_no_more_other_entries_than_are_counted(item):
    document = saved(item)
    beside = len(document.fields["terms"]) + TAG_INDEXES * len(document.fields["tags"])
    assert len(document.entries()) - beside <= OTHER_ENTRIES


def snapshot(document):
    return SimpleNamespace(
        reference=SimpleNamespace(path=document.path), to_dict=lambda: document.fields
    )


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
@pytest.mark.parametrize("write", [deleted, renamed, gone], ids=["deleted", "renamed", "gone"])
def test_no_write_of_an_item_touches_more_than_its_weight(item, write):
    before = saved(item)
    if write is renamed and "generation_id" not in before.fields:
        pytest.skip("the name of a voice is edited by itself")
    assert touched(before, write(before)) <= weight_of(snapshot(before))
    assert touched(write(before), before) <= weight_of(snapshot(before))


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS.keys())
def test_a_weight_is_not_far_from_what_a_deletion_touches(item):
    before = saved(item)
    assert weight_of(snapshot(before)) < 1.7 * touched(before, deleted(before)) + 20_000


def test_a_document_that_lacks_fields_has_a_weight_too():
    assert weight_of(snapshot(IndexedDocument("users/u/voices/v", {"odd": [None]}, INDEXES))) > 0
    assert weight_of(SimpleNamespace(reference=SimpleNamespace(path="p"), to_dict=dict)) > 0


def stub(size):
    fields = {"text": "x" * size}
    return snapshot(IndexedDocument("users/u/generations/g", fields, INDEXES))


class Writes:
    """Writes of batches that are refused when they have more than `most` items."""

    def __init__(self, most=MAX_ITEMS):
        self.most, self.batches = most, []

    def __call__(self, items):
        if len(items) > self.most:
            raise InvalidArgument("Transaction too big. Decrease transaction size.")
        self.batches.append(list(items))


def itself(item):
    return item


def test_heavy_items_go_in_few_and_light_ones_in_as_many_as_a_batch_may_have():
    heavy, light = Writes(), Writes()
    write_all([stub(MAX_BATCH_BYTES // 10)] * 12, itself, heavy)
    assert {len(batch) for batch in heavy.batches} == {4}
    write_all([stub(1)] * (MAX_ITEMS + 20), itself, light)
    assert [len(batch) for batch in light.batches] == [MAX_ITEMS, 20]


def test_one_item_that_is_heavier_than_a_batch_is_written_by_itself():
    writes = Writes()
    write_all([stub(MAX_BATCH_BYTES)] * 2, itself, writes)
    assert [len(batch) for batch in writes.batches] == [1, 1]


def test_what_is_too_big_all_the_same_is_made_smaller_and_all_is_written_in_order():
    writes, items = Writes(most=3), [stub(number) for number in range(20)]
    write_all(items, itself, writes)
    assert [one for batch in writes.batches for one in batch] == items
    assert max(len(batch) for batch in writes.batches) <= 3


def test_what_is_refused_by_itself_is_no_matter_of_size():
    with pytest.raises(InvalidArgument):
        write_all([stub(1)] * 8, itself, Writes(most=0))


def test_a_conflict_is_not_made_smaller():
    calls = []

    def conflict(items):
        calls.append(len(items))
        raise FailedPrecondition("changed")

    with pytest.raises(FailedPrecondition):
        write_all([stub(1)] * 8, itself, conflict)
    assert calls == [8]


def test_some_of_nothing_is_one_write_of_nothing():
    writes = Writes()
    assert write_some([], itself, writes) == 0
    assert writes.batches == [[]]
