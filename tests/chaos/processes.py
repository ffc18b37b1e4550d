"""Functions in processes of their own, started so that they can be killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from local.layout import ROOT

HOST = "127.0.0.1"
_FUNCTIONS = ROOT / "functions"
_FRAMEWORK = Path(sys.executable).with_name("functions-framework")
_START_DEADLINE_S = 40.0


class NotServing(Exception):
    """A function's process ended or does not listen; the text says where its log is."""


class FunctionProcess:
    """One function served by functions-framework, as on the platform."""

    def __init__(
        self,
        target: str,
        environ: Mapping[str, str],
        log: Path,
        port: int | None = None,
        *,
        command: Sequence[str] | None = None,
        folder: Path = _FUNCTIONS,
    ) -> None:
        """Start it, on a free port unless told which; `ready` waits until it listens.

        With a `command` of its own the process chooses a port; `ready` finds out which.
        """
        self.target, self._log = target, log
        if command is None:
            self.port = free_port() if port is None else port
            command = [str(_FRAMEWORK), "--source", "main.py", "--target", target]
            command += ["--host", HOST, "--port", str(self.port)]
        else:
            self.port = 0
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # gunicorn's worker and the processes that decode audio are in its group.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Return the process's number, which is that of its group too."""
        return self._process.pid

    @property
    def url(self) -> str:
        """Return the function's own address."""
        return f"http://{HOST}:{self.port}"

    def ready(self) -> "FunctionProcess":
        """Return itself once it listens. Raises NotServing."""
        deadline = time.monotonic() + _START_DEADLINE_S
        while True:
            if self._listens():
                return self
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise NotServing(f"{self.target} does not listen; see {self._log}")
            time.sleep(0.01)

    def _listens(self) -> bool:
        self.port = self.port or _port_of(self.pid)
        if not self.port:
            return False
        try:
            with socket.create_connection((HOST, self.port), 1) as connection:
                # Nobody listens yet, and the system has given this end the very port that it
                # calls: it is connected to itself. Of thousands of attempts some do.
                return connection.getsockname() != connection.getpeername()
        except OSError:
            return False

    def kill(self) -> None:
        """End the process and all that it has started, at once; twice is once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def terminate(self) -> None:
        """Ask the process to end, and return at once."""
        self._process.terminate()

    def alive(self) -> int:
        """Return how many processes of its group are still there."""
        group = self._process.pid
        return sum(_group_of(pid) == group for pid in psutil.pids())


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _port_of(pid: int) -> int:
    """Return the port on which a process listens, 0 while there is none."""
    try:
        connections = psutil.Process(pid).net_connections("tcp4")
    except psutil.Error:
        return 0
    listening = [each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN]
    return listening[0] if listening else 0


def _group_of(pid: int) -> int | None:
    try:
        ended = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        return None if ended else os.getpgid(pid)
    except (psutil.Error, ProcessLookupError):
        return None
