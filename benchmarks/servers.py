"""The functions in processes of their own, as on the platform: functions-framework, gunicorn.

The Functions emulator would start one process for each request at the same time, and that is what
it would measure.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.client import Client
from local.layout import ROOT
from local.local_secrets import FILE_NAME
from local.ports import HOST

FUNCTIONS = ROOT / "functions"
HELLO = ROOT / "benchmarks" / "hello.py"
_FRAMEWORK = Path(sys.executable).with_name("functions-framework")
_START_DEADLINE_S = 30.0
_END_DEADLINE_S = 10.0
_CONNECT_EVERY_S = 0.005
# The platform sets none of these, and each of them changes how Python starts.
_NOT_PASSED_ON = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONUNBUFFERED")
# A run saves more than one user may; the limits are checked all the same.
_LIMITS = {"MAX_VOICES": "100000", "MAX_GENERATIONS": "100000", "MAX_SAVES_PER_DAY": "100000"}


class ServerFailed(Exception):
    """A function's process ended or did not listen in time; the text says which and why."""


@dataclass(frozen=True)
class Backends:
    """The emulators behind the functions, as `emulators:exec` names them in the environment."""

    project: str
    auth: str
    environ: Mapping[str, str]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "Backends":
        """Read the environment that `emulators:exec` made."""
        storage = environ["FIREBASE_STORAGE_EMULATOR_HOST"]
        return cls(
            project=environ["GCLOUD_PROJECT"],
            auth=environ["FIREBASE_AUTH_EMULATOR_HOST"],
            environ={
                name: text
                for name, text in {**environ, "STORAGE_EMULATOR_HOST": f"http://{storage}"}.items()
                if name not in _NOT_PASSED_ON
            },
        )

    @property
    def storage(self) -> str:
        """`host:port` of Storage."""
        return self.environ["FIREBASE_STORAGE_EMULATOR_HOST"]

    @property
    def firestore(self) -> str:
        """`host:port` of Firestore."""
        return self.environ["FIRESTORE_EMULATOR_HOST"]

    def at(self, storage: str, firestore: str) -> "Backends":
        """The same backends at other addresses: those of proxies before them."""
        moved = {
            "FIREBASE_STORAGE_EMULATOR_HOST": storage,
            "STORAGE_EMULATOR_HOST": f"http://{storage}",
            "FIRESTORE_EMULATOR_HOST": firestore,
        }
        return replace(self, environ={**self.environ, **moved})

    @property
    def bucket(self) -> str:
        """The default bucket that the emulator gives to a demo project."""
        return f"{self.project}.appspot.com"

    def function_environ(self) -> dict[str, str]:
        """The environment that the Functions emulator would give to a function."""
        config = {"projectId": self.project, "storageBucket": self.bucket}
        return {
            **self.environ,
            **_variables(FUNCTIONS / ".env"),
            **_variables(FUNCTIONS / FILE_NAME),
            **_LIMITS,
            "FIREBASE_CONFIG": json.dumps(config),
        }


@dataclass(frozen=True)
class Server:
    """A function's process; `started` is the clock (`time.perf_counter`) just before it."""

    target: str
    port: int
    process: subprocess.Popen[bytes]
    started: float

    def client(self, id_token: str = "") -> Client:
        """A client that is signed in; it waits until the process listens."""
        deadline = self.started + _START_DEADLINE_S
        while not (connection := _connected(self.port)):
            if self.process.poll() is not None or time.perf_counter() > deadline:
                raise ServerFailed(f"{self.target} does not listen (see the log).")
            time.sleep(_CONNECT_EVERY_S)
        return Client(connection, HOST, self.port, id_token)


@contextmanager
def serving(
    target: str, environ: Mapping[str, str], source: Path | None = None
) -> Iterator[Server]:
    """Run one function of `source` (functions/main.py) while the block runs."""
    command = [str(_FRAMEWORK), "--source", str(source or FUNCTIONS / "main.py")]
    with _running(target, [*command, "--target", target], environ, FUNCTIONS) as server:
        yield server


@contextmanager
def serving_with_own_tmp(target: str, environ: Mapping[str, str]) -> Iterator[tuple[Server, Path]]:
    """Serve a function whose `/tmp` is a folder of its own, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix=f"{target}-"))
    try:
        with serving(target, {**environ, "TMPDIR": str(folder)}) as server:
            yield server, folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def printing_addresses(module: str, *arguments: str) -> Iterator[list[str]]:
    """Run a module of ours that prints where it serves until its input ends; yields that.

    In this process it would take time from whoever asks here.
    """
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield process.stdout.readline().split()
    finally:
        # The end of its input ends it, also when this process dies.
        process.communicate(timeout=_END_DEADLINE_S)


@contextmanager
def serving_local_disk(environ: Mapping[str, str], folder: Path) -> Iterator[Server]:
    """Run the workflow that the functions replace, as such projects run it: one uvicorn process."""
    command = [sys.executable, "-m", "uvicorn", "benchmarks.local_disk_server:app"]
    paths = {"PYTHONPATH": str(ROOT), "LOCAL_DISK_FOLDER": str(folder)}
    with _running("local_disk_server", command, {**environ, **paths}, ROOT) as server:
        yield server


@contextmanager
def _running(
    target: str, command: Sequence[str], environ: Mapping[str, str], folder: Path
) -> Iterator[Server]:
    port = _free_port()
    started = time.perf_counter()
    process = subprocess.Popen(
        [*command, "--host", HOST, "--port", str(port)],
        env=environ,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        # One line a request would be written into a log that others write too.
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Server(target, port, process, started)
    finally:
        # It has nothing to save, and the next one must not start beside its end. gunicorn's worker
        # is in the same group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _connected(port: int) -> socket.socket | None:
    connection = socket.socket()
    try:
        connection.connect((HOST, port))
    except OSError:
        connection.close()
        return None
    return connection


def _free_port() -> int:
    # A new one each time: a listener that is about to die would take the next one's connections.
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _variables(path: Path) -> dict[str, str]:
    """The lines NAME=text of a dotenv file without quotes."""
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: text for name, _, text in pairs}
