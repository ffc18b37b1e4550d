"""Single fields, parsed: from form text or JSON values to what the use cases take.

Forms can only send text, so numbers, flags, lists and objects are taken as JSON text too.
Every refusal names the field.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from voxshelf.core.content import Content, Source, Upload
from voxshelf.core.errors import InvalidRequest
from voxshelf.core.items import Scalar
from voxshelf.core.names import is_valid_id
from voxshelf.http.base64_text import NotBase64, decode_base64, decoded_bytes
from voxshelf.http.body import Fields
from voxshelf.http.json_text import parse_value
from voxshelf.http.received import LongText, spool_in

MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MAX_PARAMETERS = 50
MAX_PARAMETER_CHARACTERS = 1_000

# The shape of a BCP 47 tag (RFC 5646, section 2.1), not its registry.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,8}")
# The integers that Firestore keeps.
_MAX_INTEGER = 2**63 - 1


class FieldReader:
    """Reads the fields of one request; those of a RunPod job's `metadata` stand behind them."""

    def __init__(self, fields: Fields) -> None:
        """Take the fields as received."""
        self._files, self._resources = fields.files, fields.resources
        metadata = self._object_value("metadata", fields.values.get("metadata"))
        self._values = {**metadata, **{k: v for k, v in fields.values.items() if v is not None}}

    def text(
        self, *names: str, max_characters: int, multiline: bool = True, trim: bool = True
    ) -> str | None:
        """Return the first of the named fields that is there; empty counts as absent."""
        found = []
        for name in names:
            value = self._values.get(name)
            if value is not None:
                kept = value.strip() if trim and isinstance(value, str) else value
                found.append(_text(name, kept, max_characters, multiline=multiline))
        return found[0] or None if found else None

    def required_text(self, *names: str, max_characters: int) -> str:
        """Return the first of the named fields that is there, on one line."""
        text = self.text(*names, max_characters=max_characters, multiline=False)
        if text is None:
            raise InvalidRequest(f"{names[0]} is required.", details={"field": names[0]})
        return text

    def item_id(self, name: str) -> str | None:
        """Return a client's id of a voice or job, or None."""
        value = self.text(name, max_characters=128, multiline=False)
        if value is not None and not is_valid_id(value):
            raise _invalid(name, "letters, digits, '_', '-' and '.', at most 128 of them")
        return value

    def language(self, name: str) -> str | None:
        """Return a language tag, or None."""
        value = self.text(name, max_characters=64, multiline=False)
        if value is not None and _LANGUAGE.fullmatch(value) is None:
            raise _invalid(name, "a BCP 47 tag such as en or pt-BR")
        return value

    def flag(self, name: str) -> bool:
        """Return a flag; absent is false."""
        value = self._values.get(name, False)
        known = {"true": True, "1": True, "false": False, "0": False, "": False}
        flag = known.get(value.strip().lower()) if isinstance(value, str) else value
        flag = flag if isinstance(flag, bool) else None
        if flag is None:
            raise _invalid(name, "true or false")
        return flag

    def number(self, name: str, *, maximum: float) -> float | None:
        """Return a number from 0 to `maximum`, or None."""
        value = self._json(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _invalid(name, "a number")
        if not 0 <= value <= maximum:
            raise _invalid(name, f"a number from 0 to {maximum:g}")
        return float(value)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Return a tensor's shape, or None."""
        value = self._json(name)
        if value is None:
            return None
        if (
            not isinstance(value, list)
            or len(value) > 8
            or not all(type(size) is int and 0 <= size <= _MAX_INTEGER for size in value)
        ):
            raise _invalid(name, "a list of sizes")
        return tuple(value)

    def tags(self, name: str) -> tuple[str, ...]:
        """Return tags: a JSON list, or text with commas; each once, in the order given."""
        value = self._values.get(name)
        if isinstance(value, str):
            value = parse_value(value) if value.lstrip().startswith("[") else value.split(",")
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_TAGS:
            raise _invalid(name, f"a list of at most {MAX_TAGS} texts")
        tags = (_text(name, tag, MAX_TAG_CHARACTERS, multiline=False).strip() for tag in value)
        return tuple(dict.fromkeys(tag for tag in tags if tag))

    def parameters(self, name: str) -> dict[str, Scalar]:
        """Return a flat object of texts, numbers and flags."""
        value = self._object_value(name, self._values.get(name))
        if len(value) > MAX_PARAMETERS:
            raise _invalid(name, f"an object of at most {MAX_PARAMETERS} values")
        return {_parameter_name(name, key): _scalar(name, item) for key, item in value.items()}

    def object(self, name: str) -> "FieldReader | None":
        """Return a reader of the fields of an object, or None."""
        value = self._object_value(name, self._values.get(name))
        return FieldReader(Fields(value, {}, self._resources)) if value else None

    def source(self, path_name: str, file_name: str, *base64_names: str) -> Source | None:
        """Return an upload that a path names, or the content of `content`, or None."""
        path = self.text(path_name, max_characters=1024, multiline=False)
        if path is not None:
            return Upload(path, lambda size_bytes: spool_in(self._resources, size_bytes))
        return self.content(file_name, *base64_names)

    def content(self, file_name: str, *base64_names: str) -> Content | None:
        """Return an uploaded file, or one that came as base64 text, or None."""
        texts = {name: self._values.get(name) for name in (*base64_names, file_name)}
        for name, value in texts.items():
            if not (value is None or isinstance(value, str | LongText)):
                raise _invalid(name, "base64 text")
        if file_name in self._files:
            return self._files[file_name]
        for name, value in texts.items():
            if value:
                return self._decoded(name, value)
        return None

    def _decoded(self, name: str, value: str | LongText) -> Content:
        if isinstance(value, str):
            value = LongText.of_text(value)
        spool = spool_in(self._resources, decoded_bytes(value))
        try:
            decode_base64(value, spool)
        except NotBase64:
            raise _invalid(name, "base64") from None
        return spool.content()

    def _json(self, name: str) -> Any:
        value = self._values.get(name)
        if isinstance(value, str):
            return parse_value(value) if value.strip() else None
        return value

    def _object_value(self, name: str, value: Any) -> Mapping[str, Any]:
        if isinstance(value, str):
            value = parse_value(value) if value.strip() else None
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _invalid(name, "an object")
        return value


def _invalid(name: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{name} must be {expected}.", details={"field": name})


def _text(name: str, value: Any, max_characters: int, *, multiline: bool) -> str:
    if not isinstance(value, str):
        raise _invalid(name, "text")
    if len(value) > max_characters:
        raise _invalid(name, f"at most {max_characters} characters")
    if not all(_is_printable(character, multiline=multiline) for character in value):
        raise _invalid(name, "text without control characters")
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
        raise _invalid(name, "an object with short names")
    return key


def _scalar(name: str, value: Any) -> Scalar:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= _MAX_INTEGER:
        return value
    if isinstance(value, str):
        return _text(name, value, MAX_PARAMETER_CHARACTERS, multiline=True)
    raise _invalid(name, "a flat object of texts, numbers and flags")
