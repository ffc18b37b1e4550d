"""Find the processes that a command left behind, however they detached themselves."""

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Container, Iterable, Iterator

import psutil

MARKER = "VOXSHELF_STACK"
_PR_SET_CHILD_SUBREAPER = 36
# Two clock readings of one start may differ by the rounding of the kernel's ticks.
_SAME_START_S = 1.0


def become_subreaper() -> None:
    """Have orphaned descendants become children of this process; Linux only, else nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def marked(environ_value: str | None, marker: str) -> str:
    """The marker's value for a child, keeping those of the stacks around it."""
    return f"{environ_value}:{marker}" if environ_value else marker


class Descendants:
    """The processes of one command, known by descent, by the marker, or from having seen them.

    No criterion is enough alone: an orphan has lost its descent where there is no subreaper, and a
    process may drop its environment. A process is kept with its start time, so that another one
    that gets its number later is never taken for it.
    """

    def __init__(self, marker: str) -> None:
        """Look for processes whose environment carries `marker`."""
        self._marker = marker
        self._seen: set[psutil.Process] = set()
        self.exempted: set[int] = {os.getpid()}

    def exempt(self, pid: int) -> None:
        """Never count this process: it is a child of ours but not of the command."""
        self.exempted.add(pid)

    def remember(self, pid: int, started: float) -> None:
        """Count a process that someone else has seen, if it is still the same one."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if abs(process.create_time() - started) < _SAME_START_S:
                self._seen.add(process)

    def look(self) -> list[psutil.Process]:
        """Note the descendants there are now; return those not seen before."""
        found = set(self._by_descent())
        new = found - self._seen
        self._seen = {process for process in self._seen | found if process.is_running()}
        return list(new)

    def alive(self) -> list[psutil.Process]:
        """Every process of the command that still runs, zombies not counted."""
        self.look()
        self._seen.update(self._by_marker())
        return [process for process in self._seen if _runs(process)]

    def end(self, number: int, patience_s: float) -> bool:
        """Send the signal to all, also to those that appear meanwhile; True when none is left."""
        deadline = time.monotonic() + patience_s
        told: set[psutil.Process] = set()
        while processes := self.alive():
            _send(number, (process for process in processes if process not in told))
            told.update(processes)
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def _by_descent(self) -> Iterator[psutil.Process]:
        children: dict[int, list[psutil.Process]] = {}
        for process in psutil.process_iter(["ppid"]):
            if process.pid not in self.exempted:
                children.setdefault(process.info["ppid"], []).append(process)
        roots = [os.getpid(), *(process.pid for process in self._seen if process.is_running())]
        while roots:
            below = children.pop(roots.pop(), [])
            roots += [process.pid for process in below]
            yield from below

    def _by_marker(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                names = process.environ().get(MARKER, "").split(":")
                if self._marker in names and process.pid not in self.exempted:
                    yield process


def reap_orphans(spare: Container[int]) -> None:
    """Take the exit status of dead orphans that became children here, but not of `spare`."""
    if sys.platform != "linux":
        return
    options = os.WEXITED | os.WNOHANG | os.WNOWAIT
    with contextlib.suppress(ChildProcessError):
        while (dead := os.waitid(os.P_ALL, 0, options)) and dead.si_pid not in spare:
            os.waitpid(dead.si_pid, 0)


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _send(number: int, processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
