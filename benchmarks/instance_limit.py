"""What the platform does to an instance that holds more than it has: it is killed."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from benchmarks.servers import Server

_SAMPLE_EVERY_S = 0.02


@contextlib.contextmanager
def killed_over_limit(
    server: Server, is_over: Callable[[], bool], note: Callable[[], None]
) -> Iterator[None]:
    """Kill the instance once it is over its limit, and `note` that it was."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_EVERY_S):
            if is_over():
                note()
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.process.pid, signal.SIGKILL)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
