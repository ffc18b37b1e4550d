from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.library_contract import NOON, generation, voice
from voxshelf.core.edits import (
    UNCHANGED,
    GenerationEdit,
    VoiceEdit,
    changes_of,
    check_version,
    edited,
)
from voxshelf.core.errors import VersionConflict

LATER = datetime(2026, 2, 3, tzinfo=UTC)

TEXTS = st.text(max_size=5)
TAGS = st.lists(TEXTS, max_size=3).map(tuple)


def some(values):
    return values | st.just(UNCHANGED)


VOICE_EDITS = st.builds(
    VoiceEdit,
    name=some(TEXTS),
    description=some(TEXTS | st.none()),
    language=some(TEXTS | st.none()),
    tags=some(TAGS),
    favorite=some(st.booleans()),
    template_message=some(TEXTS | st.none()),
)
GENERATION_EDITS = st.builds(GenerationEdit, tags=some(TAGS), favorite=some(st.booleans()))
CASES = st.tuples(st.just(voice()), VOICE_EDITS) | st.tuples(
    st.just(generation("g")), GENERATION_EDITS
)


@given(CASES)
def test_editing_twice_is_editing_once(case):
    item, edit = case
    once = edited(item, edit, NOON)
    assert edited(once, edit, LATER) == once


@given(CASES)
def test_an_edit_changes_what_it_names_and_nothing_else(case):
    item, edit = case
    after, named = edited(item, edit, LATER), changes_of(edit)
    for field in fields(item):
        if field.name not in ("version", "updated_at"):
            expected = named.get(field.name, getattr(item, field.name))
            assert getattr(after, field.name) == expected


@given(CASES)
def test_a_version_is_counted_just_where_something_differs(case):
    item, edit = case
    after = edited(item, edit, LATER)
    if after == item:
        assert after is item
    else:
        assert (after.version, after.updated_at) == (item.version + 1, LATER)


@given(st.data(), VOICE_EDITS)
def test_edits_of_different_fields_come_to_the_same_in_either_order(data, edit):
    other = data.draw(VOICE_EDITS)
    left = dict.fromkeys(changes_of(edit), UNCHANGED)
    other = replace(other, **left)
    one = edited(edited(voice(), edit, LATER), other, LATER)
    two = edited(edited(voice(), other, LATER), edit, LATER)
    assert one == two


@pytest.mark.parametrize("versions", [None, {1}, {0, 1, 9}], ids=["any", "it", "among others"])
def test_the_right_version_may_be_edited(versions):
    check_version(voice(), None if versions is None else frozenset(versions))


@pytest.mark.parametrize("versions", [set(), {2}, {10, 11}], ids=["none", "next", "others"])
def test_another_version_is_refused_with_the_one_that_is_there(versions):
    with pytest.raises(VersionConflict) as refused:
        check_version(voice(), frozenset(versions))
    assert refused.value.item == voice()
    assert refused.value.details == {"version": 1}
