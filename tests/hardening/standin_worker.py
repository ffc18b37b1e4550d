"""A worker that does what the content says: `python -m tests.hardening.standin_worker SOCKET`."""

import os
import resource
import signal
import sys
import time

from voxshelf.adapters.audio_worker import serve
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.errors import InvalidAudio


def inspect(content, limits):  # noqa: C901 - a table of faults, one a line
    order = content.rewound().read(16).split(b".")[0]
    if order == b"CRASH":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == b"HANG":
        time.sleep(3600)
    if order == b"SPIN":
        while True:
            pass
    if order == b"ENVIRON":
        raise InvalidAudio("environment", details=dict(os.environ))
    if order == b"LIMITS":
        names = ("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU")
        found = {name: resource.getrlimit(getattr(resource, name))[0] for name in names}
        raise InvalidAudio("limits", details=found)
    if order == b"NONSENSE":
        os.write(int(sys.argv[1]), b'{"facts": {"format": "EXE"}}\n')
        time.sleep(3600)
    if order == b"FLOOD":
        while True:
            os.write(int(sys.argv[1]), b"x" * 65_536)
    if order == b"SLOW":
        time.sleep(0.5)
        raise InvalidAudio("slow")
    return inspect_audio(content, limits)


if __name__ == "__main__":
    serve(int(sys.argv[1]), inspect)
