"""A worker that does what the content says: `python -m tests.hardening.standin_worker SOCKET`."""

import os
import resource
import signal
import sys
import time

from voxshelf.adapters.audio_worker import serve
from voxshelf.adapters.soundfile_audio import inspect_audio
from voxshelf.core.errors import InvalidAudio


def inspect(content, limits, cpu):  # noqa: C901, PLR0912 - a table of faults, one a line
    order = content.rewound().read(16).split(b".")[0]
    if order.startswith(b"LONG"):
        # More than the first lane takes, and less than the second one.
        cpu.check(samples=200_000_000)
        order = order[4:].strip()
    if order == b"CRASH":
        os.kill(os.getpid(), signal.SIGSEGV)
    if order == b"HANG":
        time.sleep(3600)
    if order == b"SPIN":
        while True:
            pass
    if order == b"WORK":
        while True:
            cpu.check()
    if order == b"KILLED":
        os.kill(os.getpid(), signal.SIGKILL)
    if order == b"TERMINATED":
        os.kill(os.getpid(), signal.SIGTERM)
    if order in {b"", b"QUICK"}:
        niceness = os.getpriority(os.PRIO_PROCESS, 0)
        raise InvalidAudio("niceness", details={"niceness": niceness})
    if order == b"ENVIRON":
        raise InvalidAudio("environment", details=dict(os.environ))
    if order == b"LIMITS":
        names = ("RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_FSIZE", "RLIMIT_NOFILE", "RLIMIT_CPU")
        limits = {name: resource.getrlimit(getattr(resource, name)) for name in names}
        found = {name: soft for name, (soft, _) in limits.items()}
        hard = {name: limits[name] for name in ("RLIMIT_FSIZE", "RLIMIT_NOFILE")}
        raise InvalidAudio("limits", details={**found, "HARD": hard})
    if order == b"NONSENSE":
        os.write(int(sys.argv[1]), b'{"facts": {"format": "EXE"}}\n')
        time.sleep(3600)
    if order == b"FLOOD":
        while True:
            os.write(int(sys.argv[1]), b"x" * 65_536)
    return inspect_audio(content, limits, cpu)


if __name__ == "__main__":
    serve(int(sys.argv[1]), inspect)
