"""The secrets that the functions get on this machine, in place of Secret Manager."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE_NAME = ".secret.local"


def ensure_page_token_key(functions: Path) -> None:
    """Give `functions/.secret.local` a random PAGE_TOKEN_KEY, unless it has one.

    Other lines stay as they are; readers see the old file or the new one, never half of it.
    """
    path = functions / FILE_NAME
    with _locked(functions):
        lines = path.read_text().splitlines() if path.exists() else []
        if not any(line.partition("=")[0].strip() == "PAGE_TOKEN_KEY" for line in lines):
            lines.append(f"PAGE_TOKEN_KEY={secrets.token_urlsafe(32)}")
            _replace(path, "".join(f"{line}\n" for line in lines))


def _replace(path: Path, text: str) -> None:
    # mkstemp makes the file readable by its owner alone, and the rename keeps that.
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    Path(partial).replace(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep two starts at the same moment from each making its own key."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
