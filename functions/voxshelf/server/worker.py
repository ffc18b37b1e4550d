"""gunicorn's threaded worker, in which clients that are slow or silent hold no thread.

gunicorn (27) gives each connection a thread until its head and its body have come, and closes
connections one after the other in its main loop, each for up to two seconds. Here the main loop
waits for heads and for the ends of closed connections, all at once, and requests without a body,
or whose body has begun to come, are the first to get a thread. How long that waits for the rest is
decided in `http/arriving.py`.
"""

import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.http.message import Request
from gunicorn.workers.gthread import ThreadWorker

from voxshelf.http.slow_bodies import SlowBodies
from voxshelf.server.connection import HEAD_ENDS, PatientConnection

# Heads come in one piece, or in a few; Cloud Run passes on whole ones, of 64 KiB at the most.
_HEAD_S = 5.0
_MAX_HEAD_BYTES = 128 * 1024
# A client that is still sending when it has been answered reads its answer within that time, and
# loses it when the connection is reset before. Twice the largest body that a function takes.
_LINGER_S = 2.0
_LINGER_BYTES = 64 * 1024**2
_MAX_LINGERING = 256
# For one write of an answer; the longest are an export's, of 2 MiB.
_WRITE_S = 60.0
_SLOW_BODIES_EACH = 2
_RECEIVE_BYTES = 64 * 1024


class PatientWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A worker that waits for many clients in its main loop, and for few in its threads."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what gunicorn makes a worker of."""
        super().__init__(*arguments, **options)
        self._slow = SlowBodies(max(1, self.cfg.threads // 2), _SLOW_BODIES_EACH)
        # Threads that a request with a body may take. Those without one wait in gunicorn's own
        # queue, before them.
        self._lanes = self.cfg.threads
        self._queued: deque[PatientConnection] = deque()
        # Each in the order in which their time ends.
        self._beginning: dict[PatientConnection, None] = {}
        self._lingering: dict[PatientConnection, None] = {}

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, and wait for the head of its request."""
        try:
            client, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                return
            raise
        self.nr_conns += 1
        self._await_head(PatientConnection(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: PatientConnection, client: socket.socket) -> None:
        """Wait for the head of the next request of a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._await_head(conn)

    def handle_request(self, req: Request, conn: PatientConnection) -> bool:
        """Have a request answered, in a thread; return whether its connection can be kept."""
        req.body = body = conn.arriving(req, self._slow)
        conn.sock.settimeout(_WRITE_S)
        try:
            is_kept: bool = super().handle_request(req, conn)
        except TimeoutError:
            # It does not read its answer. gunicorn would log that as a fault of ours.
            raise ConnectionResetError(errno.ECONNRESET, "too slow") from None
        finally:
            is_whole = body.end()
        return is_kept and is_whole

    def finish_request(self, conn: PatientConnection, fs: "Future[bool]") -> None:
        """Keep or close a connection whose request has been answered; in the main loop."""
        if conn.has_lane:
            conn.has_lane = False
            self._lanes += 1
            self._start_next()
        if fs.cancelled() or fs.exception() or not fs.result():
            self._linger(conn)
            return
        conn.take_what_was_read()
        if conn.head:
            self._await_head(conn)
        else:
            super().finish_request(conn, fs)

    def murder_pending(self) -> None:
        """Close connections whose time is over."""
        now = time.monotonic()
        for conns in (self._beginning, self._lingering):
            while conns and (conn := next(iter(conns))).ends_at <= now:
                self._close(conn, conns)

    def _await_head(self, conn: PatientConnection) -> None:
        if HEAD_ENDS in conn.head:
            self._start(conn)
        else:
            self._watch(conn, self._beginning, _HEAD_S, self._receive_head)

    def _receive_head(self, conn: PatientConnection, _client: socket.socket) -> None:
        data = _received(conn)
        if data is None:
            return
        # The end of the head may lie between what came before and now.
        start = max(0, len(conn.head) - len(HEAD_ENDS))
        conn.head += data
        if not data:
            self._close(conn, self._beginning)
        elif conn.head.find(HEAD_ENDS, start) >= 0 or len(conn.head) > _MAX_HEAD_BYTES:
            self._unwatch(conn, self._beginning)
            self._start(conn)

    def _start(self, conn: PatientConnection) -> None:
        """Give a request to a thread; one with a body waits until a lane is free."""
        if conn.has_body:
            if not self._lanes:
                self._queued.append(conn)
                return
            self._lanes -= 1
            conn.has_lane = True
        self.enqueue_req(conn)

    def _start_next(self) -> None:
        """Give the lane that is free now to a request that waits for one; slow ones come last."""
        if self._queued:
            conn = next((each for each in self._queued if each.has_started), self._queued[0])
            self._queued.remove(conn)
            self._start(conn)

    def _linger(self, conn: PatientConnection) -> None:
        """Close a connection as RFC 9112 says (9.6): when its client has read the answer."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            conn.close()
            return
        conn.left_bytes = _LINGER_BYTES
        if len(self._lingering) == _MAX_LINGERING:
            self._close(next(iter(self._lingering)), self._lingering)
        self._watch(conn, self._lingering, _LINGER_S, self._drop)

    def _drop(self, conn: PatientConnection, _client: socket.socket) -> None:
        if conn not in self._lingering:
            # Closed in this very round, as the oldest of too many.
            return
        data = _received(conn)
        if data is None:
            return
        conn.left_bytes -= len(data)
        if not data or conn.left_bytes < 0:
            self._close(conn, self._lingering)

    def _watch(
        self,
        conn: PatientConnection,
        conns: dict[PatientConnection, None],
        seconds: float,
        on_readable: Callable[[PatientConnection, socket.socket], None],
    ) -> None:
        conn.sock.setblocking(False)
        conn.ends_at = time.monotonic() + seconds
        conns[conn] = None
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(on_readable, conn))

    def _unwatch(self, conn: PatientConnection, conns: dict[PatientConnection, None]) -> None:
        del conns[conn]
        self.poller.unregister(conn.sock)

    def _close(self, conn: PatientConnection, conns: dict[PatientConnection, None]) -> None:
        self._unwatch(conn, conns)
        self.nr_conns -= 1
        conn.close()


def _received(conn: PatientConnection) -> bytes | None:
    """Return what has come, nothing at the end, None when nothing is there after all."""
    try:
        data: bytes = conn.sock.recv(_RECEIVE_BYTES)
    except (BlockingIOError, InterruptedError):
        return None
    except OSError:
        return b""
    return data
