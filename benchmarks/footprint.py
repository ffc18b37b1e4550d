"""What a server holds while it works: memory of all its processes, and bytes on disk.

On Cloud Functions `/tmp` is memory, so both are counted: what lies in the server's folders, and
files that are open but have no name any more, as temporary files are.
"""

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_S = 0.02


@dataclass
class Footprint:
    """The highest values seen, in bytes."""

    memory: int = 0
    disk: int = 0
    together: int = 0


def resident(process: psutil.Process) -> int:
    """Return a process's resident memory; pages that several share count for each of them."""
    with contextlib.suppress(psutil.Error):
        size_bytes: int = process.memory_info().rss
        return size_bytes
    return 0


def proportional(process: psutil.Process) -> int:
    """Return a process's share: a page that several hold counts once in their sum.

    That is how a container is accounted for. Linux only, and slow to read.
    """
    with contextlib.suppress(psutil.Error):
        size_bytes: int = process.memory_full_info().pss
        return size_bytes
    return 0


@contextlib.contextmanager
def footprint(
    pid: int,
    folder: Path,
    every_s: float = _EVERY_S,
    memory_of: Callable[[psutil.Process], int] = resident,
) -> Iterator[Footprint]:
    """Sample a process, its descendants and a folder over and over while the block runs."""
    highest, ended = Footprint(), threading.Event()

    def sample() -> None:
        while not ended.wait(every_s):
            processes = _tree(pid)
            memory = sum(memory_of(process) for process in processes)
            disk = _named(folder) + _nameless(processes)
            highest.memory = max(highest.memory, memory)
            highest.disk = max(highest.disk, disk)
            highest.together = max(highest.together, memory + disk)

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield highest
    finally:
        ended.set()
        sampler.join()


def _tree(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def _named(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).stat().st_size
    return total


def _nameless(processes: list[psutil.Process]) -> int:
    """Bytes of open files without a name; one that two processes hold counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for process in processes:
        with contextlib.suppress(OSError):
            for descriptor in Path(f"/proc/{process.pid}/fd").iterdir():
                with contextlib.suppress(OSError):
                    found = descriptor.stat()
                    if stat.S_ISREG(found.st_mode) and found.st_nlink == 0:
                        sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
