"""A request's body while it comes: nothing is read of it before somebody answers for it.

Who is refused is refused without his body. What is read is waited for as long as its pace allows
(`core/pace.py`), and what nobody wants closes its connection instead of being read.

The server of a deployment passes such a body on (`voxshelf/server`). With another server, as in
tests, a body is an ordinary stream.
"""

import io
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import flask

from voxshelf.core.errors import RequestTimeout
from voxshelf.core.pace import Allowance, patience, quick
from voxshelf.http.slow_bodies import SlowBodies

# Of a body that nobody wants so much is taken away if it has come: it is there already, and its
# connection can serve the next request.
_CHUNK_BYTES = 64 * 1024
_UNWANTED_BYTES = 4 * _CHUNK_BYTES
# What one more body of somebody who has all his places is waited for: one that is on its way has
# gaps, too.
HURRIED_S = 0.1


class NotHere(Exception):
    """Nothing of the body is there at the moment, and nobody is to wait for it."""


class Connection(Protocol):
    """What the server does for a body."""

    def read(self, size: int) -> bytes:
        """Read so many bytes, fewer at the end; `ArrivingBody.wait` is called before each wait."""

    def say_continue(self) -> None:
        """Have a client that asks first (`Expect: 100-continue`) send its body."""

    def close_after_answer(self) -> None:
        """Have no other request on this connection."""


@dataclass(slots=True)
class ArrivingBody:
    """One body, as WSGI's input; `read` returns nothing before `begin` and after `end`.

    Reading raises `RequestTimeout` when the client is too slow, and what the server raises for
    damaged bodies.
    """

    connection: Connection
    slow: SlowBodies
    clock: Callable[[], float] = time.monotonic
    _owner: str | None = None
    _is_slow: bool = False
    _is_whole: bool = False
    _is_broken: bool = False
    _quick: Allowance = field(default_factory=quick)
    _patience: Allowance = field(default_factory=patience)

    def begin(self, owner: str) -> None:
        """Let it be read, for the one who answers for it."""
        self._owner = owner

    def read(self, size: int = -1) -> bytes:
        """Return up to so many bytes, all without a number; fewer than asked for at the end."""
        if self._owner is None:
            self.end()
            return b""
        return self._read(size)

    def end(self) -> bool:
        """Let nothing more be read, and return whether it has come whole.

        What is there already is dropped. Whatever comes later closes the connection.
        """
        if self._is_slow and self._owner is not None:
            self.slow.leave(self._owner)
        self._owner, self._is_slow = None, False
        if not self._is_whole and not self._is_broken:
            self._drop_what_is_here()
        if not self._is_whole:
            self.connection.close_after_answer()
        return self._is_whole

    def wait(self, is_here: Callable[[float], bool]) -> None:
        """Wait until more of it is here; `is_here` waits for so many seconds and tells.

        Raises:
            RequestTimeout: when its client is too slow.
            NotHere: when nobody is to wait for it.
        """
        if is_here(0):
            return
        if self._owner is None:
            raise NotHere
        self.connection.say_continue()
        if not self._comes(is_here, self._owner):
            raise RequestTimeout(
                "The body came too slowly. Send it again, fewer at once or on a better line.",
                retry_after_s=5,
            )

    def came(self, size_bytes: int) -> None:
        """Note that so many bytes have been received."""
        self._quick.came(size_bytes)
        self._patience.came(size_bytes)

    def _comes(self, is_here: Callable[[float], bool], owner: str) -> bool:
        if not self._is_slow:
            quick_s = self._quick.left_s
            if self.slow.has_all(owner):
                quick_s = min(HURRIED_S, quick_s)
            if self._waited(is_here, quick_s):
                return True
            if not self.slow.enter(owner):
                return False
            self._is_slow = True
        return self._waited(is_here, self._patience.left_s)

    def _waited(self, is_here: Callable[[float], bool], seconds: float) -> bool:
        started = self.clock()
        came = is_here(seconds)
        waited_s = self.clock() - started
        self._quick.waited(waited_s)
        self._patience.waited(waited_s)
        return came

    def _read(self, size: int) -> bytes:
        try:
            data = self.connection.read(size)
        except Exception:
            # A server may take what it reads from here on for the end.
            self._is_broken = True
            raise
        self._is_whole = self._is_whole or size < 0 or len(data) < size
        return data

    def _drop_what_is_here(self) -> None:
        try:
            for _ in range(0, _UNWANTED_BYTES, _CHUNK_BYTES):
                if not self._read(_CHUNK_BYTES):
                    return
        except Exception:
            # The rest is not here, or it is damaged, for which each server has errors of its own.
            return


def begin(request: flask.Request, owner: str) -> None:
    """Let the body of a request be read, for the one who answers for it."""
    body = request.environ["wsgi.input"]
    if isinstance(body, ArrivingBody):
        body.begin(owner)


def end(request: flask.Request) -> None:
    """Let nothing more be read of the body of a request, by whomever.

    functions-framework reads what is left in one piece after the handler has returned, which costs
    the memory and the time that an early refusal was to save.
    """
    body = request.environ["wsgi.input"]
    if isinstance(body, ArrivingBody):
        body.end()
    request.stream = io.BytesIO()
