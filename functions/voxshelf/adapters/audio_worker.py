"""The process in which audio is decoded, apart from everything that is worth protecting.

libsndfile and libmpg123 are C code that reads what strangers upload; both have had flaws. Here
such a flaw costs one process that holds no credentials, no other user's data and a bounded
amount of memory and time, instead of the instance and all its requests. It also keeps NumPy and
libsndfile out of the imports of the serving process.

Protocol: over one Unix socket, the worker says that it is ready with an empty line; then a request
is a JSON object with the file's descriptor beside it (SCM_RIGHTS), a reply is one JSON line. JSON,
not pickle: a captured worker must not be able to make its parent run anything. The worker ends
when the socket does, so it never outlives its parent.
"""

import json
import math
import os
import resource
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from voxshelf.adapters.cpu_allowance import CpuAllowance, CpuUsedUp
from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content
from voxshelf.core.errors import VoxshelfError

Inspect = Callable[[Content, AudioLimits, CpuAllowance], AudioFacts]

_REQUEST_BYTES = 64 * 1024
# Headers of hundreds of thousands of Ogg pages and MP3 frames are read one by one.
_READ_BUFFER_BYTES = 256 * 1024
# Decoding works in blocks of half a megabyte; the rest is the interpreter with its libraries,
# whose address space is far larger than what they use.
_ADDRESS_SPACE_BYTES = 2 * 1024**3
# The socket, the file, the three standard ones, and what an import opens for a moment.
_OPEN_FILES = 32
# Beyond what a request allows: for code that does not come back to look at the time.
_CPU_GRACE_S = 1


def main() -> None:
    """Serve requests on the socket whose descriptor is the first argument, until it closes."""
    _limit(resource.RLIMIT_AS, _ADDRESS_SPACE_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    from voxshelf.adapters.soundfile_audio import inspect_audio

    serve(int(sys.argv[1]), inspect_audio)


def serve(descriptor: int, inspect_audio: Inspect) -> None:
    """Answer with `inspect_audio`, which is loaded by now: from here on no file is written."""
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _mute()
    with socket.socket(fileno=descriptor) as channel:
        channel.sendall(b"\n")
        while True:
            message, descriptors, _, _ = socket.recv_fds(channel, _REQUEST_BYTES, 1)
            if not message:
                return
            request = json.loads(message)
            _allow_cpu(request["cpu_s"])
            reply = _reply(request, descriptors[0], inspect_audio)
            channel.sendall(json.dumps(reply).encode() + b"\n")


def _mute() -> None:
    """Let complaints go nowhere from now on: until here they told why the start failed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stderr.fileno())
    os.close(nowhere)


def _limit(what: int, value: int) -> None:
    """Lower a limit for good: code that a file has captured cannot raise it again."""
    _, hard = resource.getrlimit(what)
    allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (allowed, allowed))


def _allow_cpu(cpu_s: float) -> None:
    """Let the kernel end this process when it takes much more than that from now on.

    The limit counts from the start of the process, so it grows with each request, and can be
    raised by whoever runs here. The parent's deadline, on the wall, holds all the same.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    allowed = math.ceil(time.process_time() + cpu_s) + _CPU_GRACE_S
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, hard))


def _reply(request: dict[str, Any], descriptor: int, inspect_audio: Inspect) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb", buffering=_READ_BUFFER_BYTES) as stream:
        content = Content(stream, request["size_bytes"], request["sha256"], request["crc32c"])
        try:
            limits, cpu = AudioLimits(**request["limits"]), CpuAllowance(request["cpu_s"])
            facts: AudioFacts = inspect_audio(content, limits, cpu)
        except CpuUsedUp:
            return {"cpu_used_up": True}
        except VoxshelfError as error:
            return {"code": error.code, "message": error.message, "details": error.details}
    return {
        "facts": {
            **asdict(facts),
            "format": facts.format.name,
            "peaks": facts.peaks.hex(),
        }
    }


if __name__ == "__main__":
    main()
