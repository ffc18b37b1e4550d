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
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast

from voxshelf.core.audio import AudioFacts, AudioFormat, AudioLimits, Loudness
from voxshelf.core.content import Content
from voxshelf.core.errors import InvalidAudio, UnsupportedMediaType

# Four hours of speech, the longest kept, decode in well under this on one CPU; what takes
# longer hangs, or was made to.
DECODE_DEADLINE_S = 60.0
# Decoding is bound by the CPU, of which an instance has one; the second worker serves while
# the first one is busy with a long file or hangs.
WORKERS = 2

_PACKAGE_PARENT = str(Path(__file__).parents[2])
_ERRORS = {error.code: error for error in (InvalidAudio, UnsupportedMediaType)}


class _WorkerDied(Exception):
    """The worker crashed, or did not answer in time."""


class IsolatedAudio:
    """Plays `AudioInspector`. Workers start when they are first needed and live on."""

    def __init__(
        self, deadline_s: float = DECODE_DEADLINE_S, module: str = "voxshelf.adapters.audio_worker"
    ) -> None:
        """Give each file `deadline_s`; `module` is what the workers run."""
        self._deadline_s, self._module = deadline_s, module
        self._idle: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(WORKERS):
            self._idle.put(None)

    def start(self) -> None:
        """Start a first worker ahead of its first file, beside whatever else is loading."""
        with self._slot() as slot:
            slot.worker()

    def __call__(self, content: Content, limits: AudioLimits) -> AudioFacts:
        """See `AudioInspector`."""
        with self._slot() as slot, _descriptor(content) as descriptor:
            try:
                reply = slot.worker().ask(content, limits, descriptor, self._deadline_s)
            except _WorkerDied:
                slot.end()
                raise InvalidAudio(
                    f"The {limits.noun} cannot be decoded: save it anew, as 16-bit WAV."
                ) from None
        return _facts(reply)

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
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, no shell
                [sys.executable, "-m", module, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # The environment holds secrets and the way to credentials: none of it goes along.
                env={
                    "PYTHONPATH": _PACKAGE_PARENT,
                    "PATH": os.defpath,
                    # No linear algebra here: a pool of threads for it would only cost start-up.
                    "OPENBLAS_NUM_THREADS": "1",
                },
            )

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(
        self, content: Content, limits: AudioLimits, descriptor: int, deadline_s: float
    ) -> dict[str, Any]:
        request = {
            "size_bytes": content.size_bytes,
            "sha256": content.sha256,
            "crc32c": content.crc32c,
            "limits": asdict(limits),
        }
        self._channel.settimeout(deadline_s)
        try:
            socket.send_fds(self._channel, [json.dumps(request).encode()], [descriptor])
            line = self._receive_line()
        except OSError as error:
            raise _WorkerDied from error
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _receive_line(self) -> bytes:
        received = bytearray()
        while not received.endswith(b"\n"):
            chunk = self._channel.recv(65_536)
            if not chunk:
                raise _WorkerDied
            received += chunk
        return bytes(received)

    def end(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()


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


def _facts(reply: dict[str, Any]) -> AudioFacts:
    if "facts" not in reply:
        raise _ERRORS[reply["code"]](reply["message"], details=reply["details"])
    facts = reply["facts"]
    return AudioFacts(
        **{
            **facts,
            "format": AudioFormat[facts["format"]],
            "peaks": bytes.fromhex(facts["peaks"]),
            "loudness": Loudness(**facts["loudness"]),
        }
    )
