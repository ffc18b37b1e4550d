"""End a command's processes when their supervisor died without doing it.

Its stdin is a pipe from the supervisor, with one line (`pid start-time`) for each process seen.
The end of that pipe is the supervisor's end, whatever the cause: nothing can keep the kernel from
closing it.
"""

import contextlib
import signal
import sys
from collections.abc import Iterable

import psutil

from local.descendants import Descendants

# Long enough for firebase-tools to export the data, short enough that the ports are soon free.
CLEAN_END_S = 6.0
KILL_PATIENCE_S = 30.0


def main(marker: str, reports: Iterable[str]) -> None:
    """Wait for the supervisor's end, then end what it left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    seen = [line.split() for line in reports]
    left = Descendants(marker)
    for pid, started in (fields for fields in seen if len(fields) == 2):
        left.remember(int(pid), float(started))
    if processes := left.alive():
        _end(left, first=min(processes, key=lambda process: process.create_time()))


def _end(left: Descendants, first: psutil.Process) -> None:
    # The oldest is the command: it alone takes SIGINT as a request and has children to stop.
    with contextlib.suppress(psutil.Error):
        first.send_signal(signal.SIGINT)
        first.wait(CLEAN_END_S)
    left.end(signal.SIGKILL, KILL_PATIENCE_S)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
