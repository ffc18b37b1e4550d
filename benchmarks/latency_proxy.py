"""A TCP proxy that makes a server seem further away: `python -m benchmarks.latency_proxy`.

What arrives is passed on after half the added round trip, in each direction. Each chunk has its
own due time, so throughput stays what it was: a long upload is late once, not once per chunk. TCP's
slow start, losses and the way of the handshake are not imitated; connections that are measured
are warm.
"""

import argparse
import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol, Self

from benchmarks.servers import printing_addresses
from local.ports import HOST

_CHUNK_BYTES = 256 * 1024


class Watch(Protocol):
    """Sees what passes one connection; called in the proxy's thread, in order of arrival.

    `at_s` is the clock of the proxy's event loop.
    """

    def sent(self, chunk: bytes, at_s: float) -> None:
        """The client sent these bytes."""

    def answered(self, chunk: bytes, at_s: float) -> None:
        """The server sent these bytes."""


class LatencyProxy:
    """Listens on a free port of this machine and passes connections on to one server.

    It runs in a thread of its own. Where it must not share the interpreter with what is measured,
    `delaying` runs it in another process.
    """

    def __init__(
        self, server: str, round_trip_s: float, watched: Callable[[], Watch] | None = None
    ) -> None:
        """Pass on to `server` (`host:port`); `watched` makes what sees a connection's bytes."""
        self._host, _, port = server.rpartition(":")
        self._port = int(port)
        self._delay_s = round_trip_s / 2
        self._watched = watched
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._connections: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Server | None = None

    @property
    def address(self) -> str:
        """`host:port` to connect to; known inside the `with` block."""
        if self._listener is None:
            raise RuntimeError("The proxy listens inside its `with` block only.")
        port: int = self._listener.sockets[0].getsockname()[1]
        return f"{HOST}:{port}"

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        self._listener = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the port and all connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._accept, HOST, 0, limit=_CHUNK_BYTES)

    async def _close(self) -> None:
        assert self._listener is not None  # noqa: S101 - `__enter__` has set it
        self._listener.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = self._loop.create_task(self._connect(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _connect(
        self, client_reader: asyncio.StreamReader, client_writer: asyncio.StreamWriter
    ) -> None:
        async with contextlib.AsyncExitStack() as ended:
            ended.push_async_callback(_closed, client_writer)
            with contextlib.suppress(OSError):
                server_reader, server_writer = await asyncio.open_connection(
                    self._host, self._port, limit=_CHUNK_BYTES
                )
                ended.push_async_callback(_closed, server_writer)
                watch = self._watched() if self._watched else None
                async with asyncio.TaskGroup() as both:
                    sent = watch.sent if watch else None
                    both.create_task(self._forward(client_reader, server_writer, sent))
                    answered = watch.answered if watch else None
                    both.create_task(self._forward(server_reader, client_writer, answered))

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seen: Callable[[bytes, float], None] | None,
    ) -> None:
        """Pass one direction on until its end, each chunk at its own due time."""
        # Without a bound: a proxy that stops reading would slow the sender down.
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        delivery = asyncio.create_task(self._deliver(late, writer))
        try:
            chunk = b"-"
            while chunk:
                try:
                    chunk = await reader.read(_CHUNK_BYTES)
                except ConnectionError:
                    chunk = b""
                now = self._loop.time()
                if seen and chunk:
                    seen(chunk, now)
                late.put_nowait((now + self._delay_s, chunk))
            await delivery
        finally:
            delivery.cancel()

    async def _deliver(
        self, late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while True:
                due_s, chunk = await late.get()
                if (wait_s := due_s - self._loop.time()) > 0:
                    await asyncio.sleep(wait_s)
                if not chunk:
                    writer.write_eof()
                    return
                writer.write(chunk)
                await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@contextlib.contextmanager
def delaying(servers: Sequence[str], round_trip_s: float) -> Iterator[list[str]]:
    """Run a proxy before each server, all in one other process; yields their addresses."""
    arguments = (str(round_trip_s), *servers)
    with printing_addresses("benchmarks.latency_proxy", *arguments) as addresses:
        yield addresses


def main(arguments: Sequence[str]) -> int:
    """Print the addresses of the proxies in one line, and serve until the end of input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency_proxy", description=__doc__)
    parser.add_argument("round_trip_s", type=float)
    parser.add_argument("servers", nargs="+", metavar="host:port")
    options = parser.parse_args(arguments)
    with contextlib.ExitStack() as running:
        proxies = [
            running.enter_context(LatencyProxy(server, options.round_trip_s))
            for server in options.servers
        ]
        print(*(proxy.address for proxy in proxies), flush=True)
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
