"""Strict JSON: what RFC 8259 calls interoperable, and nothing else."""

import json
import re
import secrets
from typing import Any

from voxshelf.core.errors import InvalidRequest
from voxshelf.http.received import LongText

# Longer integers take quadratic time to read, and no field holds one.
_MAX_DIGITS = 30
# Longer strings can only be base64; the longest text of the contract is 50,000 characters,
# which `\\uXXXX` escapes make six bytes each, twelve beyond the basic plane.
_LONG_STRING_BYTES = 640 * 1024
_ESCAPE = re.compile(rb"\\")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
# A request has some dozens of names and values. A body of millions of little strings would
# only cost time.
_MAX_STRINGS = 50_000


def parse_object(body: bytearray) -> dict[str, Any]:
    """Return the object that a JSON text holds; long strings at its top as `LongText`.

    Long strings are cut out before the text is parsed, so that base64 of a large file is
    neither decoded to text nor copied. They stay views of `body`.

    Raises:
        InvalidRequest: when it is no UTF-8 or no object, as `parse_value` says, or has a
            long string anywhere but as a direct value of the object.
    """
    short, cut = _cut_long_strings(body)
    try:
        text = short.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not valid UTF-8.") from None
    value = parse_value(text)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    whole = {
        name: cut.pop(item, item) if isinstance(item, str) else item for name, item in value.items()
    }
    if cut:
        raise InvalidRequest("The JSON has a text that is too long.")
    return whole


def _cut_long_strings(body: bytearray) -> tuple[bytes | bytearray, dict[str, LongText]]:
    """Return the text with a random name in place of each long string, and what they name."""
    if len(body) < _LONG_STRING_BYTES:
        return body, {}
    view, kept, cut, end = memoryview(body), [], {}, 0
    for count, match in enumerate(_STRING.finditer(body)):
        if count > _MAX_STRINGS:
            raise InvalidRequest("The JSON has too many values.")
        if match.end() - match.start() > _LONG_STRING_BYTES:
            name = secrets.token_hex(16)
            cut[name] = _long_text(view[match.start() : match.end()])
            kept += [bytes(view[end : match.start()]), f'"{name}"'.encode()]
            end = match.end()
    return b"".join([*kept, bytes(view[end:])]), cut


def _long_text(quoted: memoryview) -> LongText:
    inner = quoted[1:-1]
    if _ESCAPE.search(inner) is None:
        return LongText.of(inner)
    # Escaped slashes and line breaks: rare in base64, and then a copy is what it costs.
    text = parse_value(bytes(quoted).decode("utf-8", "replace"))
    return LongText.of(str(text).encode("utf-8", "replace"))


def parse_value(text: str) -> Any:
    """Return the value that a JSON text holds.

    Raises:
        InvalidRequest: when it is no JSON; has duplicate names, NaN, Infinity or huge
            numbers; or is nested without end.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_short_int,
            parse_float=_finite_float,
        )
    except RecursionError:
        raise InvalidRequest("The JSON is nested too deeply.") from None
    except ValueError:
        raise InvalidRequest("The text is not valid JSON.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise InvalidRequest("The JSON has a duplicate name in one object.")
    return unique


def _refuse_constant(name: str) -> None:
    raise InvalidRequest(f"{name} is not JSON.")


def _short_int(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InvalidRequest("The JSON has a number that is too long.")
    return int(digits)


def _finite_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise InvalidRequest("The JSON has a number that is too large.")
    return value
