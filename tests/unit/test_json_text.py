import contextlib
import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxshelf.core.errors import InvalidRequest, Unavailable
from voxshelf.http.json_text import parse_object as parse_with_room
from voxshelf.http.received import LongText

LONG = 640 * 1024
MIB = 1024**2


def parse_object(body):
    return parse_with_room(body, lambda _: None)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.text(max_size=12), values, max_size=6)
base64_letters = st.sampled_from("ABCxyz019+/=")


def plain(value):
    """The parsed value with long texts as texts."""
    if isinstance(value, LongText):
        return value.piece(0, value.size_bytes).decode()
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return value


@given(objects, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_it_agrees_with_json_on_every_object(value, ascii_only, indent):
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        expected = json.loads(text.encode("utf-8"))
    except UnicodeEncodeError:
        return
    assert parse_object(bytearray(text.encode())) == expected


@settings(max_examples=40, deadline=None)
@given(objects, st.text(base64_letters, min_size=1, max_size=50), st.booleans(), st.data())
def test_long_texts_are_cut_out_and_everything_else_stays(value, letters, slashes, data):
    long = letters * (LONG // len(letters) + 2)
    names = data.draw(st.lists(st.text(max_size=8), min_size=1, max_size=2, unique=True))
    value = {**value, **dict.fromkeys(names, long), "consent": {"audio_base64": long, "n": 1}}
    text = json.dumps(value)
    body = bytearray((text.replace("/", "\\/") if slashes else text).encode())
    parsed = parse_object(body)
    assert all(isinstance(parsed[name], LongText) for name in names if name != "consent")
    assert plain(parsed) == json.loads(text)


@pytest.mark.parametrize("escape", ["\\/", "\\n", "\\u002b", "\\u003D", "\\\\", '\\"'])
@pytest.mark.parametrize("shift", range(7))
def test_escapes_are_undone_wherever_a_piece_ends(escape, shift):
    inner = "A" * shift + (escape + "BCD") * (LONG // 4)
    parsed = parse_object(bytearray(f'{{"a":"{inner}"}}'.encode()))
    assert plain(parsed["a"]) == json.loads(f'"{inner}"')


HALF = b'{"a":"' + b"A" * LONG
BOMBS = {
    "escaped quotes without end": HALF + b'\\"' * 10_000_000,
    "quotes without end": HALF + b'"' * 20_000_000,
    "a string without end": HALF + b"A" * 20_000_000,
    "a backslash at the end": HALF + b"\\",
    "a bad escape": HALF + b'\\x"}',
    "a bad escape late": HALF + b"\\/" * 1_000_000 + b'\\q"}',
    "half of an escape": HALF + b'\\u00"}',
    "lists in lists": b"[" * 20_000_000,
    "objects in objects": b'{"a":' * 5_000_000,
    "a list of lists": b'{"a":[' + b"[]," * 7_000_000 + b"[]]}",
    "a short list of lists": b'{"a":[' + b"[]," * 300_000 + b"[]]}",
    "a list of numbers": b'{"a":[' + b"1," * 10_000_000 + b"1]}",
    "a million names": b"{" + b'"a":1,' * 3_000_000 + b'"b":1}',
    "digits without end": b'{"a":' + b"9" * 20_000_000 + b"}",
    "spaces": b" " * 20_000_000 + b"{}",
    "a long text in a list": b'{"a":["' + b"A" * LONG * 2 + b'"]}',
    "a long text three objects deep": b'{"a":{"b":{"c":"' + b"A" * LONG * 2 + b'"}}}',
    "a long text as a name": b'{"' + b"A" * LONG * 2 + b'":1}',
    "a long text alone": b'"' + b"A" * LONG * 2 + b'"',
    "a long text twice under one name": HALF + b'AAA","a":"' + b"A" * LONG * 2 + b'"}',
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_refused_at_once(bomb):
    started = time.perf_counter()
    with pytest.raises(InvalidRequest):
        parse_object(bytearray(BOMBS[bomb]))
    assert time.perf_counter() - started < 2


WIDE = "\N{GRINNING FACE}".encode()
CROWDED = {
    "numbers": b'{"a":[' + b"1.5," * 199_000 + b"1]}",
    "small numbers": b'{"a":[' + b"1," * 199_000 + b"1]}",
    "little strings": b'{"a":[' + b",".join(b'"%x"' % n for n in range(49_000)) + b"]}",
    "names": b"{" + b",".join(b'"%x":1' % n for n in range(49_000)) + b"}",
    "objects": b'{"a":[' + b",".join(b'{"%x":1}' % n for n in range(9_990)) + b"]}",
    "lists": b'{"a":[' + b"[1.5]," * 9_990 + b"1]}",
    "wide letters": b'{"a":"' + b"a" * 500_000 + WIDE + b'"}',
}


@pytest.mark.parametrize("crowded", CROWDED)
def test_what_a_text_becomes_takes_no_more_than_the_room_that_is_made_for_it(crowded):
    body, taken = bytearray(CROWDED[crowded]), []
    tracemalloc.start()
    try:
        assert parse_with_room(body, taken.append)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert MIB < peak <= sum(taken)


def test_there_must_be_room_before_a_text_is_parsed():
    def no_room(_):
        raise Unavailable("no room")

    with pytest.raises(Unavailable):
        parse_with_room(bytearray(b"not even JSON"), no_room)


def test_a_byte_order_mark_before_the_text_is_ignored():
    assert parse_object(bytearray("\ufeff{}".encode())) == {}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e999}', '{"a":1,"a":1}',
        '{"a":{"b":1,"b":2}}', '{"a":' + "1" * 31 + "}", "[]", "1", '""', "null", "", "{", "{}x",
        "{'a':1}", '{"a":1,}', '{"a":01}', '{"a":"\n"}',
    ],
)  # fmt: skip
def test_what_is_not_interoperable_json_is_refused(text):
    with pytest.raises(InvalidRequest):
        parse_object(bytearray(text.encode()))


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_refused(data):
    with contextlib.suppress(InvalidRequest):
        assert isinstance(parse_object(bytearray(data)), dict)
