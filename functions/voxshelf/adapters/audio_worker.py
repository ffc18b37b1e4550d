"""The process in which audio is decoded, apart from everything that is worth protecting.

libsndfile and libmpg123 are C code that reads what strangers upload; both have had flaws. Here
such a flaw costs one process that holds no credentials, no other user's data and a bounded
amount of memory and time, instead of the instance and all its requests. It also keeps NumPy and
libsndfile out of the imports of the serving process.

Protocol: over one Unix socket, a request is a JSON object with the file's descriptor beside it
(SCM_RIGHTS), a reply is one JSON line. JSON, not pickle: a captured worker must not be able to
make its parent run anything.
"""

import json
import os
import resource
import socket
import sys
from dataclasses import asdict
from typing import Any

from voxshelf.core.audio import AudioFacts, AudioLimits
from voxshelf.core.content import Content
from voxshelf.core.errors import VoxshelfError

_REQUEST_BYTES = 64 * 1024
# Decoding works in blocks of half a megabyte; the rest is the interpreter with its libraries,
# whose address space is far larger than what they use.
_ADDRESS_SPACE_BYTES = 2 * 1024**3


def main() -> None:
    """Serve requests on the socket whose descriptor is the first argument, until it closes."""
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from voxshelf.adapters.soundfile_audio import inspect_audio

    with socket.socket(fileno=int(sys.argv[1])) as channel:
        while True:
            message, descriptors, _, _ = socket.recv_fds(channel, _REQUEST_BYTES, 1)
            if not message:
                return
            reply = _reply(json.loads(message), descriptors[0], inspect_audio)
            channel.sendall(json.dumps(reply).encode() + b"\n")


def _reply(request: dict[str, Any], descriptor: int, inspect_audio: Any) -> dict[str, Any]:
    with os.fdopen(descriptor, "rb") as stream:
        content = Content(stream, request["size_bytes"], request["sha256"], request["crc32c"])
        try:
            facts: AudioFacts = inspect_audio(content, AudioLimits(**request["limits"]))
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
