import contextlib
import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxshelf.core.errors import InvalidRequest
from voxshelf.http.multipart import MAX_PARTS, read_form
from voxshelf.http.received import LongText, NotText
from voxshelf.http.resources import Resources
from voxshelf.use_cases.budget import Budget

BOUNDARY = b"----boundary"


class Dribble(io.RawIOBase):
    """A stream that gives `size` bytes at a time, however many are asked for."""

    def __init__(self, data: bytes, size: int) -> None:
        self._stream, self._size = io.BytesIO(data), size

    def read(self, size: int = -1) -> bytes:
        return self._stream.read(min(size, self._size))


def part(name: str, value: bytes, file_name: str | None = None) -> bytes:
    file = "" if file_name is None else f'; filename="{file_name}"'
    head = f'Content-Disposition: form-data; name="{name}"{file}'.encode()
    return b"--" + BOUNDARY + b"\r\n" + head + b"\r\n\r\n" + value + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"


def read(body: bytes, step: int = 10**9, boundary: str = BOUNDARY.decode()):
    """Return names and bytes of the parts."""
    with Resources(Budget(0)) as resources:
        found = list(read_form(Dribble(body, step), boundary, resources))
        return [(name, part.spool.content().rewound().read()) for name, part in found]


def read_part(*head: str, value: bytes = b"v"):
    """Return the one part of a form with these header lines, and its text if it has one."""
    with Resources(Budget(0)) as resources:
        lines = "".join(f"\r\n{line}" for line in head).encode()
        body = b"--" + BOUNDARY + lines + b"\r\n\r\n" + value + b"\r\n" + form()
        ((_, part),) = read_form(Dribble(body, 10**9), BOUNDARY.decode(), resources)
        try:
            text = part.text()
        except NotText:
            return part, None
        return part, text.piece(0, text.size_bytes) if isinstance(text, LongText) else text


names = st.text("abcdefgh_", min_size=1, max_size=10)
hostile_bytes = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"--", b"----bound", b"\r\n----boundar", b"\0", b"x"])
    | st.binary(max_size=30),
    max_size=20,
).map(b"".join)


@given(
    texts=st.dictionaries(names, st.text(max_size=50), max_size=5),
    audio=hostile_bytes,
    step=st.integers(1, 40),
)
def test_what_was_sent_is_read_however_it_arrives(texts, audio, step):
    parts = [part(name, text.encode("utf-8", "replace")) for name, text in texts.items()]
    body = form(*parts, part("audio_file", audio, "a.wav"))
    expected = [(name, text.encode("utf-8", "replace")) for name, text in texts.items()]
    if b"--" + BOUNDARY not in audio:
        assert read(body, step) == [*expected, ("audio_file", audio)]


@pytest.mark.parametrize("size", [499_999, 500_001, 2_000_000])
def test_a_long_text_is_the_same_text(size):
    value = bytes(65 + index % 26 for index in range(size))
    _, text = read_part('Content-Disposition: form-data; name="audio_base64"', value=value)
    assert text in (value, value.decode())


def test_parts_with_one_name_are_all_there_in_order():
    body = form(part("a", b"1"), part("a", b"2"), part("audio_file", b"3", "x"), part("a", b"4"))
    assert read(body) == [("a", b"1"), ("a", b"2"), ("audio_file", b"3"), ("a", b"4")]


NAMED = 'Content-Disposition: form-data; name="voice_name"'


@pytest.mark.parametrize(
    ("head", "value", "text"),
    [
        ([NAMED], b"Zo\xc3\xab", "Zoë"),
        ([NAMED, "Content-Type: text/plain; charset=utf-8"], b"Zo\xc3\xab", "Zoë"),
        ([NAMED, 'Content-Type: text/plain; charset="ISO-8859-1"'], b"Zo\xeb", "Zoë"),
        ([NAMED, "Content-Type: text/plain; charset=UTF-16LE"], b"Z\0o\0", "Zo"),
        ([NAMED + '; filename="blob"', "Content-Type: text/plain"], b"Ada", "Ada"),
        (["Content-Disposition: form-data; name=voice_name"], b"Ada", "Ada"),
        ([NAMED], b"Zo\xeb", None),
        ([NAMED, "Content-Type: text/plain; charset=klingon"], b"Ada", None),
        ([NAMED, 'Content-Type: text/plain; charset="a\0b"'], b"Ada", None),
        ([NAMED, "Content-Type: text/plain; charset=punycode"], b"a-b" * 99, None),
        ([NAMED, "Content-Transfer-Encoding: base64"], b"Wm/Dqw==", "Zoë"),
        ([NAMED, "Content-Transfer-Encoding: Quoted-Printable"], b"Zo=C3=AB", "Zoë"),
        ([NAMED, "Content-Transfer-Encoding: base64"], b"A", None),
    ],
    ids=[
        "none",
        "utf-8",
        "latin-1",
        "utf-16",
        "a file name",
        "no quotes",
        "wrong",
        "unknown",
        "NUL",
        "punycode",
        "base64",
        "quoted-printable",
        "no base64",
    ],
)
def test_a_text_is_read_in_the_encoding_that_its_part_names(head, value, text):
    assert read_part(*head, value=value)[1] == text


