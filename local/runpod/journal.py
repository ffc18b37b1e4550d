"""What was called, for tests that count."""

import hashlib
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from aiohttp import web

_LENGTH = 10_000
# A text of this length is kept whole; of a longer one its length and digest.
_SHOWN_CHARACTERS = 200
_NOTES = "notes"


class Journal:
    """The latest calls of the API, with their answers."""

    def __init__(self) -> None:
        """Begin empty."""
        self._calls: deque[Mapping[str, Any]] = deque(maxlen=_LENGTH)

    def record(self, request: web.Request, status: int) -> None:
        """Remember a call and all that was noted of it."""
        facts = {
            "at": time.time(),
            "method": request.method,
            "path": request.path,
            "endpoint": request.match_info.get("endpoint"),
            "status": status,
        }
        self._calls.append({**facts, **request.get(_NOTES, {})})

    def told(self) -> list[Mapping[str, Any]]:
        """Return the calls, oldest first."""
        return list(self._calls)

    def clear(self) -> None:
        """Forget everything."""
        self._calls.clear()


def note(request: web.Request, **facts: Any) -> None:
    """Note something of a call, for its record."""
    request[_NOTES] = {**request.get(_NOTES, {}), **facts}


def shortened(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input as the journal shows it."""
    return {name: _short(value) for name, value in given.items()}


def _short(value: Any) -> Any:
    if not isinstance(value, str) or len(value) <= _SHOWN_CHARACTERS:
        return value
    return {"characters": len(value), "sha256": hashlib.sha256(value.encode()).hexdigest()}
