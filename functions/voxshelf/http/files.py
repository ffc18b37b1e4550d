"""The files of a request, under the names and in the forms in which clients send them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidRequest, invalid
from voxshelf.http.base64_text import NotBase64, decode_base64, decoded_bytes
from voxshelf.http.body import Fields
from voxshelf.http.form import Group
from voxshelf.http.received import LongText, Part, spool_in
from voxshelf.http.resources import Resources
from voxshelf.http.sent import NOTHING, nothing

# No audio and no profile begins with so many letters of base64.
_HEAD_BYTES = 256
# The header of a WAV file.
_SMALLEST_FILE_BYTES = 44
_BASE64_HEAD = re.compile(rb"\s*(?:data:.*|[A-Za-z0-9+/_\-\s]*=*\s*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FileNames:
    """The names of one file: as a file, which in JSON is base64, and those of base64 alone."""

    files: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """Return both."""
        return (*self.files, *self.texts)


AUDIO = FileNames(
    files=("audio_file", "audio", "file", "files", "sample", "recording"),
    # `audio_data` is what frontends that called RunPod themselves have named it.
    texts=("audio_base64", "audio_data"),
)
ARCHIVE = FileNames(
    files=("archive", "file", "archive_file", "files", "upload", "zip", "import", "data"), texts=()
)
PROFILE = FileNames(files=("profile_file", "profile"), texts=("profile_base64",))


def found_file(names: FileNames, fields: Fields) -> Content | None:
    """Return the file under one of the names, or None; an empty one counts as absent.

    Raises:
        InvalidRequest: naming the field; also when two of them hold different files.
    """
    found: tuple[str, Content] | None = None
    refused: list[InvalidRequest] = []
    for name, value in _sent(names, fields):
        # Others use these names for other things, too.
        is_alias = name in names.files[1:]
        try:
            if is_alias and _is_word(value):
                raise invalid(name, "a file")
            content = _content(name, value, fields.resources, is_file=name in names.files)
        except InvalidRequest as error:
            if not is_alias:
                raise
            refused.append(error)
            continue
        if content.size_bytes == 0:
            continue
        if found is not None and found[1].sha256 != content.sha256:
            raise InvalidRequest(
                f"Different files came as {found[0]} and {name}: send one.",
                details={"field": name},
            )
        found = found or (name, content)
    if found is None:
        if refused:
            raise refused[0]
        return None
    fields.warnings.extend(refused)
    return found[1]


def _sent(names: FileNames, fields: Fields) -> Iterator[tuple[str, Any]]:
    for name in names.all:
        raw = fields.files.get(name, fields.values.get(name))
        if isinstance(raw, Group) and raw.keyed:
            raise invalid(name, "one file, without a key")
        for value in raw.values if isinstance(raw, Group) else [raw]:
            word = _word_for_nothing(value)
            if word:
                fields.warnings.append(nothing(name, word))
            elif value is not None and value != "":
                yield name, value


def _is_word(value: Any) -> bool:
    """Tell whether what came can only be a word: a flag, the name of a file."""
    if isinstance(value, Part):
        return not value.file_name and value.spool.size_bytes < _SMALLEST_FILE_BYTES
    return isinstance(value, str) and len(value) < _SMALLEST_FILE_BYTES


def _word_for_nothing(value: Any) -> str | None:
    """Return what a script's form made of a file that is not there, if that is what came."""
    if not isinstance(value, Part) or value.file_name or value.spool.size_bytes > _HEAD_BYTES:
        return None
    word = value.head(_HEAD_BYTES).decode("ascii", "replace")
    return word if word in NOTHING else None


def _content(name: str, value: Any, resources: Resources, *, is_file: bool) -> Content:
    if isinstance(value, Content):
        return value
    if isinstance(value, Part):
        if (is_file or value.file_name) and not _is_base64(value, is_file=is_file):
            return value.spool.content()
        text = value.spool.text()
        content = _decoded(name, text, resources)
        # It is not there twice from now on.
        text.drop()
        resources.give_back(text.size_bytes)
        return content
    if isinstance(value, Mapping):
        # As some workers answer: `{"audio": {"data": ...}}`.
        value = value.get("base64") or value.get("data")
    if isinstance(value, str):
        value = LongText.of_text(value)
    if not isinstance(value, LongText):
        raise invalid(name, "base64 text")
    return _decoded(name, value, resources)


def _decoded(name: str, text: LongText, resources: Resources) -> Content:
    spool = spool_in(resources, decoded_bytes(text))
    try:
        decode_base64(text, spool)
    except NotBase64:
        raise invalid(name, "base64") from None
    return spool.content()


def _is_base64(part: Part, *, is_file: bool) -> bool:
    """Tell whether a part holds a file as base64 text.

    Under a file's name, one with a file name is the file itself, unless its header says otherwise.
    Else it may be either: a form's text field, or what a shell or a recorder put there.
    """
    if part.is_base64 or (is_file and part.file_name):
        return part.is_base64
    head = part.head(_HEAD_BYTES)
    return _BASE64_HEAD.fullmatch(head) is not None
