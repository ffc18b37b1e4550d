"""Single fields, parsed: from parts of a form or JSON values to what the use cases take.

Forms can only send text, so numbers, flags, lists and objects are taken as JSON text too.
Every refusal names the field.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeGuard, TypeVar

from voxshelf.core.content import Content, Source, Upload
from voxshelf.core.errors import InvalidRequest, invalid
from voxshelf.core.items import Scalar
from voxshelf.core.language import canonical
from voxshelf.core.names import is_valid_id
from voxshelf.http import notes
from voxshelf.http.body import Fields
from voxshelf.http.files import FileNames, found_file
from voxshelf.http.flags import read_flag
from voxshelf.http.received import LongText, spool_in
from voxshelf.http.sent import Sent

T = TypeVar("T")

UPLOADS = "uploads/"

MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MAX_PARAMETERS = 50
MAX_PARAMETER_CHARACTERS = 1_000

# The integers that Firestore keeps.
_MAX_INTEGER = 2**63 - 1


class FieldReader:
    """Reads the fields of one request; those of a RunPod job's `metadata` stand behind them.

    A `lenient` one is for what cannot be made again, such as speech that was paid for: a side
    note that cannot be kept is dropped, and `warnings` has the refusal that others would raise.
    """

    def __init__(self, fields: Fields, *, lenient: bool = False) -> None:
        """Take the fields as received."""
        self._fields, self._lenient = fields, lenient
        self.warnings = fields.warnings
        self._sent = Sent(fields.values, self._refuse)

    def text(
        self, *names: str, max_characters: int, multiline: bool = True, trim: bool = True
    ) -> str | None:
        """Return the text under one of the names; empty counts as absent.

        Of a text of several lines a lenient reader takes a number for its digits, and leaves out
        what cannot be kept.
        """
        sent = self._sent.one(*names, trim=trim)
        if sent is None:
            return None
        name, value = sent
        if self._lenient and multiline:
            value = str(value) if _is_number(value) else value
            if isinstance(value, str):
                value = self._cleaned(name, value)
            elif not isinstance(value, LongText):
                self._refuse(invalid(name, "text"), name)
                return None
        return _text(name, value, max_characters, multiline=multiline) or None

    def required_text(self, *names: str, max_characters: int) -> str:
        """Return the text under one of the names, on one line."""
        text = self.text(*names, max_characters=max_characters, multiline=False)
        if text is None:
            raise InvalidRequest(f"{names[0]} is required.", details={"field": names[0]})
        return text

    def item_id(self, name: str) -> str | None:
        """Return a client's id of a voice, or None."""
        value = self.text(name, max_characters=128, multiline=False)
        if value is not None and not is_valid_id(value):
            raise invalid(name, "letters, digits, '_', '-' and '.', at most 128 of them")
        return value

    def is_own(self, name: str) -> bool:
        """Tell whether the request itself has a field, not only the metadata of a job."""
        return self._sent.is_own(name)

    def runpod_job_id(self, name: str) -> str | None:
        """Return RunPod's id of a job, or None; some workers number theirs."""
        return self._note(name, _job_id, "the id of a job: letters, digits, '_', '-' and '.'")

    def language(self, name: str) -> str | None:
        """Return a language tag in canonical form, or None."""
        return self._note(name, _language, "a BCP 47 tag such as en or pt-BR")

    def seconds(self, name: str, *, maximum: float) -> float | None:
        """Return a duration of 0 to `maximum` seconds, or None; a unit may stand behind it."""
        expected = f"a number of seconds from 0 to {maximum:g}"
        return self._note(name, lambda v: _number(v, notes.seconds_of, maximum), expected)

    def hertz(self, name: str, *, maximum: float) -> float | None:
        """Return a rate of 0 to `maximum` hertz, or None; a unit may stand behind it."""
        expected = f"a number of hertz from 0 to {maximum:g}"
        return self._note(name, lambda v: _number(v, notes.hertz_of, maximum), expected)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return a tensor's shape, or None."""
        return self._note(name, notes.shape_of, "a list of sizes")

    def timestamp(self, name: str) -> str | None:
        """Return a moment as `YYYYMMDD_HHMMSS`, or None."""
        return self._note(name, notes.timestamp_of, "a time such as 20260131_120000")

    def value(self, name: str) -> Any:
        """Return a field as it was sent, or None."""
        sent = self._sent.one(name)
        return None if sent is None else sent[1]

    def flag(self, name: str) -> bool:
        """Return a flag; absent is false."""
        sent = self._sent.one(name)
        value = sent[1] if sent else False
        flag = read_flag(value) if isinstance(value, str) else value
        if not isinstance(flag, int) or flag not in (0, 1):
            raise invalid(name, "true or false")
        return bool(flag)

    def tags(self, name: str) -> tuple[str, ...]:
        """Return tags: a list, or text with commas; each once, in the order given."""
        sent = list(self._tags_sent(name))
        if len(sent) > MAX_TAGS:
            raise invalid(name, f"a list of at most {MAX_TAGS} texts")
        return tuple(dict.fromkeys(filter(None, (self._tag(name, tag) for tag in sent))))

    def parameters(self, name: str) -> dict[str, Scalar]:
        """Return a flat object of texts, numbers and flags."""
        value = self._sent.mapping(name)
        if len(value) > MAX_PARAMETERS:
            raise invalid(name, f"an object of at most {MAX_PARAMETERS} values")
        return dict(self._scalars(name, value))

    def object(self, name: str) -> "FieldReader | None":
        """Return a strict reader of the fields of an object, or None."""
        warned = len(self.warnings)
        value = self._sent.mapping(name)
        if len(self.warnings) > warned:
            # An object of its own, such as a consent, is no side note.
            raise self.warnings[warned]
        return FieldReader(Fields(value, {}, self._fields.resources)) if value else None

    def source(self, path_name: str, names: FileNames) -> Source | None:
        """Return an upload that a path names, or the file under one of the names, or None."""
        path = self.text(path_name, max_characters=1024, multiline=False)
        content = self.content(names)
        if path is None:
            return content
        if content is not None and not path.startswith(UPLOADS):
            # Where a worker had it. It is no upload of anybody's.
            self._refuse(invalid(path_name, f"the path of an upload, {UPLOADS}..."), path_name)
            return content
        if content is not None:
            raise InvalidRequest(
                f"Send {path_name} or the file itself, not both.", details={"field": path_name}
            )
        return Upload(path, lambda size_bytes: spool_in(self._fields.resources, size_bytes))

    def content(self, names: FileNames) -> Content | None:
        """Return the file under one of the names, or None; an empty one counts as absent.

        Raises:
            InvalidRequest: also when two of them hold different files.
        """
        warned = len(self.warnings)
        content = found_file(names, self._fields)
        if not self._lenient and len(self.warnings) > warned:
            raise self.warnings[warned]
        return content

    def _refuse(self, error: InvalidRequest, name: str) -> None:
        """Raise a refusal, or go on without the side note."""
        if not self._lenient:
            raise error
        error.details["field"] = name
        self.warnings.append(error)

    def _note(self, name: str, read: Callable[[Any], T | None], expected: str) -> T | None:
        """Return what `read` makes of a field, or None where it understands nothing."""
        sent = self._sent.one(name)
        if sent is None:
            return None
        value = read(sent[1])
        if value is None:
            self._refuse(invalid(name, expected), name)
        return value

    def _cleaned(self, name: str, text: str) -> str:
        kept = notes.cleaned(text)
        if kept != text:
            self._refuse(InvalidRequest(f"{name} had control characters, now taken out."), name)
        return kept

    def _tags_sent(self, name: str) -> Iterator[Any]:
        for sent in self._sent.each(name):
            is_json = isinstance(sent, str) and sent.startswith("[")
            value = self._sent.parsed(name, sent) if is_json else sent
            if isinstance(value, str):
                yield from value.split(",")
            elif isinstance(value, list):
                yield from value
            elif value is not None:
                self._refuse(invalid(name, "a list of texts"), name)

    def _tag(self, name: str, tag: Any) -> str | None:
        if self._lenient and (isinstance(tag, str) or _is_number(tag)):
            tag = " ".join(self._cleaned(name, str(tag)).split())
        if not isinstance(tag, str):
            self._refuse(invalid(name, "a list of texts"), name)
            return None
        return _text(name, tag, MAX_TAG_CHARACTERS, multiline=False).strip()

    def _scalars(self, name: str, value: Mapping[str, Any]) -> Iterator[tuple[str, Scalar]]:
        for key, item in value.items():
            try:
                kept = _parameter_name(name, key), self._scalar(name, key, item)
            except InvalidRequest as error:
                self._refuse(error, f"{name}.{notes.cleaned(key)[:MAX_TAG_CHARACTERS]}")
            else:
                yield kept

    def _scalar(self, name: str, key: str, value: Any) -> Scalar:
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
            return value
        if isinstance(value, str):
            kept = self._cleaned(f"{name}.{key}", value) if self._lenient else value
            return _text(name, kept, MAX_PARAMETER_CHARACTERS, multiline=True)
        raise invalid(name, "a flat object of texts, numbers and flags")


