"""A command whose children detach themselves in every way a supervisor has to see through.

Run as a script: `stubborn_tree.py FOLDER [seconds]`. Each process writes its number and start time
into FOLDER, then all sleep; the command itself ends after `seconds`.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil


def _sleeper(folder: Path, name: str) -> None:
    own = psutil.Process()
    partial = folder / f"{name}.partial"
    partial.write_text(f"{own.pid} {own.create_time()!r}")
    partial.rename(folder / name)
    time.sleep(600)


def _ignores_everything(folder: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _sleeper(folder, "ignores-everything")


def _own_session(folder: Path) -> None:
    os.setsid()
    _sleeper(folder, "own-session")


def _double_fork(folder: Path) -> None:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _sleeper(folder, "double-fork")
    os._exit(0)


def _empty_environment(folder: Path) -> None:
    os.setsid()
    code = "import os, time; time.sleep(600)"
    own = psutil.Process()
    (folder / "empty-environment").write_text(f"{own.pid} {own.create_time()!r}")
    os.execve(sys.executable, [sys.executable, "-c", code], {})


KINDS: dict[str, Callable[[Path], None]] = {
    "ignores-everything": _ignores_everything,
    "own-session": _own_session,
    "double-fork": _double_fork,
    "empty-environment": _empty_environment,
}


def main(folder: Path, seconds: float) -> None:
    """Start one process of each kind, then sleep."""
    for detach in KINDS.values():
        if os.fork() == 0:
            detach(folder)
            os._exit(0)
    own = psutil.Process()
    (folder / "command").write_text(f"{own.pid} {own.create_time()!r}")
    time.sleep(seconds)
    sys.exit(3)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 600)
