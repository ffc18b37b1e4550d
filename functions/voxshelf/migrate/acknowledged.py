"""The note of what was saved, by which a second run knows it without asking.

One JSON object a line, written to the disk before the next save starts. A save that was
acknowledged and not noted any more is known by its Idempotency-Key, for as long as keys last.
"""

import json
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from voxshelf.migrate.identity import Stopped

NAME = ".voxshelf-migrate.jsonl"


class Acknowledged:
    """What one user of one site has been sent. Close it, or use it as a context manager."""

    def __init__(self, path: Path, *, site: str, uid: str) -> None:
        """Read the note, and open it to be continued. Raises Stopped."""
        self._whose = {"site": site, "uid": uid}
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise Stopped(
                f"What is sent cannot be noted in {path}: {error.strerror}. "
                "Give another file as --state."
            ) from None
        self._file.seek(0)
        lines = self._file.read().split(b"\n")
        self._keys = {key for line in lines if (key := self._key(line)) is not None}
        if lines[-1]:
            # A line that a crash cut off must not swallow the next one.
            self._file.write(b"\n")

    def __enter__(self) -> Self:
        """Return the note itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file."""
        self._file.close()

    def __contains__(self, key: str) -> bool:
        """Tell whether the save of this key was acknowledged."""
        return key in self._keys

    def add(self, key: str, file: str) -> None:
        """Note a save, for good once this returns; `file` is for people."""
        line = {**self._whose, "key": key, "file": file}
        self._file.write(json.dumps(line).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._keys.add(key)

    def _key(self, line: bytes) -> str | None:
        """Return the key of a line of this user and site; of a damaged line none."""
        try:
            noted = json.loads(line)
        except ValueError:
            return None
        if not isinstance(noted, dict) or not self._whose.items() <= noted.items():
            return None
        key = noted.get("key")
        return key if isinstance(key, str) else None