def _job_id(value: Any) -> str | None:
    text = str(value) if isinstance(value, int) and _is_number(value) else value
    return text if isinstance(text, str) and is_valid_id(text) else None


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _language(value: Any) -> str | None:
    return canonical(value) if isinstance(value, str) and len(value) <= 64 else None


def _number(value: Any, read: Callable[[str], float | None], maximum: float) -> float | None:
    number = read(value) if isinstance(value, str) else value
    return float(number) if _is_number(number) and 0 <= number <= maximum else None


def _text(name: str, value: Any, max_characters: int, *, multiline: bool) -> str:
    if not isinstance(value, str | LongText):
        raise invalid(name, "text")
    if isinstance(value, LongText) or len(value) > max_characters:
        raise invalid(name, f"at most {max_characters} characters")
    if not all(_is_printable(character, multiline=multiline) for character in value):
        raise invalid(name, "text without control characters")
    return value


def _is_printable(character: str, *, multiline: bool) -> bool:
    """Tell whether a character may be stored: no controls, no halves of surrogate pairs.

    Marks that turn the direction of writing (category Cf) stay: scripts need some of them.
    """
    if multiline and character in "\n\r\t":
        return True
    return unicodedata.category(character) not in ("Cc", "Cs")


def _parameter_name(name: str, key: str) -> str:
    if not key or len(key) > MAX_TAG_CHARACTERS or not key.isprintable() or key.startswith("__"):
        raise invalid(name, "an object with short names")
    return key
