"""Exports that other programs have unpacked and packed again: taken, whatever they add."""

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.test_damaged_archives import ENTRIES, bring
from voxshelf.core.archive_names import leading_folder, plain_name
from voxshelf.core.errors import InvalidRequest

BOM = b"\xef\xbb\xbf"
LINES, HEADER = ENTRIES["items.jsonl"], ENTRIES["voxshelf-export.json"]
JUNK = {
    "__MACOSX/._items.jsonl": b"\0\5\x16\7",
    "library/__MACOSX/voices/1/._sample.wav": b"\0",
    "library/.DS_Store": b"\0\0\0\1Bud1",
    "library/voices/Thumbs.db": b"\xd0\xcf",
    "library/voices/1/desktop.ini": b"[.ShellClassInfo]",
}


def zipped(entries, method=zipfile.ZIP_STORED, **options):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method, **options) as archive:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name)
            # Given as text, the library would write its own separators.
            entry.filename, entry.compress_type = name, method
            archive.writestr(entry, data)
    return file.getvalue()


def renamed(to):
    return {to(name): data for name, data in ENTRIES.items()}


def streamed(entries):
    """Return an archive whose lengths stand behind each file, as those that are piped have it."""

    class Pipe(io.BytesIO):
        def seekable(self):
            return False

        def seek(self, *_):
            raise OSError

        def tell(self):
            raise OSError

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return pipe.getvalue()


def zip64(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(data)
    return file.getvalue()


WAYS = {
    "in a folder": zipped(renamed(lambda name: f"library/{name}")),
    "in folders within folders": zipped(renamed(lambda name: f"My Files/音/{name}")),
    "with ./ before each name": zipped(renamed(lambda name: f"./{name}")),
    "with backslashes": zipped(renamed(lambda name: name.replace("/", "\\"))),
    "in a folder with backslashes": zipped(
        renamed(lambda name: f"library\\{name}".replace("/", "\\"))
    ),
    "with entries for folders": zipped(
        {"library/": b"", "library/voices/": b"", **renamed(lambda name: f"library/{name}")}
    ),
    "with what systems leave behind": zipped({**JUNK, **renamed(lambda name: f"library/{name}")}),
    "beside other files": zipped({"README.txt": b"x", **renamed(lambda name: f"library/{name}")}),
    "with the files first or last": zipped(dict(reversed(ENTRIES.items()))),
    "with one file twice": None,
    "deflated little": zipped(ENTRIES, zipfile.ZIP_DEFLATED, compresslevel=1),
    "deflated much": zipped(ENTRIES, zipfile.ZIP_DEFLATED, compresslevel=9),
    "piped": streamed(ENTRIES),
    "in the wide form": zip64(ENTRIES),
    "with a comment": zipped(ENTRIES),
    "behind other bytes": b"#!/bin/sh\n" + zipped(ENTRIES),
    "with a byte order mark": zipped(
        {**ENTRIES, "items.jsonl": BOM + LINES, "voxshelf-export.json": BOM + HEADER}
    ),
    "with line ends of Windows": zipped({**ENTRIES, "items.jsonl": LINES.replace(b"\n", b"\r\n")}),
    "with empty lines": zipped({**ENTRIES, "items.jsonl": b"\r\n" + LINES + b"\n \r\n\n"}),
    "without a last line end": zipped({**ENTRIES, "items.jsonl": LINES.rstrip(b"\n")}),
}


def twice():
    file = io.BytesIO(zipped(ENTRIES))
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(file, "a") as archive:
        archive.writestr("items.jsonl", LINES)
    return file.getvalue()


@pytest.mark.parametrize("way", WAYS)
def test_an_export_that_was_packed_anew_is_brought_in(way):
    assert bring(WAYS[way] or twice()) == ["imported"] * 3


REFUSED = {
    "two exports in two folders": {
        **renamed(lambda name: f"a/{name}"),
        **renamed(lambda name: f"b/{name}"),
    },
    "two files that are one behind backslashes": {
        **ENTRIES,
        **{name.replace("/", "\\"): b"other" for name in ENTRIES if "/" in name},
    },
    "a name that leads out": {**ENTRIES, "../voxshelf": b""},
    "a name that leads out on Windows": {**ENTRIES, "voices\\..\\..\\x": b""},
    "a name from the root": {**ENTRIES, "/etc/passwd": b""},
    "a drive": {**ENTRIES, "C:\\x": b""},
}


@pytest.mark.parametrize("entries", REFUSED.values(), ids=REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(entries):
    assert bring(zipped(entries)) == "invalid_request"


@given(st.text(st.sampled_from("a.b/\\:C "), max_size=12))
def test_a_plain_name_never_leads_anywhere_and_stays_as_it_is(name):
    try:
        plain = plain_name(name)
    except InvalidRequest:
        return
    if plain is not None:
        assert "\\" not in plain
        assert not {"", ".", ".."} & set(plain.split("/"))
        assert plain_name(plain) == plain


def test_without_one_header_there_is_no_leading_folder():
    assert leading_folder(["a/x", "b/y"]) == ""
    assert leading_folder(["a/voxshelf-export.json", "b/voxshelf-export.json"]) == ""
    assert leading_folder(["a/b/voxshelf-export.json"]) == "a/b/"
