"""The emulators' data between two runs of `make dev`.

Each run exports into a new numbered folder, and the next one imports the newest good one. So an
export that was cut off, or one of a stack that had not even read its data, replaces nothing.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_METADATA = "firebase-export-metadata.json"
_EMULATORS = ("auth", "firestore", "storage")


class DataInUse(Exception):
    """Another stack runs on the same data; the text names its process."""


class EmulatorData:
    """The numbered exports in one folder. Valid only inside `opened`."""

    def __init__(self, folder: Path) -> None:
        """Look at the exports of `folder`."""
        self._folder = folder
        self.next = folder / f"export-{max(self._numbers(), default=0) + 1:06d}"

    def latest(self) -> Path | None:
        """The newest export that is whole and whose stack had come up; None without one."""
        exports = [self._folder / f"export-{number:06d}" for number in sorted(self._numbers())]
        good = [path for path in exports if self._mark(path).exists() and is_whole(path)]
        return good[-1] if good else None

    def trust_next(self) -> None:
        """Say that the running stack has read its data, so that its export will be good."""
        self._mark(self.next).touch()

    def keep_only(self, kept: Path | None) -> None:
        """Remove every export but this one."""
        names = {kept.name, self._mark(kept).name} if kept else set()
        for path in self._folder.glob("export-*"):
            if path.is_dir() and path.name not in names:
                shutil.rmtree(path)
            elif path.name not in names:
                path.unlink()

    def _numbers(self) -> list[int]:
        parts = (path.stem.rpartition("-")[2] for path in self._folder.glob("export-*"))
        return [int(part) for part in parts if part.isdigit()]

    @staticmethod
    def _mark(export: Path) -> Path:
        return export.with_suffix(".ready")


@contextmanager
def opened(folder: Path) -> Iterator[EmulatorData]:
    """Open the folder, made if missing, for this process alone. Raises DataInUse."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            message = (
                f"The data in {folder} are in use by process {lock.read().strip()}.\n"
                "End that process, or give this stack its own folder: VOXSHELF_STATE=<folder>"
            )
            raise DataInUse(message) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield EmulatorData(folder)


def is_whole(export: Path) -> bool:
    """Whether the export holds every emulator's part.

    firebase-tools moves an export into place when it is complete, but leaves out an emulator that
    had not started, and its JSON files may hold whatever the emulator answered.
    """
    try:
        metadata = json.loads((export / _METADATA).read_text())
        json.loads((export / metadata["auth"]["path"] / "accounts.json").read_text())
        parts = [metadata[name]["path"] for name in _EMULATORS]
        parts.append(metadata["firestore"]["metadata_file"])
    except (OSError, ValueError, KeyError):
        return False
    return all((export / part).exists() for part in parts)
