import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voxshelf.core.errors import InvalidRequest
from voxshelf.core.query import Cursor
from voxshelf.http.page_tokens import PageTokens

TEXTS = st.text(max_size=60)


@given(uid=TEXTS, query=TEXTS, value=TEXTS, item_id=TEXTS)
def test_a_token_opens_to_the_cursor_that_it_was_made_of(uid, query, value, item_id):
    tokens = PageTokens("key", uid, query)
    assert tokens.read(tokens.make(Cursor(value, item_id))) == Cursor(value, item_id)


@given(st.tuples(TEXTS, TEXTS, TEXTS), st.tuples(TEXTS, TEXTS, TEXTS))
def test_a_token_opens_with_no_other_key_user_or_query(made, read):
    assume(made != read)
    # An empty key cannot be configured.
    token = PageTokens(f"k{made[0]}", *made[1:]).make(Cursor("2026", "id"))
    with pytest.raises(InvalidRequest):
        PageTokens(f"k{read[0]}", *read[1:]).read(token)


@given(token=st.text(max_size=200))
def test_no_invented_token_opens(token):
    with pytest.raises(InvalidRequest):
        PageTokens("key", "ada", "voices").read(token)


@given(data=st.data())
def test_no_changed_token_opens(data):
    tokens = PageTokens("key", "ada", "voices")
    token = tokens.make(Cursor("2026-01-01T00:00:00+00:00", "voice_a"))
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_."))
    changed = token[:place] + letter + token[place + 1 :]
    assume(changed != token)
    # The last letter of base64 carries bits that mean nothing: such a change is none.
    assume(place < len(token) - 1)
    with pytest.raises(InvalidRequest):
        tokens.read(changed)
