"""Strict JSON: what RFC 8259 calls interoperable, and nothing else."""

import codecs
import json
import re
import secrets
from collections.abc import Callable, Iterator
from typing import Any

from voxshelf.core.errors import InvalidRequest
from voxshelf.http.received import LongText

# Longer integers take quadratic time to read, and no field holds one.
_MAX_DIGITS = 30
# Longer strings can only be base64; the longest text of the contract is 50,000 characters,
# which `\\uXXXX` escapes make six bytes each, twelve beyond the basic plane.
_LONG_STRING_BYTES = 640 * 1024
# What may stand beside the long strings: that text twice, as RunPod's outputs have it, and more
# than all other fields together. Every list, object and value in it takes memory of its own; a
# request has some dozens of them, and 500 ids at the most. Commas also stand in texts.
_MAX_SHORT_BYTES = 1536 * 1024
_MAX_BRACKETS = 10_000
_MAX_COMMAS = 200_000
# A body of millions of little strings would only cost time.
_MAX_STRINGS = 50_000
# What is held of a text while and after it is parsed (measured, tests/unit/test_json_text.py):
# the text itself and the strings in it, whose letters take four bytes each when one of them is
# beyond the basic plane; a value with its place; a name with its place; an object of one name.
_TEXT_TIMES, _VALUE_BYTES, _NAME_BYTES, _BRACKET_BYTES = 9, 100, 120, 240
# What follows the quote that opens a string, up to the one that closes it. Possessive, so that a
# string without an end is looked at once.
_TO_CLOSING_QUOTE = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_ESCAPE = re.compile(rb"\\")
# Whole characters and whole escapes (RFC 8259, section 7).
_WHOLE = re.compile(rb'(?:[^\\]++|\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))*+')
_PIECE_BYTES = 64 * 1024


def parse_object(body: bytearray, take: Callable[[int], None]) -> dict[str, Any]:
    """Return the object that a JSON text holds; long strings in it as `LongText`.

    `take` makes room for what it becomes, beside the body.

    Long strings are cut out before the text is parsed, so that base64 of a large file is
    neither decoded to text nor copied. They stay views of `body`, which belongs to them from
    now on: escapes in them are undone there.

    Raises:
        InvalidRequest: when it is no UTF-8 or no object, as `parse_value` says, holds too much
            beside long strings, or has a long string elsewhere than in it or an object in it.
        Unavailable: when `take` has no room.
    """
    # RFC 8259, section 8.1: a parser may ignore a byte order mark; PowerShell sends one.
    if body.startswith(codecs.BOM_UTF8):
        del body[: len(codecs.BOM_UTF8)]
    short, cut = _cut_long_strings(body)
    take(_structure_bytes(short))
    try:
        text = short.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not valid UTF-8.") from None
    value = parse_value(text)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    whole = _restored(value, cut, depth=2)
    if cut:
        raise InvalidRequest("The JSON has a text that is too long.")
    return whole


def _structure_bytes(text: bytes | bytearray) -> int:
    """Return what a text becomes, at the most."""
    brackets, commas = text.count(b"[") + text.count(b"{"), text.count(b",")
    names = min(text.count(b":"), _MAX_STRINGS)
    quotes = text.count(b'"') - text.count(b'\\"')
    if brackets > _MAX_BRACKETS or commas > _MAX_COMMAS or quotes > 2 * _MAX_STRINGS:
        raise _too_much()
    values = _VALUE_BYTES * commas + _NAME_BYTES * names + _BRACKET_BYTES * brackets
    return _TEXT_TIMES * len(text) + values


def _too_much() -> InvalidRequest:
    return InvalidRequest("The JSON holds too many values beside its files.")


def _restored(value: dict[str, Any], cut: dict[str, LongText], depth: int) -> dict[str, Any]:
    """Return an object with the long strings back in their places, and take them from `cut`."""
    restored: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, dict) and depth > 1:
            restored[name] = _restored(item, cut, depth - 1)
        else:
            restored[name] = cut.pop(item, item) if isinstance(item, str) else item
    return restored


def _cut_long_strings(body: bytearray) -> tuple[bytes | bytearray, dict[str, LongText]]:
    """Return the text with a random name in place of each long string, and what they name."""
    if len(body) < _LONG_STRING_BYTES:
        return body, {}
    view, kept, cut, end = memoryview(body), list[bytes](), dict[str, LongText](), 0
    for opening, closing in _strings(body):
        if closing - opening > _LONG_STRING_BYTES:
            name = secrets.token_hex(16)
            cut[name] = _long_text(view[opening + 1 : closing])
            kept += [bytes(view[end:opening]), f'"{name}"'.encode()]
            end = closing + 1
    if sum(map(len, kept)) + len(body) - end > _MAX_SHORT_BYTES:
        raise _too_much()
    return b"".join([*kept, bytes(view[end:])]), cut


def _strings(body: bytearray) -> Iterator[tuple[int, int]]:
    """Yield where each string opens and closes."""
    closing = -1
    for _ in range(_MAX_STRINGS):
        opening = body.find(b'"', closing + 1)
        if opening < 0:
            return
        match = _TO_CLOSING_QUOTE.match(body, opening + 1)
        closing = match.end() if match else len(body)
        if closing == len(body) or body[closing] != ord('"'):
            raise InvalidRequest("The text is not valid JSON.")
        yield opening, closing
    raise InvalidRequest("The JSON has too many values.")


def _long_text(inner: memoryview) -> LongText:
    """Return a string's characters; escapes, such as PHP's of slashes, are undone in place."""
    if _ESCAPE.search(inner) is None:
        return LongText.of(inner)
    start = written = 0
    while start < len(inner):
        match = _WHOLE.match(inner, start, start + _PIECE_BYTES)
        end = match.end() if match else start
        if end == start:
            raise InvalidRequest("The text is not valid JSON.")
        piece = _unescaped(inner[start:end])
        inner[written : written + len(piece)] = piece
        start, written = end, written + len(piece)
    return LongText.of(inner[:written])


def _unescaped(piece: memoryview) -> bytes:
    """Return base64 characters as they are meant; anything beyond ASCII becomes a '?'.

    Never longer than it was: an escape is longer than what it stands for.
    """
    try:
        text: str = json.loads(b'"%b"' % piece.tobytes(), strict=False)
    except ValueError:
        raise InvalidRequest("The text is not valid JSON.") from None
    return text.encode("ascii", "replace")


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
