"""One connection of gunicorn's threaded worker, from which only what is there is read."""

import fcntl
import re
import select
import socket
import termios
from array import array
from typing import Any

from gunicorn.http.errors import NoMoreData
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import TConn

from voxshelf.http.arriving import ArrivingBody
from voxshelf.http.slow_bodies import SlowBodies

HEAD_ENDS = b"\r\n\r\n"
_BODY = re.compile(rb"\r\n(?:content-length:[ \t]*0*([1-9]\d*)|transfer-encoding:)", re.IGNORECASE)
# Who has sent so much while his request waited for a thread is no slow client.
_START_BYTES = 32 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class PatientConnection(TConn):  # type: ignore[misc] # gunicorn has no types
    """A connection of which a thread sees requests only whose head has come.

    `head` is what has come of the next one, perhaps with the start of its body. `ends_at` is when
    the server stops waiting for it (`time.monotonic`).
    """

    def __init__(self, *arguments: Any) -> None:
        """Take what gunicorn makes a connection of."""
        super().__init__(*arguments)
        # Else gunicorn would wait for the first byte, in a thread.
        self.data_ready = True
        self.head = bytearray()
        self.ends_at = 0.0
        self.left_bytes = 0
        self.has_lane = False

    @property
    def has_body(self) -> bool:
        """Tell whether a body belongs to the head."""
        return self._body is not None

    @property
    def has_started(self) -> bool:
        """Tell whether the body is here, or as much of it as a slow client does not send."""
        declared = self._body[1] if self._body else b"0"
        # No number is longer than that of a body which is too large.
        wanted = min(_START_BYTES, int(declared[:9])) if declared else _START_BYTES
        unread = array("i", [0])
        fcntl.ioctl(self.sock, termios.FIONREAD, unread)
        return unread[0] + len(self.head) - self._head_ends_at >= wanted

    @property
    def _head_ends_at(self) -> int:
        end = self.head.find(HEAD_ENDS)
        return end + len(HEAD_ENDS) if end >= 0 else len(self.head)

    @property
    def _body(self) -> re.Match[bytes] | None:
        return _BODY.search(self.head, 0, self._head_ends_at)

    def init(self) -> None:
        """Make ready for the request whose head has come; gunicorn calls it in a thread."""
        is_first = self.parser is None
        super().init()
        if is_first:
            self.parser.unreader = _Unreader(self.sock)
        self.parser.unreader.begin(bytes(self.head))
        self.head.clear()

    def take_what_was_read(self) -> None:
        """Take back what the parser has read beyond its request, as the next one's head."""
        self.head += self.parser.unreader.take_buffered()

    def arriving(self, request: Request, slow: SlowBodies) -> ArrivingBody:
        """Return the body of a request, to be read instead of gunicorn's."""
        body = ArrivingBody(_Source(request, self.sock), slow)
        self.parser.unreader.body = body
        return body


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """Reads what its body has waited for; of heads, what is there."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self._readable = select.poll()
        self._readable.register(sock, select.POLLIN)
        self.body: ArrivingBody | None = None

    def begin(self, head: bytes) -> None:
        self.body = None
        self.unread(head)

    def chunk(self, size_hint: int | None = None) -> bytes:
        if self.body is not None:
            self.body.wait(self._is_here)
        elif not self._is_here(0):
            # It looked like a whole head. gunicorn takes it for a client that went.
            raise NoMoreData
        data: bytes = super().chunk(size_hint)
        if self.body is not None:
            self.body.came(len(data))
        return data

    def _is_here(self, seconds: float) -> bool:
        return bool(self._readable.poll(1000 * seconds))


class _Source:
    """What an arriving body asks of gunicorn."""

    def __init__(self, request: Request, sock: socket.socket) -> None:
        self._request, self._body, self._sock = request, request.body, sock
        self._expects_continue = request._expected_100_continue  # noqa: SLF001
        # gunicorn would tell it to go on before anybody knows who it is.
        request._expected_100_continue = False  # noqa: SLF001

    def read(self, size: int) -> bytes:
        data: bytes = self._body.read(size)
        return data

    def say_continue(self) -> None:
        if self._expects_continue:
            self._expects_continue = False
            self._sock.sendall(_CONTINUE)

    def close_after_answer(self) -> None:
        self._request.must_close = True