def test_a_part_without_a_name_has_the_empty_one():
    head = b"--" + BOUNDARY + b"\r\nContent-Disposition: form-data\r\n\r\nv\r\n"
    assert read(head + form()) == [("", b"v")]


def test_a_part_tells_what_its_header_says_of_it():
    part, _ = read_part(NAMED + '; filename="a.wav"', "Content-Transfer-Encoding: BASE64")
    assert (part.file_name, part.is_base64) == ("a.wav", True)
    part, _ = read_part(NAMED)
    assert (part.file_name, part.is_base64) == (None, False)


HEAD = b"--" + BOUNDARY + b'\r\nContent-Disposition: form-data; name="n"'
BROKEN = {
    "nothing": b"",
    "no boundary in it": b"hello" * 1000,
    "no end": part("a", b"1"),
    "an end within a value": part("a", b"1")[:-5],
    "an end within a header": HEAD,
    "no disposition": b"--" + BOUNDARY + b"\r\nX: y\r\n\r\nv\r\n" + form(),
    "a header that is not UTF-8": HEAD + b"\r\nX: \xff\r\n\r\nv\r\n" + form(),
    "too many parts": form(*(part(f"n{number}", b"v") for number in range(MAX_PARTS + 1))),
    "10,000 parts": form(*(part(f"n{number}", b"v") for number in range(10_000))),
    "a header of 20 MB": HEAD + b"\r\nX: " + b"y" * 20_000_000,
    "parameters without end": (HEAD + b';a="\\"' * 3_000 + b"\r\n\r\nv\r\n") * 60 + form(),
    "boundaries without line breaks": (b"\r\n--" + BOUNDARY + b"  ") * 500_000,
    "carriage returns": HEAD + b"\r\n\r\n" + b"\r" * 20_000_000,
    "20 MB before the first part": b"\r\n" * 10_000_000 + form(part("a", b"1")),
    "20 MB after the last part": form(part("a", b"1")) + b"\r\n" * 10_000_000,
}


@pytest.mark.parametrize("body", BROKEN)
def test_a_damaged_form_is_refused_at_once(body):
    started = time.perf_counter()
    with pytest.raises(InvalidRequest):
        read(BROKEN[body])
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("boundary", ["", "x" * 20_000, "\r\n", "ünï", "(.*)+", "--", "\0"])
def test_any_boundary_is_only_text(boundary):
    with contextlib.suppress(InvalidRequest):
        read(b"--\r\n" + form(part("a", b"1")), boundary=boundary)
    with contextlib.suppress(InvalidRequest):
        read(form(part("a", b"1")).replace(BOUNDARY, boundary.encode()), boundary=boundary)


@pytest.mark.parametrize("behind", [b"", b"\r\n" * 50], ids=["", "more behind the end"])
@pytest.mark.parametrize("more", range(-60, 40))
def test_a_file_is_the_same_wherever_the_pieces_end(more, behind):
    head = part("a", b"1") + part("audio_file", b"", "a.wav")
    audio = b"A" * (8192 * 2 - len(head) + more)
    body = form(part("a", b"1"), part("audio_file", audio, "a.wav")) + behind
    assert read(body) == [("a", b"1"), ("audio_file", audio)]


@given(st.binary(max_size=300), st.integers(1, 30))
def test_any_bytes_are_a_form_or_refused(data, step):
    with contextlib.suppress(InvalidRequest):
        read(HEAD + data, step)
