"""What is asked for decides whether two requests are one: never the order in which it was said."""

import ast
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.fingerprint import fingerprint

PACKAGE = Path(__file__).parents[2] / "functions" / "voxshelf"
SCALARS = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)
CONTENTS = st.dictionaries(st.text(), VALUES, max_size=6)


def shuffled(value, dice):
    """Return the same content, its objects filled in another order at every depth."""
    if isinstance(value, dict):
        items = [(name, shuffled(item, dice)) for name, item in value.items()]
        dice.shuffle(items)
        return dict(items)
    return [shuffled(item, dice) for item in value] if isinstance(value, list) else value


@given(CONTENTS, st.randoms(use_true_random=False))
def test_the_order_of_fields_makes_no_difference_at_any_depth(content, dice):
    assert fingerprint(shuffled(content, dice)) == fingerprint(content)


@given(CONTENTS, CONTENTS)
def test_other_content_has_another_fingerprint(one, other):
    # To Python, 1, 1.0 and True are equal; as content they are not.
    same = repr(shuffled(one, random.Random(1))) == repr(shuffled(other, random.Random(1)))
    assert (fingerprint(one) == fingerprint(other)) == same or one == other


def test_the_order_of_a_list_is_content():
    assert fingerprint({"tags": ["a", "b"]}) != fingerprint({"tags": ["b", "a"]})
    assert fingerprint({"tags": ("a", "b")}) == fingerprint({"tags": ["a", "b"]})


@pytest.mark.parametrize("value", [object(), {"a"}, b"bytes", Path("x"), iter([1])], ids=type)
def test_what_is_not_like_json_has_no_fingerprint(value):
    with pytest.raises(TypeError):
        fingerprint({"field": {"deep": [value]}})


def test_nothing_of_ours_is_made_of_the_text_that_python_shows_of_a_value():
    """Only messages for people may quote values: they may change with the code at any time."""
    calls = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "repr"
    ]
    assert calls == []
