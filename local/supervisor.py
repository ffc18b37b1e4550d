"""Run one command and leave none of its descendants behind, however this process ends.

Meant for a process that starts nothing else while the command runs: on Linux every orphan below
it counts as the command's.
"""

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO

import psutil

from local.console import Console
from local.descendants import MARKER, Descendants, become_subreaper, marked, reap_orphans
from local.layout import ROOT

# A lost parent is noticed within half a second; more often costs CPU for nothing.
POLL_S = 0.4
# Nobody waits for a clean end once the parent is gone, and its ports are wanted back soon.
ORPHANED_GRACE_S = 6.0
COMMAND_NOT_STARTED = 127
TERM_PATIENCE_S = 2.0
KILL_PATIENCE_S = 10.0
_REMINDER_S = 5.0
_TICKS_S = 0.03
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """One run of one command.

    The command ends by itself, by a signal to this process (SIGINT, SIGTERM, SIGHUP), by `stop`,
    or because this process lost its parent. It is asked with SIGINT first, then SIGTERM, then
    SIGKILL goes to whatever is left below it. A second signal skips the waiting. `grace_s`, the
    time for a clean end, may be changed while the command runs.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environ: Mapping[str, str],
        say: Callable[[str], None],
        grace_s: float,
        parent_pid: int,
        folder: Path | None = None,
        output: IO[bytes] | None = None,
        beside: Sequence[Sequence[str]] = (),
    ) -> None:
        """Prepare the run: `parent_pid` as read early, `output` takes stdout and stderr.

        The commands of `beside` run in the repository as long as the command does; without one
        of them the command is asked to end.
        """
        marker = secrets.token_hex(8)
        self._command, self._beside = list(command), beside
        self._environ = {**environ, MARKER: marked(environ.get(MARKER), marker)}
        self._marker, self._say = marker, say
        self.grace_s = grace_s
        self._parent_pid, self._folder, self._output = parent_pid, folder, output
        self._descendants = Descendants(marker)
        self._signals = 0
        self._reason: str | None = None

    @property
    def stopped_because(self) -> str | None:
        """Why the command was asked to end; None while nobody asked."""
        return self._reason

    def stop(self, reason: str) -> None:
        """Ask for the end, from any thread."""
        self._reason = self._reason or reason

    def run(self) -> int:
        """Run the command to its end; return its exit code, -n when signal n ended it."""
        become_subreaper()
        with self._noting_signals(), self._watched() as lifeline:
            child = self._start(self._command, self._folder)
            self._follow(child, self._start_beside(), lifeline)
            if child.poll() is None:
                self._ask(child)
            self._sweep()
            code = child.poll()
        return -signal.SIGKILL if code is None else code

    def _start_beside(self) -> list[subprocess.Popen[bytes]]:
        # The watchdog takes the oldest process for the command; the kernel counts start times in
        # ticks of a hundredth of a second.
        time.sleep(_TICKS_S if self._beside else 0)
        return [self._start(command, ROOT) for command in self._beside]

    def _start(self, command: Sequence[str], folder: Path | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            env=self._environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT if self._output else None,
            # Ctrl-C goes to the terminal's whole group: the command must hear it from us alone.
            start_new_session=True,
        )

    def _follow(
        self,
        child: subprocess.Popen[bytes],
        beside: Sequence[subprocess.Popen[bytes]],
        lifeline: IO[bytes],
    ) -> None:
        own = {child.pid, *(process.pid for process in beside)}
        while child.poll() is None and self._reason is None:
            self._report(lifeline)
            reap_orphans(spare=own | self._descendants.exempted)
            for process, command in zip(beside, self._beside, strict=True):
                if process.poll() is not None:
                    self.stop(f"{' '.join(command)} ended by itself")
            if os.getppid() != self._parent_pid:
                self.grace_s = min(self.grace_s, ORPHANED_GRACE_S)
                self.stop("the process that started this one is gone")
            time.sleep(POLL_S)
        self._report(lifeline)

    def _report(self, lifeline: IO[bytes]) -> None:
        # A dead watchdog cannot be told; the supervisor does without.
        with contextlib.suppress(BrokenPipeError, psutil.NoSuchProcess):
            for process in self._descendants.look():
                lifeline.write(f"{process.pid} {process.create_time()!r}\n".encode())

    def _ask(self, child: subprocess.Popen[bytes]) -> None:
        self._say(f"Stopping: {self._reason}. Up to {self.grace_s:.0f} s for a clean end.")
        child.send_signal(signal.SIGINT)
        asked = time.monotonic()
        reminder = asked + _REMINDER_S
        while child.poll() is None and self._signals < 2:
            now = time.monotonic()
            if now > asked + self.grace_s:
                self._say("It did not end in time and is ended by force.")
                return
            if now > reminder:
                self._say("Still stopping; Ctrl-C again ends it by force.")
                reminder += _REMINDER_S
            time.sleep(0.05)

    def _sweep(self) -> None:
        """End what is left, the command itself included."""
        if self._descendants.end(signal.SIGTERM, TERM_PATIENCE_S):
            return
        if not self._descendants.end(signal.SIGKILL, KILL_PATIENCE_S):
            pids = ", ".join(str(process.pid) for process in self._descendants.alive())
            self._say(f"These processes cannot be ended: {pids}")

    @contextmanager
    def _noting_signals(self) -> Iterator[None]:
        def note(number: int, _frame: FrameType | None) -> None:
            self._signals += 1
            self.stop(signal.Signals(number).name)

        before = {number: signal.signal(number, note) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _watched(self) -> Iterator[IO[bytes]]:
        """Start the watchdog; its stdin closes with this process, which is how it notices."""
        reading, writing = os.pipe()
        with os.fdopen(reading):
            watchdog = subprocess.Popen(
                [sys.executable, "-m", "local.watchdog", self._marker],
                cwd=ROOT,
                stdin=reading,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._descendants.exempt(watchdog.pid)
        try:
            with os.fdopen(writing, "wb", buffering=0) as lifeline:
                yield lifeline
        finally:
            # After an exception it ends what is left; else it has nothing to do.
            watchdog.wait()


def main(arguments: Sequence[str]) -> int:
    """Run the command after `--` under a supervisor; its exit code."""
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m local.supervisor", description=__doc__)
    parser.add_argument("--grace-s", type=float, default=20.0, help="time for a clean end")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    supervisor = Supervisor(
        options.command,
        environ=os.environ,
        say=Console().step,
        grace_s=options.grace_s,
        parent_pid=parent_pid,
    )
    try:
        return exit_code(supervisor.run())
    except OSError as error:
        Console().write(f"{options.command[0]}: {error.strerror}\n")
        return COMMAND_NOT_STARTED


def exit_code(returned: int) -> int:
    """The shell's way to say it: 128 + n for an end by signal n."""
    return returned if returned >= 0 else 128 - returned


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
