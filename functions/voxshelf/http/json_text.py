"""Strict JSON: what RFC 8259 calls interoperable, and nothing else."""

import json
from typing import Any

from voxshelf.core.errors import InvalidRequest

# Longer integers take quadratic time to read, and no field holds one.
_MAX_DIGITS = 30


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the object that a JSON text holds.

    Raises:
        InvalidRequest: when it is no UTF-8 or no object, or as `parse_value` says.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not valid UTF-8.") from None
    value = parse_value(text)
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


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
