"""Audio measured in worker processes; see `audio_worker` for why."""

import contextlib
import json
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from voxshelf.core.audio import AudioFacts, AudioFormat, AudioLimits, Loudness
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio, Unavailable, UnsupportedMediaType

# Four hours of speech, the longest kept, decode in well under this on one CPU; what takes
# longer hangs, or was made to.
DECODE_DEADLINE_S = 60.0
# A start takes 0.2 s, on a busy machine some more.
_START_DEADLINE_S = 30.0
# A reply is some hundred bytes, and 400 of peaks.
_MAX_REPLY_BYTES = 64 * 1024
# The end of a traceback names what is missing.
_COMPLAINT_CHARACTERS = 2_000
# Decoding is bound by the CPU, of which an instance has one; the second worker serves while
# the first one is busy with a long file or hangs.
WORKERS = 2

_PACKAGE_PARENT = str(Path(__file__).parents[2])
_ERRORS = {error.code: error for error in (InvalidAudio, UnsupportedMediaType)}


class _NoAnswer(Exception):
    """The worker crashed over the file, did not answer in time, or answered nonsense."""


class _NotListening(Exception):
    """The worker ended before it saw the file."""


class _NotStarted(_NotListening):
    """The worker never came up; the text is what it complained of."""


class IsolatedAudio:
    """Plays `AudioInspector`. Workers start when they are first needed and live on."""

    def __init__(
        self,
        report: Callable[[str], None],
        deadline_s: float = DECODE_DEADLINE_S,
        module: str = "voxshelf.adapters.audio_worker",
    ) -> None:
        """Give each file `deadline_s`; `module` is what the workers run.

        `report` is told, for the log, why a worker did not start.
        """
        self._report, self._deadline_s, self._module = report, deadline_s, module
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(WORKERS):
            self._idle.put(None)

    def start(self) -> None:
        """Start a first worker ahead of its first file, beside whatever else is loading."""
        with self._slot() as slot:
            slot.worker()

    def __call__(self, content: Content, limits: AudioLimits, owner: str) -> AudioFacts:  # noqa: ARG002 - all wait in one line
        """See `AudioInspector`.

        Raises:
            Unavailable: when no worker starts, which says nothing about the file.
        """
        with self._slot() as slot, _descriptor(content) as descriptor:
            try:
                self._send(slot, _request(content, limits), descriptor)
                return _facts(slot.worker().reply(self._deadline_s), content)
            except _NoAnswer:
                slot.end()
                raise InvalidAudio(
                    f"The {limits.noun} cannot be decoded: save it anew, as 16-bit WAV."
                ) from None
            except _NotListening as reason:
                slot.end()
                if isinstance(reason, _NotStarted):
                    self._report(str(reason))
                raise Unavailable("Audio cannot be checked at the moment. Try again.") from None

    def _send(self, slot: "_Slot", request: bytes, descriptor: int) -> None:
        try:
            slot.worker().send(request, descriptor)
        except _NotListening:
            # It was killed while it was idle. The file had no part in that.
            slot.end()
            slot.worker().send(request, descriptor)

    def close(self) -> None:
        """End all workers that are idle."""
        with contextlib.suppress(queue.Empty):
            while True:
                worker = self._idle.get_nowait()
                if worker is not None:
                    worker.end()

    @contextlib.contextmanager
    def _slot(self) -> Iterator["_Slot"]:
        slot = _Slot(self._idle.get(), self._module)
        try:
            yield slot
        finally:
            self._idle.put(slot.kept)


class _Slot:
    """The right to one worker, which is started when it is asked for."""

    def __init__(self, kept: "_Worker | None", module: str) -> None:
        self.kept, self._module = kept, module

    def worker(self) -> "_Worker":
        if self.kept is None or not self.kept.is_alive():
            self.end()
            self.kept = _Worker(self._module)
        return self.kept

    def end(self) -> None:
        if self.kept is not None:
            self.kept.end()
            self.kept = None


class _Worker:
    """One process and the socket to it."""

    def __init__(self, module: str) -> None:
        self._ready = False
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
        return self._process.poll() is None

    def send(self, request: bytes, descriptor: int) -> None:
        """Pass a file on as soon as the worker is ready. Raises _NotListening."""
        if not self._ready:
            self._wait_for_start()
        try:
            socket.send_fds(self._channel, [request], [descriptor])
        except OSError as error:
            raise _NotListening from error

    def _wait_for_start(self) -> None:
        self._channel.settimeout(_START_DEADLINE_S)
        try:
            self._ready = self._channel.recv(1) == b"\n"
        except OSError:
            self._ready = False
        if not self._ready:
            self._process.kill()
            code = self._process.wait()
            raise _NotStarted(f"exit code {code}: {self._complaint()}")

    def _complaint(self) -> str:
        """Return the end of what a process that has ended wrote."""
        assert self._process.stderr is not None
        text = self._process.stderr.read(_MAX_REPLY_BYTES).decode(errors="replace")
        return text[-_COMPLAINT_CHARACTERS:].strip()

    def reply(self, deadline_s: float) -> dict[str, Any]:
        """Return what the worker says within so many seconds. Raises _NoAnswer."""
        received, deadline = bytearray(), time.monotonic() + deadline_s
        try:
            while not received.endswith(b"\n"):
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                chunk = self._channel.recv(_MAX_REPLY_BYTES)
                received += chunk
                if not chunk or len(received) > _MAX_REPLY_BYTES:
                    raise _NoAnswer
            reply: dict[str, Any] = json.loads(received)
        except (OSError, ValueError) as error:
            raise _NoAnswer from error
        return reply

    def end(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()


@contextlib.contextmanager
def _descriptor(content: Content) -> Iterator[int]:
    """Yield a descriptor of the content as a file; what is in memory is written out first."""
    stream = content.rewound()
    try:
        descriptor = stream.fileno()
    except OSError:
        with tempfile.TemporaryFile() as file:
            shutil.copyfileobj(stream, cast(BinaryIO, file))
            file.seek(0)
            yield file.fileno()
    else:
        yield descriptor


def _request(content: Content, limits: AudioLimits) -> bytes:
    request = {
        "size_bytes": content.size_bytes,
        "sha256": content.sha256,
        "crc32c": content.crc32c,
        "limits": asdict(limits),
    }
    return json.dumps(request).encode()


def _facts(reply: dict[str, Any], content: Content) -> AudioFacts:
    """Return what was measured; what is known here is not taken from a worker."""
    try:
        if "facts" not in reply:
            raise _ERRORS[reply["code"]](reply["message"], details=reply["details"])
        facts = reply["facts"]
        known = {
            "format": AudioFormat[facts["format"]],
            "size_bytes": content.size_bytes,
            "sha256": content.sha256,
            "peaks": bytes.fromhex(facts["peaks"]),
            "loudness": Loudness(**facts["loudness"]),
        }
        return AudioFacts(**{**facts, **known})
    except (LookupError, TypeError, ValueError) as error:
        raise _NoAnswer from error
