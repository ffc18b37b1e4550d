"""One worker process, and the socket to it; see `audio_worker`."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# A start takes 0.2 s, on a busy machine some more.
_START_DEADLINE_S = 30.0
# A reply is some hundred bytes, and 400 of peaks.
_MAX_REPLY_BYTES = 64 * 1024
# The end of a traceback names what is missing.
_COMPLAINT_CHARACTERS = 2_000
_PACKAGE_PARENT = str(Path(__file__).parents[2])
# Linux numbers the CPU clock of another process like that: clock_getcpuclockid(3).
_CPU_CLOCK_SCHED = 2


class Ended(Exception):
    """The worker ended over the file."""


class Nonsense(Exception):
    """The worker answered something that is no answer."""


class NotInTime(Exception):
    """The worker did not answer before its deadline, on the wall."""


class NotListening(Exception):
    """The worker ended before it saw the file."""


class NotStarted(NotListening):
    """The worker never came up; the text is what it complained of."""


class AudioProcess:
    """A worker: started at once, ready a little later, and then there for one file at a time."""

    def __init__(self, module: str, niceness: int) -> None:
        """Start a process that runs `module`, and is scheduled so much behind others."""
        self._ready, self._niceness = False, niceness
        self._cpu_before_s = 0.0
        self._cpu_at_end_s: float | None = None
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Until it is ready, which is why it did not start. The decoders' complaints about
                # a stranger's file go nowhere: they would stand between the lines of the log.
                stderr=subprocess.PIPE,
                # The environment holds secrets and the way to credentials: none of it goes along.
                env={
                    # What this process can import. Where packages lie is only in its path on the
                    # platform: the buildpack installs them below PYTHONUSERBASE.
                    "PYTHONPATH": os.pathsep.join(filter(None, [_PACKAGE_PARENT, *sys.path])),
                    "PATH": os.defpath,
                    # No linear algebra here: a pool of threads for it would only cost start-up.
                    "OPENBLAS_NUM_THREADS": "1",
                },
            )

    def is_alive(self) -> bool:
        """Tell whether it has not ended."""
        return self._process.poll() is None

    @property
    def cpu_s(self) -> float:
        """Return how much of the CPU the last file has taken, also when the worker has ended.

        The kernel tells it: a worker that a file has captured would not.
        """
        until_s = self._clock_s() if self._cpu_at_end_s is None else self._cpu_at_end_s
        return until_s - self._cpu_before_s

    def _clock_s(self) -> float:
        try:
            return time.clock_gettime((~self._process.pid << 3) | _CPU_CLOCK_SCHED)
        except OSError:
            # No such clock here: nothing is known then.
            return 0.0

    def send(self, request: bytes, descriptor: int) -> None:
        """Pass a file on as soon as the worker is ready. Raises NotListening."""
        if not self._ready:
            self._wait_for_start()
        self._cpu_before_s = self._clock_s()
        try:
            socket.send_fds(self._channel, [request], [descriptor])
        except OSError as error:
            raise NotListening from error

    def _wait_for_start(self) -> None:
        self._channel.settimeout(_START_DEADLINE_S)
        try:
            self._ready = self._channel.recv(1) == b"\n"
        except OSError:
            self._ready = False
        if not self._ready:
            self._process.kill()
            code = self._process.wait()
            raise NotStarted(f"exit code {code}: {self._complaint()}")
        if self._niceness:
            # Not sooner: whoever waits for it would wait for all others.
            os.setpriority(os.PRIO_PROCESS, self._process.pid, self._niceness)

    def _complaint(self) -> str:
        """Return the end of what a process that has ended wrote."""
        assert self._process.stderr is not None
        text = self._process.stderr.read(_MAX_REPLY_BYTES).decode(errors="replace")
        return text[-_COMPLAINT_CHARACTERS:].strip()

    def reply(self, deadline_s: float) -> dict[str, Any]:
        """Return what the worker says within so many seconds. Raises Ended, Nonsense, NotInTime."""
        received, deadline = bytearray(), time.monotonic() + deadline_s
        try:
            while not received.endswith(b"\n"):
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = self._channel.recv(_MAX_REPLY_BYTES)
                received += chunk
                if not chunk:
                    raise Ended
                if len(received) > _MAX_REPLY_BYTES:
                    raise Nonsense
            reply: dict[str, Any] = json.loads(received)
        except TimeoutError as error:
            raise NotInTime from error
        except OSError as error:
            raise Ended from error
        except ValueError as error:
            raise Nonsense from error
        return reply

    def end(self) -> int:
        """End it, whatever it does; return its exit code, which is its own if it has ended."""
        # Afterwards it has no clock any more.
        self._cpu_at_end_s = self._clock_s()
        self._channel.close()
        self._process.kill()
        code = self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        return code
