import base64
import binascii
import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voxshelf.http.base64_text import NotBase64, decode_base64
from voxshelf.http.received import LongText, Spool

PIECE = 64 * 1024


def decoded(text: bytes) -> bytes:
    with Spool() as spool:
        decode_base64(LongText.of(text), spool)
        content = spool.content()
        return content.rewound().read()


@given(st.binary(max_size=300))
@example(b"")
def test_it_gives_back_what_was_encoded(data):
    assert decoded(base64.b64encode(data)) == data


@given(size=st.integers(PIECE * 3 // 4 - 6, PIECE * 3 // 4 + 6), prefix=st.booleans())
def test_it_does_so_wherever_a_piece_ends(size, prefix):
    data = bytes(index * 7 % 251 for index in range(size))
    start = b"data:audio/wav;base64," if prefix else b""
    assert decoded(start + base64.b64encode(data)) == data


@given(data=st.binary(min_size=1, max_size=200), width=st.integers(1, 80), end=st.sampled_from(
    [b"\n", b"\r\n", b" ", b"\t", b"\n\n"]
))  # fmt: skip
def test_line_breaks_may_stand_anywhere(data, width, end):
    text = base64.b64encode(data)
    lines = [text[start : start + width] for start in range(0, len(text), width)]
    assert decoded(end.join(lines) + end) == data


@pytest.mark.parametrize(
    "prefix",
    [
        "data:;base64,", "data:audio/wav;base64,", "data:audio/ogg; codecs=opus;base64,",
        "data:application/octet-stream;charset=utf-8;base64,",
        'data:audio/webm;codecs="opus,vp8";base64,', 'data:audio/mp4; codecs="mp4a.40.2";base64,',
        "DATA:AUDIO/WAV;BASE64,", "\ndata:audio/wav;base64,", " \r\n data:audio/wav;base64,\n",
    ],
)  # fmt: skip
def test_a_data_uri_is_taken(prefix):
    assert decoded(prefix.encode() + b"aGVsbG8=") == b"hello"


@given(data=st.binary(max_size=300), urlsafe=st.booleans(), padded=st.booleans())
def test_either_alphabet_is_taken_with_padding_or_without(data, urlsafe, padded):
    text = base64.urlsafe_b64encode(data) if urlsafe else base64.b64encode(data)
    assert decoded(text if padded else text.rstrip(b"=")) == data


@given(st.text("AZaz09+/=-_!, \n", max_size=40))
@example("=")
@example("====")
@example("AA==AA==")
@example("A")
@example("AAAA=")
@example("AA=A")
@example("AA=")
@example("AB")
@example("+-AA")
@example("data:audio/wav,AAAA")
def test_of_what_has_all_its_padding_it_takes_just_what_the_standard_library_takes(text):
    letters = text.translate(dict.fromkeys(map(ord, " \n\t\r"))).encode()
    one_alphabet = not (set(letters) & set(b"+/") and set(letters) & set(b"-_"))
    usual = letters.translate(bytes.maketrans(b"-_", b"+/"))
    try:
        expected = binascii.a2b_base64(usual, strict_mode=True)
        assert len(letters) % 4 == 0
        assert one_alphabet
    except (ValueError, AssertionError):
        lacks_padding = len(letters) % 4 in (2, 3)
        if not lacks_padding:
            with pytest.raises(NotBase64):
                decoded(text.encode())
        else:
            whole = usual.rstrip(b"=") + b"=" * (-len(usual.rstrip(b"=")) % 4)
            with contextlib.suppress(NotBase64):
                assert base64.b64encode(decoded(text.encode())) == whole
    else:
        assert decoded(text.encode()) == expected


@pytest.mark.parametrize(
    "text",
    ["A", "AAAAA", "AB", "AAC", "-/AA", "+_8=", "AA=A", "AA*=", "data:audio/wav,AAAA"],
)
def test_what_is_ambiguous_is_no_base64(text):
    with pytest.raises(NotBase64):
        decoded(text.encode())


@given(first=st.integers(0, 3), at=st.sampled_from([PIECE - 1, PIECE, 2 * PIECE + 5]))
def test_two_alphabets_are_refused_however_far_apart_they_are(first, at):
    text = bytearray(b"A" * (3 * PIECE))
    text[first], text[at] = ord("+"), ord("_")
    with pytest.raises(NotBase64):
        decoded(bytes(text))


@pytest.mark.parametrize("at", [PIECE - 4, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_nothing_may_follow_the_end_in_any_piece(at):
    text = bytearray(b"A" * (3 * PIECE))
    text[at] = ord("=")
    with pytest.raises(NotBase64):
        decoded(bytes(text))
